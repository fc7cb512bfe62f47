"""Letting go what was due while nothing was sent: into free slots from now on, the most urgent first."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import structlog
from django.db import connection

from accounts.models import User
from campaigns import candidates, overdue, planning
from campaigns.models import Message
from campaigns.scheduling import SlotBook, Window

log = structlog.get_logger(__name__)

FARTHEST = timedelta(days=180)  # what finds no slot until then stays set aside

_MOVE = """
UPDATE campaigns_message m SET send_at = slot.at, overdue_at = NULL
  FROM (SELECT unnest(%s::bigint[]) AS id, unnest(%s::timestamptz[]) AS at) slot
 WHERE m.id = slot.id AND m.state = 'planned'
"""


def release(*, now: datetime, by: User | None) -> int:
    """Gives everything that is set aside a new slot, never an earlier one; returns how many.

    Retries come first, then follow-ups, then new people. Caps, gaps and windows hold, and so does the gate: a follow-up
    waits until the answers that came in meanwhile were read. Nothing is cancelled.
    """
    with planning.alone():
        locked = overdue.waiting().order_by("id").select_for_update(of=("self",))
        ids = list(locked.values_list("id", flat=True))
        books = planning.slot_books(now=now, until=now + FARTHEST)
        slots = dict(slots_for(ids, books, now))
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, [list(slots), list(slots.values())])
    log.info("overdue_released", count=len(slots), by=by.pk if by else None)
    return len(slots)


def slots_for(ids: Collection[int], books: dict[int, SlotBook], now: datetime) -> Iterator[tuple[int, datetime]]:
    """The id and the new slot of each message whose mailbox has one, which is taken then."""
    messages = Message.objects.filter(pk__in=ids).select_related("step", "campaign", "prospect")
    needed = (
        "mailbox",
        "recipient",
        "attempts",
        "is_follow_up",
        "send_at",
        "step",
        "campaign__time_zone",
        "prospect__time_zone",
    )
    for message in sorted(messages.only(*needed), key=_turn):
        book, step = books.get(message.mailbox_id), message.step
        zone = message.prospect.time_zone or message.campaign.time_zone
        window = Window(zone, step.window_start, step.window_end, frozenset(step.weekdays))
        domain = candidates.domain_of(message.recipient)
        slot = book.first(window=window, earliest=now, domain=domain) if book else None
        if book is not None and slot is not None:
            book.take(slot, domain=domain)
            yield message.pk, slot


def _turn(message: Message) -> tuple[bool, bool, datetime, int]:
    return not message.attempts, not message.is_follow_up, message.send_at, message.pk
