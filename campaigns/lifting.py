"""Taking back a no that came by mistake. What the person asked for stays, and nothing that was cancelled comes back."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from campaigns import journal
from campaigns.models import Event, Reply
from campaigns.staging import NOES
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from prospects import notes
from prospects import suppression as facts
from prospects.models import Note, Prospect, Site, Suppression
from prospects.suppression import CannotLift

ASKED_BY = {Event.Kind.UNSUBSCRIBED: "unsubscribed", Event.Kind.COMPLAINED: "marked our mail as spam"}
LONGEST = 1_000


class NoReason(DomainError):
    """A no is lifted only with a reason."""

    title = "Say why"


@dataclass(frozen=True)
class Noes:
    """Why a person is not written to: what may be lifted, and in `stays` the sentence why something may not."""

    stopped: bool
    address: Suppression | None
    stays: str = ""

    @property
    def may_lift(self) -> bool:
        """Whether there is something to lift and nothing that forbids it."""
        return not self.stays and (self.stopped or self.address is not None)


def noes(*, prospect: Prospect, suppressed: Collection[Suppression]) -> Noes:
    """What says no to this person; `suppressed` is what names them (`standing.reasons`). At most two queries."""
    stopped = prospect.stopped_at is not None
    address = next((row for row in suppressed if row.kind == Suppression.Kind.ADDRESS), None)
    if not stopped and address is None:
        return Noes(False, None)
    stays = _their_own(address) or _asked(Prospect.objects.filter(Q(pk=prospect.pk) | Q(person=prospect.pk)))
    return Noes(stopped, address, stays)


def why_it_stays(*, suppression: Suppression) -> str:
    """A sentence why nobody lifts this one; "" when somebody may.

    Of a domain only its reason counts: who there said no for themselves is kept out by their address.
    """
    if suppression.kind == Suppression.Kind.DOMAIN:
        return _their_own(suppression)
    return _their_own(suppression) or _asked(_named(suppression))


@transaction.atomic
def lift(*, suppression: Suppression, note: str, by: User | None) -> int:
    """Takes a mistake off the list; returns how many people of a lifted domain stay out, as they said no themselves.

    With a domain goes the stop of its site (`companies.stop_site`). Who and why is kept (`prospects.suppression.lift`).
    Raises CannotLift and NoReason.
    """
    note = _reason(note)
    if stays := why_it_stays(suppression=suppression):
        raise CannotLift(stays)
    kept = 0
    if suppression.kind == Suppression.Kind.DOMAIN:
        kept = facts.keep_out(prospect_ids=_who_asked(_named(suppression)), source=f"said no at {suppression.value}")
    facts.lift(suppression=suppression, note=note, by=by)
    journal.lifted(key=suppression.key)
    if suppression.kind == Suppression.Kind.DOMAIN:
        Site.objects.filter(domain=suppression.value).update(stopped_at=None)
    return kept


@transaction.atomic
def lift_person(*, prospect: Prospect, note: str, by: User | None) -> None:
    """This person may be written to again: lifts "never write again" and what suppresses their own address.

    Who and why stays as a note. Raises CannotLift, also when there is nothing to lift, and NoReason.
    """
    note = _reason(note)
    person = Prospect.objects.select_for_update().get(pk=prospect.pk)
    rows = list(Suppression.objects.filter(key__in=person.contact_keys))
    found = noes(prospect=person, suppressed=rows)
    if not found.may_lift:
        raise CannotLift(found.stays or f"Nothing stops {person} by name.")
    if person.stopped_at is not None:
        since = f"since {timezone.localtime(person.stopped_at):%d %b %Y}: {person.stop_reason or 'no reason said'}"
        text = f"May be written to again: {note}\nIt had been “never write again” {since}."
        notes.add_note(prospect=person, text=text, by=by)
        _remember(person)
        Prospect.objects.filter(pk=person.pk).update(stopped_at=None, stop_reason="")
    if found.address is not None:
        facts.lift(suppression=found.address, note=note, by=by)
    journal.lifted(key=found.address.key if found.address else "", prospect=person)


def _remember(person: Prospect) -> None:
    """The stop stays on the timeline, at its time."""
    text = f"Never to be written to again: {person.stop_reason or 'no reason said'}\nLifted since."
    Note.objects.create(prospect=person, text=text, created_at=person.stopped_at or DatabaseClock())


def _reason(note: str) -> str:
    note = note.strip()
    if not note or len(note) > LONGEST:
        raise NoReason(problems=[Problem("note", f"Say why, in at most {LONGEST:,} characters.")])
    return note


def _named(suppression: Suppression) -> QuerySet[Prospect]:
    return Prospect.objects.filter(contact_keys__contains=[suppression.key])


def _their_own(row: Suppression | None) -> str:
    if row is None or row.reason in facts.LIFTABLE:
        return "" if row is None or row.value else "They were erased, and stay so."
    words = {"unsubscribed": "unsubscribed", "complained": "marked our mail as spam", "declined": "asked us to stop"}
    words["erased"] = "asked to be forgotten"
    return f"They {words[row.reason]} themselves. Only they can take that back, by writing to you."


def _asked(people: QuerySet[Prospect]) -> str:
    """How one of these people said no themselves, as a sentence; "" when none did."""
    reply = Reply.objects.filter(prospect__in=people, reply_class__in=NOES).order_by("-id").first()
    if reply is not None:
        day = f"{timezone.localtime(reply.received_at):%d %b %Y}"
        return f"They answered no themselves ({day}). If that answer was read wrongly, correct it first."
    event = Event.objects.filter(prospect__in=people, kind__in=ASKED_BY).order_by("-id").first()
    if event is None:
        return ""
    return f"They {ASKED_BY[Event.Kind(event.kind)]} themselves. Only they can take that back, by writing to you."


def _who_asked(people: QuerySet[Prospect]) -> list[int]:
    said = Q(pk__in=Reply.objects.filter(reply_class__in=NOES, prospect__in=people).values("prospect"))
    done = Q(pk__in=Event.objects.filter(kind__in=ASKED_BY, prospect__in=people).values("prospect"))
    return list(people.filter(said | done).values_list("pk", flat=True))
