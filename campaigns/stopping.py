"""Every way to say no. Each stop, in its own transaction, cancels what is planned.

Rows are locked in one order everywhere: messages by id, then enrollments by id, then people. The fact is written last:
its time is later than every mark that the stop waited for, so that "sent after stop" can be read off the ledger.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from campaigns import journal
from campaigns.models import Campaign, Enrollment, Event, Message, SendingControl
from outreach.lib.faults import fault
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import retried
from prospects import notes
from prospects import suppression as facts
from prospects.models import Prospect, Suppression

TAKEN_OUT = "taken_out"
# Key by key through the index: for thousands of keys at once PostgreSQL would read the whole table instead.
_NAMED = """
SELECT DISTINCT person.id FROM unnest(%s::varchar(300)[]) AS wanted(key),
       LATERAL (SELECT id FROM prospects_prospect WHERE contact_keys @> ARRAY[wanted.key]) person
"""
_TO_THEM = """
SELECT DISTINCT message.id FROM unnest(%s::varchar(300)[]) AS wanted(key),
       LATERAL (SELECT id FROM campaigns_message
                 WHERE contact_keys @> ARRAY[wanted.key] AND state = 'planned') message
"""


@retried
@transaction.atomic
def suppress(
    *,
    kind: str,
    value: str,
    reason: str,
    source: str = "",
    by: User | None = None,
    prospect: Prospect | None = None,
    expires_at: datetime | None = None,
) -> tuple[Suppression, bool]:
    """Nobody at this address or domain is written to again, nor `prospect` in any running campaign.

    Returns the suppression and whether it is new; by then the journal outside the database knows it too. Raises
    prospects.identity.BadAddress.
    """
    value, key = facts.named(kind=kind, value=value)
    enrollments = Q(prospect__contact_keys__contains=[key])
    # What was planned for them may bear the keys that they had before a merge or a correction of their address.
    theirs = Enrollment.objects.filter(enrollments, state=Enrollment.State.ACTIVE).values_list("id", flat=True)
    messages = Q(contact_keys__contains=[key]) | Q(enrollment__in=list(theirs))
    if prospect is not None:
        rows = Q(prospect__in=rows_of(prospect))
        messages, enrollments = messages | rows, enrollments | rows
    _stop(messages=messages, enrollments=enrollments, reason=reason)
    fault("in_stop")
    row, is_new = facts.suppress(kind=kind, value=value, reason=reason, source=source, by=by, expires_at=expires_at)
    journal.suppressed(row=row, prospect=prospect)
    return row, is_new


@retried
@transaction.atomic
def stop_enrollments(
    *, prospect: Prospect, reason: str, campaign: Campaign | None = None, is_replay: bool = False
) -> int:
    """Ends every running enrollment of this person (they answered, say), or only that in one campaign; returns how
    many ended.

    The journal outside the database knows it too, unless it comes from there.
    """
    ended = _stop_rows(prospect, reason, campaign)[1]
    if ended and not is_replay:
        journal.ended(prospect=prospect, reason=reason, campaign=campaign)
    return ended


@retried
@transaction.atomic
def take_out(*, prospect: Prospect, campaign: Campaign, by: User | None) -> bool:
    """This person leaves this campaign, and stays in the others; a note says who did it. False when they were not in
    it. Who got no mail of it may be put back (`reentering`).
    """
    ended = stop_enrollments(prospect=prospect, reason=TAKEN_OUT, campaign=campaign)
    if ended:
        notes.add_note(prospect=prospect, text=f"Taken out of {campaign}.", by=by)
    return bool(ended)


@retried
@transaction.atomic
def end_enrollments(*, enrollment_ids: Collection[int], reason: str) -> int:
    """Ends these enrollments; returns how many were running."""
    return _stop(messages=Q(enrollment__in=enrollment_ids), enrollments=Q(pk__in=enrollment_ids), reason=reason)


@retried
@transaction.atomic
def end_people(*, prospect_ids: Collection[int], reason: str) -> int:
    """Ends every running enrollment of these people; returns how many ended."""
    return _stop(messages=Q(prospect__in=prospect_ids), enrollments=Q(prospect__in=prospect_ids), reason=reason)


@retried
@transaction.atomic
def end_named(*, keys: Sequence[str], reason: str) -> int:
    """Ends every running enrollment of whom one of these keys names (`Prospect.contact_keys`); returns how many ended.

    For sets: when nobody is under way, nothing is looked up.
    """
    if not keys or not Enrollment.objects.filter(state=Enrollment.State.ACTIVE).exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, [list(keys)])
        people = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(_TO_THEM, [list(keys)])
        messages = [pk for (pk,) in cursor.fetchall()]
    if not people and not messages:
        return 0
    theirs = Q(prospect__in=people)
    return _stop(messages=Q(pk__in=messages) | theirs, enrollments=theirs, reason=reason)


@retried
@transaction.atomic
def stop_person(*, prospect: Prospect, reason: str, by: User | None = None, is_replay: bool = False) -> int:
    """This person is never written to again, by any address; returns how many enrollments ended.

    The journal outside the database knows it too, unless it comes from there.
    """
    ids, ended = _stop_rows(prospect, "person_stopped")
    words = f"{reason} ({by})" if by else reason
    Prospect.objects.filter(pk__in=ids, stopped_at=None).update(stopped_at=DatabaseClock(), stop_reason=words[:200])
    if not is_replay:
        journal.stopped(prospects=list(Prospect.objects.filter(pk__in=ids).order_by("pk")))
    return ended


@retried
@transaction.atomic
def unsubscribe(*, message: Message, source: str, now: datetime) -> bool:
    """The recipient of this message opted out: suppressed everywhere, at once. False when they had done so before.

    In a rehearsal nobody has opted out: it only ends for the person who was played. Whoever was erased is on the list
    by their hash already.
    """
    if message.campaign.rehearsal_of_id:
        return bool(end_enrollments(enrollment_ids=[message.enrollment_id], reason="unsubscribed"))
    if message.prospect.erased_at:
        return False
    _, created = suppress(
        kind=Suppression.Kind.ADDRESS,
        value=message.recipient,
        reason=Suppression.Reason.UNSUBSCRIBED,
        source=source,
        prospect=message.prospect,
    )
    journal.unsubscribed(message_id=message.public_id, at=now)
    Event.record_once(
        kind=Event.Kind.UNSUBSCRIBED,
        message=message,
        occurred_at=now,
        detail={"source": source},
        dedupe_key=f"unsubscribe:{message.pk}",
    )
    return created


def stop_all(*, reason: str = "", by: User | None) -> None:
    """*Stop all sending*: no message is marked from this commit on, whatever restarts. The first reason stays."""
    SendingControl.objects.get_or_create(pk=1)
    SendingControl.objects.filter(pk=1, stopped_at=None).update(
        stopped_at=DatabaseClock(), stop_reason=reason[:200], stopped_by=by
    )


def resume_all(*, by: User | None) -> None:
    """Lifts *Stop all sending*."""
    SendingControl.objects.filter(pk=1).update(stopped_at=None, stop_reason="", stopped_by=by)


def is_stopped() -> bool:
    """True while *Stop all sending* is on."""
    return SendingControl.objects.filter(stopped_at__isnull=False).exists()


def lock_open(*, prospect: Prospect) -> None:
    """Locks what a stop of this person may touch, in the one order, for a transaction that changes some of it first."""
    lock_open_of(prospect_ids=rows_of(prospect))


def lock_open_of(*, prospect_ids: Collection[int]) -> None:
    """As `lock_open`, for these rows."""
    ended = (Message.State.CANCELLED, Message.State.REFUSED)
    messages = Message.objects.filter(prospect__in=prospect_ids).exclude(state__in=ended).order_by("id")
    enrollments = Enrollment.objects.filter(prospect__in=prospect_ids).order_by("id")
    for rows in (messages, enrollments):
        list(rows.select_for_update().values_list("id", flat=True))


def rows_of(prospect: Prospect) -> list[int]:
    """The keys of all rows of this person, as they are now: whoever answers as one that was merged away answers for all
    of them."""
    lives_on = Subquery(Prospect.objects.filter(pk=prospect.pk).values(root=Coalesce("person_id", "pk")))
    rows = Prospect.objects.filter(Q(pk=lives_on) | Q(person=lives_on))
    return sorted({prospect.pk, *rows.values_list("pk", flat=True)})


def _stop_rows(prospect: Prospect, reason: str, campaign: Campaign | None = None) -> tuple[list[int], int]:
    """Ends what all rows of this person are in (of this campaign); returns their keys, and how many enrollments ended.

    The rows stay locked: a merge that is under way is waited for, and the rows that it made the person's end too.
    """
    ids: list[int] = []
    ended, only = 0, Q(campaign=campaign) if campaign else Q()
    while (found := rows_of(prospect)) != ids:
        ids, rows = found, only & Q(prospect__in=found)
        ended += _stop(messages=rows, enrollments=rows, reason=reason)
        people = Prospect.objects.filter(pk__in=ids).order_by("pk")
        list(people.select_for_update(no_key=True).values_list("pk", flat=True))
    return ids, ended


def _stop(*, messages: Q, enrollments: Q, reason: str) -> int:
    """Cancels, then ends; an enrollment whose message is cancelled ends with it, whatever address it has by now."""
    open_messages = Message.objects.filter(messages, state=Message.State.PLANNED).order_by("id").select_for_update()
    found = dict(open_messages.values_list("id", "enrollment_id"))
    Message.objects.filter(pk__in=found, state=Message.State.PLANNED).update(
        state=Message.State.CANCELLED, cancel_reason=f"stopped: {reason}"[:300]
    )
    active = Enrollment.objects.filter(enrollments | Q(pk__in=found.values()), state=Enrollment.State.ACTIVE)
    ids = list(active.order_by("id").select_for_update(of=("self",)).values_list("id", flat=True))
    return Enrollment.objects.filter(pk__in=ids).update(
        state=Enrollment.State.STOPPED, stop_reason=reason[:30], ended_at=DatabaseClock(), look_at=None
    )
