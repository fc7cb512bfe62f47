"""Every way to say no. Each stop, in its own transaction, cancels what is planned or claimed, locking in id order.

The fact is written last: its time is later than every mark that the stop waited for, so that "sent after stop" can be
read off the ledger by comparing times.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from campaigns.models import Enrollment, Event, Message, SendingControl
from outreach.lib.models import DatabaseClock
from prospects import suppression as facts
from prospects.models import Prospect, Suppression

CANCELLABLE = (Message.State.PLANNED, Message.State.CLAIMED)


@transaction.atomic
def suppress(
    *, kind: str, value: str, reason: str, source: str = "", by: User | None = None
) -> tuple[Suppression, bool]:
    """Nobody at this address or domain is written to again. Returns the suppression and whether it is new.

    Raises prospects.identity.BadAddress.
    """
    value, key = facts.named(kind=kind, value=value)
    _cancel(Q(contact_keys__contains=[key]), reason=reason)
    _end_enrollments(Q(prospect__contact_keys__contains=[key]), reason=reason)
    return facts.suppress(kind=kind, value=value, reason=reason, source=source, by=by)


@transaction.atomic
def stop_enrollments(*, prospect: Prospect, reason: str) -> int:
    """Ends every running enrollment of this person (they answered, say); returns how many ended."""
    _cancel(Q(prospect=prospect), reason=reason)
    return _end_enrollments(Q(prospect=prospect), reason=reason)


@transaction.atomic
def end_enrollments(*, enrollment_ids: Collection[int], reason: str) -> int:
    """Ends these enrollments; returns how many were running."""
    _cancel(Q(enrollment__in=enrollment_ids), reason=reason)
    return _end_enrollments(Q(pk__in=enrollment_ids), reason=reason)


@transaction.atomic
def stop_person(*, prospect: Prospect, reason: str, by: User | None = None) -> int:
    """This person is never written to again, by any address; returns how many enrollments ended."""
    ended = stop_enrollments(prospect=prospect, reason="person_stopped")
    words = f"{reason} ({by})" if by else reason
    Prospect.objects.filter(pk=prospect.pk, stopped_at=None).update(stopped_at=DatabaseClock(), stop_reason=words[:200])
    return ended


@transaction.atomic
def unsubscribe(*, message: Message, source: str, now: datetime) -> bool:
    """The recipient of this message opted out: suppressed everywhere, at once. False when they had done so before."""
    stop_enrollments(prospect=message.prospect, reason=Suppression.Reason.UNSUBSCRIBED)
    _, created = suppress(
        kind=Suppression.Kind.ADDRESS,
        value=message.recipient,
        reason=Suppression.Reason.UNSUBSCRIBED,
        source=source,
    )
    Event.record_once(
        kind=Event.Kind.UNSUBSCRIBED,
        message=message,
        occurred_at=now,
        detail={"source": source},
        dedupe_key=f"unsubscribe:{message.pk}",
    )
    return created


def stop_all(*, reason: str = "", by: User | None) -> None:
    """*Stop all sending*: from this commit on no message is marked, whatever restarts."""
    SendingControl.objects.update_or_create(
        pk=1, defaults={"stopped_at": DatabaseClock(), "stop_reason": reason[:200], "stopped_by": by}
    )


def resume_all(*, by: User | None) -> None:
    """Lifts *Stop all sending*."""
    SendingControl.objects.filter(pk=1).update(stopped_at=None, stop_reason="", stopped_by=by)


def is_stopped() -> bool:
    """True while *Stop all sending* is on."""
    return SendingControl.objects.filter(stopped_at__isnull=False).exists()


def _cancel(who: Q, *, reason: str) -> int:
    ids = list(
        Message.objects.filter(who, state__in=CANCELLABLE)
        .order_by("id")
        .select_for_update()
        .values_list("id", flat=True)
    )
    return Message.objects.filter(pk__in=ids, state__in=CANCELLABLE).update(
        state=Message.State.CANCELLED, cancel_reason=f"stopped: {reason}"[:300]
    )


def _end_enrollments(who: Q, *, reason: str) -> int:
    ids = list(
        Enrollment.objects.filter(who, state=Enrollment.State.ACTIVE)
        .order_by("id")
        .select_for_update(of=("self",))
        .values_list("id", flat=True)
    )
    return Enrollment.objects.filter(pk__in=ids).update(
        state=Enrollment.State.STOPPED, stop_reason=reason[:30], ended_at=DatabaseClock(), look_at=None
    )
