"""Trying a sequence out on oneself."""

import uuid
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from accounts.callers import caller
from campaigns import casting, rehearsal_report, rehearsing
from campaigns.casting import Part
from campaigns.models import Campaign, Enrollment
from outreach.lib import pages
from outreach.lib.errors import DomainError
from outreach.lib.text import printable
from prospects.models import Prospect

STOP_POLLING = 286  # htmx asks no more after this status
PRESET = 3  # people that are ticked at first


class RehearsalForm(forms.Form):
    """To whom, as whom."""

    to = forms.CharField(
        label="Send every mail to",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text="An address of your own. Nobody else gets mail.",
    )
    people = forms.MultipleChoiceField(
        label="As if you were",
        widget=forms.CheckboxSelectMultiple,
        help_text="One to five. Each of them gets the whole sequence, so two or three are plenty.",
        error_messages={"required": "Choose at least one person to play."},
    )

    def __init__(self, data: Any = None, *, offered: list[Part], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        choices = [(str(part.prospect.public_id), _label(part)) for part in offered]
        self.fields["people"].choices = choices  # type: ignore[attr-defined]


def campaign_rehearse(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks for an address and for the people to play; POST begins, or with `look` finds others of the segment."""
    campaigns = Campaign.objects.select_related("mailbox", "segment", "program").filter(rehearsal_of=None)
    campaign = get_object_or_404(campaigns, public_id=id)
    earlier = campaign.rehearsals.order_by("-id").first()
    chosen = _chosen(request.POST.getlist("people") or request.GET.getlist("prospect"))
    if request.method != "POST" and not chosen:
        chosen = _played_before(earlier)
    looks, search = "look" in request.POST, printable(request.POST.get("find", ""))[:100]
    offered = casting.offered(campaign=campaign, first=chosen, search=search if looks else "")
    nobody = looks and bool(search) and len(offered) == len(chosen)
    page = {"campaign": campaign, "search": search, "looks": looks, "nobody": nobody, "offered": offered}
    if looks:
        said = {"to": request.POST.get("to", ""), "people": [str(person.public_id) for person in chosen]}
        page["form"] = RehearsalForm(offered=offered, initial=said)
        if pages.is_part(request):
            return render(request, "campaigns/rehearse_people.html", page)
    elif request.method != "POST":
        first = [str(part.prospect.public_id) for part in offered[: len(chosen) or PRESET]]
        own = getattr(request.user, "email", "") or campaign.mailbox.from_address
        to = earlier.rehearsal_to if earlier else own
        page["form"] = RehearsalForm(offered=offered, initial={"to": to, "people": first})
    else:
        page["form"] = form = RehearsalForm(request.POST, offered=offered)
        if form.is_valid() and (made := _start(form, campaign, chosen, request)):
            return redirect("rehearsal", id=made.public_id)
    page["earlier"] = earlier
    return render(request, "campaigns/rehearse.html", page)


def rehearsal(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Each person's mails as they leave, and what comes next."""
    return render(request, "campaigns/rehearsal.html", _page(id))


def rehearsal_live(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """The part that renews itself; once it is over, it asks no more."""
    page = _page(id)
    status = 200 if page["standing"].listens else STOP_POLLING
    return render(request, "campaigns/rehearsal_live.html", page, status=status)


def rehearsal_end(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Ends it at once."""
    found = _rehearsal(id)
    if rehearsing.end(rehearsal=found):
        pages.said(request, "The rehearsal has ended: nothing more of it goes out.")
    return redirect("rehearsal", id=found.public_id)


def rehearsal_next(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Sends the next step now, without the minutes between."""
    found = _rehearsal(id)
    if not rehearsing.hurry(rehearsal=found, now=timezone.now()):
        pages.warned(request, "Nothing waits: what is due goes out in a few seconds.")
    return redirect("rehearsal", id=found.public_id)


def rehearsal_answer(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """An answer in the name of the person who is played, into a practice mailbox."""
    found = _rehearsal(id)
    enrollments: QuerySet[Enrollment] = Enrollment.objects.filter(campaign=found).select_related("prospect")
    enrollment = get_object_or_404(enrollments, public_id=_uuid(request.POST.get("enrollment", "")))
    text = request.POST.get("text", "")[:5000]
    try:
        rehearsing.answer(rehearsal=found, enrollment=enrollment, text=text, now=timezone.now())
    except DomainError as error:
        pages.refused(request, error)
    else:
        pages.said(request, f"The answer of {enrollment.prospect} is on its way: it is read in a few seconds.")
    return redirect("rehearsal", id=found.public_id)


def _played_before(earlier: Campaign | None) -> list[Prospect]:
    """Who was played the last time, as far as they are still there."""
    if earlier is None:
        return []
    played = Enrollment.objects.filter(campaign=earlier).values("prospect")
    return list(Prospect.objects.present().select_related("site").filter(pk__in=played).order_by("id"))


def _start(form: RehearsalForm, campaign: Campaign, chosen: list[Prospect], request: HttpRequest) -> Campaign | None:
    try:
        return rehearsing.start(
            campaign=campaign,
            prospects=chosen,
            to=form.cleaned_data["to"],
            now=timezone.now(),
            by=caller(request),
        )
    except DomainError as error:
        pages.show_problems(form, error)
        return None


def _page(public_id: uuid.UUID) -> dict[str, Any]:
    found = _rehearsal(public_id)
    standing = rehearsal_report.standing(rehearsal=found, now=timezone.now())
    return {"rehearsal": found, "campaign": found.rehearsal_of, "standing": standing}


def _rehearsal(public_id: uuid.UUID) -> Campaign:
    rehearsals = Campaign.objects.select_related("rehearsal_of", "mailbox").filter(rehearsal_of__isnull=False)
    return get_object_or_404(rehearsals, public_id=public_id)


def _chosen(said: list[str]) -> list[Prospect]:
    ids = [found for found in map(_uuid, said[:50]) if found]
    return list(Prospect.objects.select_related("site").filter(public_id__in=ids).order_by("id"))


def _uuid(said: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(said)
    except ValueError:
        return None


def _label(part: Part) -> str:
    person = part.prospect
    who = f"{person} ({person.company})" if person.company else str(person)
    return f"{who}: no {', no '.join(part.lacks)}" if part.lacks else who
