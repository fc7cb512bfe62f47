"""One person: who they are, what they got, why, and what can be done."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import caller
from campaigns import (
    answers,
    elsewhere,
    labelling,
    lifting,
    present,
    reentering,
    relationship,
    standing,
    stopping,
    timeline,
)
from campaigns.models import Enrollment, Event, Message
from campaigns.views import chosen_people, messages
from campaigns.views.forms import LiftForm, StopForm
from outreach.lib import pages
from outreach.lib.errors import DomainError
from prospects import holding, notes, places, sameness
from prospects.models import Prospect, Suppression

SHOWN, MOST_SHOWN = 40, 1_000
MOST_OTHERS = 10
UNDO = "A manager can lift this if it was a mistake; what was cancelled does not come back."
NOTHING_BACK = (
    "What was cancelled does not come back by itself. Where they had got no mail yet, you can put them back afterwards."
)

message, message_settle, uncertain = messages.message, messages.message_settle, messages.uncertain
messages_send_again = messages.messages_send_again
prospects_act = require_POST(chosen_people.act)


def prospect(request: HttpRequest, id: Any) -> HttpResponse:
    """The person's page; `?shown=` says how much of the timeline."""
    person = get_object_or_404(Prospect.objects.select_related("site", "owner", "person"), public_id=id)
    if person.person:
        return redirect("prospect", person.person.public_id)  # merged: one page for one person
    return _page(request, person)


def _person(id: Any) -> Prospect:
    """Whom something is done to: of a row that was merged away since, who lives on; 404 for who was erased."""
    row = get_object_or_404(Prospect, public_id=id)
    present = Prospect.objects.present().select_related("site", "owner")
    return get_object_or_404(present, pk=row.person_id or row.pk)


def _page(request: HttpRequest, person: Prospect, **context: Any) -> HttpResponse:
    if person.erased_at:
        return render(request, "campaigns/person_erased.html", {"prospect": person})
    said = request.GET.get("shown", "")
    shown = min(int(said), MOST_SHOWN) if said.isdecimal() and len(said) < 6 else SHOWN
    suppressed = standing.reasons(person.contact_keys)
    now = timezone.now()
    page = {
        "prospect": person,
        "now": now,
        "country": places.country_name(person.country) or person.country,
        "suppressed": list(suppressed.values()),
        "noes": lifting.noes(prospect=person, suppressed=suppressed.values()),
        "labels": answers.LABELS,
        "timeline": timeline.of(prospect=person, suppressed=suppressed, limit=max(shown, SHOWN)),
        "show_more": max(shown, SHOWN) * 2 if shown < MOST_SHOWN else 0,
        "next": present.of(prospect=person, now=now),
        "back": reentering.campaigns_for(prospect=person),
        "played": _played(person),
        "others": _others(person),
        "same": sameness.of(prospect=person, now=now),
        "relationship": relationship.of(prospect=person, by=caller(request), today=timezone.localdate()),
        "custom": sorted(person.custom.items()),
        **context,
    }
    return render(request, "campaigns/person.html", page)


def _played(person: Prospect) -> Message | None:
    """The mail that can be answered as this person: a practice mailbox sent it."""
    mail = elsewhere.last_mail(prospect=person)
    return mail if mail is not None and mail.mailbox.is_demo else None


def _others(person: Prospect) -> list[Prospect]:
    """Other people of the same site, one more than is shown."""
    if person.site_id is None:
        return []
    return list(
        Prospect.objects.present().filter(site=person.site_id).exclude(pk=person.pk).order_by("-id")[: MOST_OTHERS + 1]
    )


def _home(person: Prospect) -> str:
    return reverse("prospect", args=[person.public_id])


@require_POST
def prospect_note(request: HttpRequest, id: Any) -> HttpResponse:
    """Keeps a note; what is wrong with it stands beside it, and nothing typed is lost."""
    person = _person(id)
    text = request.POST.get("text", "")
    try:
        notes.add_note(prospect=person, text=text, by=caller(request))
    except DomainError as error:
        return _page(request, person, note=text, note_problem=str(error))
    pages.said(request, "The note is kept.")
    return pages.back_to(request, _home(person))


@require_http_methods(["GET", "POST"])
def prospect_stop(request: HttpRequest, id: Any) -> HttpResponse:
    """Asks, then never writes to this person again."""
    person = _person(id)
    form = StopForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        stopping.stop_person(prospect=person, reason=form.cleaned_data["reason"], by=caller(request))
        pages.said(request, f"{person} will never be written to again.")
        return pages.back_to(request, _home(person))
    count = _active(person)
    leaves = f" They leave {_campaigns(count)}, and what is planned is cancelled at once." if count else ""
    return pages.confirm(
        request,
        title=f"Never write to {person} again?",
        text="This is about 1 person: no campaign writes to them, at this address or any other they may get here."
        f"{leaves} {UNDO}",
        button="Never write again",
        back=_home(person),
        form=form,
    )


def _active(person: Prospect) -> int:
    active = Enrollment.objects.filter(prospect=person, state=Enrollment.State.ACTIVE)
    return active.filter(campaign__rehearsal_of=None).count()


def _campaigns(count: int) -> str:
    return "1 campaign" if count == 1 else f"{count} campaigns"


@require_http_methods(["GET", "POST"])
def prospect_suppress(request: HttpRequest, id: Any) -> HttpResponse:
    """Asks, then suppresses the person's address."""
    person = _person(id)
    if person.public_id != id:  # what was asked about is another address
        pages.refused(request, f"That row was merged into {person} since: look here which address to stop.")
        return pages.back_to(request, _home(person))
    if not person.email:
        pages.refused(request, f"{person} has no address to suppress.")
        return pages.back_to(request, _home(person))
    if request.method == "POST":
        stopping.suppress(
            kind=Suppression.Kind.ADDRESS,
            value=person.email,
            reason=Suppression.Reason.MANUAL,
            source="the person's page",
            by=caller(request),
            prospect=person,
        )
        pages.said(request, f"{person.email} is suppressed.")
        return pages.back_to(request, _home(person))
    count = _active(person)
    leaves = f" {person} leaves {_campaigns(count)}." if count else ""
    return pages.confirm(
        request,
        title=f"Stop {person.email} only?",
        text="Nobody is ever written to at this address, however it is spelled, also after a new import; if they get "
        f"another address here, they can be written to there.{leaves} {UNDO}",
        button="Stop this address",
        back=_home(person),
    )


@require_http_methods(["GET", "POST"])
def prospect_lift(request: HttpRequest, id: Any) -> HttpResponse:
    """Asks why, then lifts what was said by mistake: "never write again", or their address on the list."""
    person = _person(id)
    suppressed = standing.reasons(person.contact_keys)
    found = lifting.noes(prospect=person, suppressed=suppressed.values())
    if not found.may_lift:
        pages.refused(request, found.stays or f"Nothing stops {person} by name.")
        return pages.back_to(request, _home(person))
    form = LiftForm(request.POST if request.method == "POST" else None)
    others = [row.value for row in suppressed.values() if row != found.address]
    stays = f" {' and '.join(others)} stays on the list of suppressions, so nothing is sent yet." if others else ""
    if request.method == "POST" and form.is_valid():
        try:
            lifting.lift_person(prospect=person, note=form.cleaned_data["note"], by=caller(request))
        except DomainError as error:
            pages.refused(request, error)
        else:
            pages.said(request, f"{person} may be written to again.{stays} {_what_now(person)}")
        return pages.back_to(request, _home(person))
    return pages.confirm(
        request,
        title=f"May {person} be written to again?",
        text=f"This is about 1 person. {NOTHING_BACK}{stays}",
        button="They may be written to again",
        back=_home(person),
        danger=False,
        form=form,
    )


def _what_now(person: Prospect) -> str:
    names = [str(campaign) for campaign in reentering.campaigns_for(prospect=person)]
    if names:
        return f"What was cancelled does not come back by itself: below you can put them back into {', '.join(names)}."
    return "What was cancelled does not come back."


@require_POST
def prospect_was_a_person(request: HttpRequest, id: Any) -> HttpResponse:
    """What was taken for an automatic answer was a real one; `event` says which, `reply_class` what it says."""
    person = _person(id)
    said = request.POST.get("event", "")
    theirs = Event.objects.filter(prospect__in=stopping.rows_of(person))
    events = theirs.select_related("inbound", "message__prospect", "message__campaign")
    try:
        event = get_object_or_404(events, public_id=UUID(said))
        label = request.POST.get("reply_class", "")
        labelling.was_a_person(event=event, reply_class=label, by=caller(request), now=timezone.now())
    except (DomainError, ValueError) as error:
        pages.refused(request, error if isinstance(error, DomainError) else "Choose one of the answers.")
    else:
        pages.said(request, f"{person} answered themselves: they left the campaigns that ran for them.")
    return pages.back_to(request, _home(person))


@require_POST
def prospect_hold(request: HttpRequest, id: Any) -> HttpResponse:
    """Puts on hold; undo releases."""
    person = _person(id)
    reason = request.POST.get("reason") or request.GET.get("reason", "")
    try:
        done = holding.hold(prospect_ids=[person.pk], reason=reason, by=caller(request))
    except DomainError as error:
        return _page(request, person, hold_problem=str(error))
    if done:
        undo = reverse("prospect-release", args=[person.public_id])
        pages.said(request, f"{person} is on hold: nothing is sent until somebody releases them.", undo=undo)
    return pages.back_to(request, _home(person))


@require_POST
def prospect_release(request: HttpRequest, id: Any) -> HttpResponse:
    """Releases; undo puts on hold again."""
    person = _person(id)
    if holding.release(prospect_ids=[person.pk]):
        again = urlencode({"reason": person.hold_reason or "Put on hold again"})
        undo = f"{reverse('prospect-hold', args=[person.public_id])}?{again}"
        pages.said(request, f"{person} is released: what was held goes on.", undo=undo)
    return pages.back_to(request, _home(person))
