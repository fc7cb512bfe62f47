"""What sets a person's way right: an answer from elsewhere, out of a campaign or back into it, a parked mail."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.callers import caller
from campaigns import answers, elsewhere, playing, reentering, stopping, suspects
from campaigns.models import Campaign, Enrollment
from outreach.lib import pages
from outreach.lib.errors import DomainError
from prospects.models import Prospect


class AnsweredForm(forms.Form):
    """What they said, and in which words."""

    reply_class = forms.ChoiceField(
        choices=[(str(name), answers.KINDS[name].words) for name in elsewhere.SAID],
        label="What did they say?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what they said."},
    )
    words = forms.CharField(
        required=False,
        max_length=elsewhere.LONGEST,
        label="In which words",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def _person(id: Any) -> Prospect:
    return get_object_or_404(Prospect.objects.present().select_related("site"), public_id=id)


def _home(person: Prospect) -> str:
    return reverse("prospect", args=[person.public_id])


@require_POST
def prospect_answered(request: HttpRequest, id: Any) -> HttpResponse:
    """Asks what they said, then ends their campaigns: they answered elsewhere (a call, another address)."""
    person = _person(id)
    form = AnsweredForm(request.POST if "sure" in request.POST else None)
    if not form.is_valid():
        return _ask(request, person, form)
    try:
        done = elsewhere.answered(prospect=person, by=caller(request), now=timezone.now(), **form.cleaned_data)
    except DomainError as error:
        pages.show_problems(form, error)
        return _ask(request, person, form)
    mail = done.message
    counts = f"It counts as an answer to {mail.campaign}." if mail else "It counts in no campaign, and is a note."
    pages.said(request, f"{person} answered and leaves {_campaigns(done.ended)}. {counts}")
    return pages.back_to(request, _home(person))


def _ask(request: HttpRequest, person: Prospect, form: forms.Form) -> HttpResponse:
    active = Enrollment.objects.filter(prospect=person, state=Enrollment.State.ACTIVE, campaign__rehearsal_of=None)
    mail = elsewhere.last_mail(prospect=person)
    counts = "No mail was sent to them yet, so it counts in no campaign’s numbers."
    if mail is not None:
        counts = f"It counts as an answer to the last mail of {mail.campaign}."
    return pages.confirm(
        request,
        title=f"Has {person} answered?",
        text=f"They leave {_campaigns(active.count())}, and what is planned is cancelled. {counts}",
        button="They answered",
        back=_home(person),
        danger=False,
        fields={"sure": ["1"]},
        form=form,
    )


def _campaigns(count: int) -> str:
    return "1 campaign" if count == 1 else f"{count} campaigns"


def _campaign(request: HttpRequest) -> Campaign:
    try:
        wanted = UUID(request.POST.get("campaign", ""))
    except ValueError:
        wanted = None
    return get_object_or_404(Campaign.objects.select_related("mailbox").filter(rehearsal_of=None), public_id=wanted)


@require_POST
def prospect_take_out(request: HttpRequest, id: Any) -> HttpResponse:
    """Asks first, then takes the person out of this `campaign`."""
    person, campaign = _person(id), _campaign(request)
    if "sure" not in request.POST:
        return pages.confirm(
            request,
            title=f"Take {person} out of {campaign}?",
            text="Nothing more of this campaign goes to them, and what is planned is cancelled; other campaigns go on. "
            "Who got no mail of it yet can be put back.",
            button="Take out",
            back=_home(person),
            fields={"sure": ["1"], "campaign": [str(campaign.public_id)]},
        )
    if stopping.take_out(prospect=person, campaign=campaign, by=caller(request)):
        pages.said(request, f"{person} is out of {campaign}.")
    else:
        pages.warned(request, f"{person} is not under way in {campaign}.")
    return pages.back_to(request, _home(person))


@require_POST
def prospect_re_enter(request: HttpRequest, id: Any) -> HttpResponse:
    """Puts the person back into the `campaign` that a stop took them out of before its first mail."""
    person, campaign = _person(id), _campaign(request)
    now = timezone.now()
    if reentering.re_enter(campaign=campaign, prospect_ids=[person.pk], now=now, by=caller(request)):
        pages.said(request, f"{person} is back in {campaign}, at its first step.")
    else:
        pages.warned(request, f"{person} can't be put back into {campaign}: they got a mail of it, or are stopped.")
    return pages.back_to(request, _home(person))


@require_POST
def prospect_try_again(request: HttpRequest, id: Any) -> HttpResponse:
    """Lets go a mail at which sending broke off three times."""
    person = _person(id)
    if suspects.release(prospect=person, by=caller(request)):
        pages.said(request, f"The mail to {person} is tried again. If sending breaks off at it, it is held back anew.")
    else:
        pages.warned(request, f"No mail to {person} is held back for that.")
    return pages.back_to(request, _home(person))


@require_POST
def prospect_play(request: HttpRequest, id: Any) -> HttpResponse:
    """Answers the newest mail as this person, into a practice mailbox."""
    person = _person(id)
    mail = elsewhere.last_mail(prospect=person)
    try:
        if mail is None:
            raise playing.CannotAnswer("There is nothing to answer yet: wait for the first mail.")
        playing.answer(message=mail, text=request.POST.get("text", "")[:5_000], now=timezone.now())
    except DomainError as error:
        pages.refused(request, error)
    else:
        pages.said(request, f"The answer of {person} is on its way: in a few seconds it is in the inbox.")
    return pages.back_to(request, _home(person))
