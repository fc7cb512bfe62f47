"""Letting go what was due while nothing was sent: into free slots from now on, the most urgent first."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import structlog
from django.db import connection
from django.db.models import Case, F, QuerySet, When

from accounts.models import User
from campaigns import booking, candidates, errands, overdue, planning
from campaigns.calendars import place_of
from campaigns.models import Campaign, Errand, Message
from campaigns.scheduling import SlotBook, Window, window_of
from outreach.lib.retrying import retried

log = structlog.get_logger(__name__)

KIND = Errand.Kind.RELEASE
PIECE, SMALL_PIECE = 1_000, 200  # messages
FARTHEST = timedelta(days=180)  # what finds no slot until then stays set aside

SKEW = timedelta(minutes=2)  # between the clocks of two machines

_TURN = (Case(When(attempts=0, then=1), default=0), F("is_follow_up").desc(), "send_at", "id")
_MOVE = """
UPDATE campaigns_message m SET send_at = slot.at, overdue_at = NULL
  FROM (SELECT unnest(%s::bigint[]) AS id, unnest(%s::timestamptz[]) AS at) slot
 WHERE m.id = slot.id AND m.state = 'planned'
"""


@dataclass(frozen=True)
class Released:
    """How many have a new slot so far; a tick goes on until `is_done`."""

    count: int
    is_done: bool


def release(*, now: datetime, by: User | None, seconds: float = errands.TO_THE_END) -> Released:
    """Gives everything that is set aside a new slot, never an earlier one: an errand, begun for `seconds`.

    Retries come first, then follow-ups, then new people. Caps, gaps and windows hold, and so does the gate: a follow-up
    waits until the answers that came in meanwhile were read. Nothing is cancelled. What finds no slot, and what is set
    aside after this was asked, stays so.
    """
    errand = errands.ask(kind=KIND, now=now, by=by)
    go_on(now=now, seconds=seconds)
    errand.refresh_from_db()
    return Released(errand.done.get("released", 0), errand.finished_at is not None)


def go_on(*, now: datetime, seconds: float = errands.SLICE) -> None:
    """Goes on with the release that was asked for, for these seconds."""
    most = PIECE if seconds >= errands.SLICE else SMALL_PIECE
    errands.go_on(kind=KIND, piece=partial(_piece, now=now, most=most), seconds=seconds)


def is_under_way() -> bool:
    """Whether a tick goes on with a release."""
    return errands.waiting(KIND) is not None


@retried
def _piece(errand: Errand, until: float, *, now: datetime, most: int) -> bool:
    """The most urgent of what was set aside before it was asked for; False when there is none."""
    with planning.alone():
        aside = overdue.waiting().filter(overdue_at__lte=errand.asked_at + SKEW)
        ids = list(aside.order_by(*_TURN).values_list("id", flat=True)[:most])
        locked = Message.objects.filter(pk__in=ids).order_by("id").select_for_update()
        ids = list(locked.values_list("id", flat=True))
        books = booking.slot_books(now=now, until=now + FARTHEST)
        slots = dict(slots_for(ids, books, now))
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, [list(slots), list(slots.values())])
        # Out of the way of the next piece: set aside anew.
        aside.filter(pk__in=set(ids) - set(slots)).update(overdue_at=errand.asked_at + 2 * SKEW)
        errands.keep(errand, released=errand.done.get("released", 0) + len(slots))
        if not ids:
            errands.finish(errand)
            log.info("overdue_released", by=errand.asked_by_id, **errand.done)
    return bool(ids)


def move_closed(*, campaign: Campaign, now: datetime) -> int:
    """What is planned for a time at which its window is shut by now gets a slot in it. Returns how many.

    The soonest thousand; what comes after them is put off when its time comes (campaigns.lanes).
    """
    with planning.alone():
        soonest = _with_windows(_planned(campaign).order_by("send_at")[:PIECE])
        return move([message.pk for message, window in soonest if not window.is_open(message.expected_at)], now)


def move_crowded(*, campaign: Campaign, now: datetime) -> int:
    """What is planned beyond the campaign's daily limit gets a slot of another day: of each day the last ones. Returns
    how many.
    """
    if campaign.daily_limit is None:
        return 0
    with planning.alone():
        today = datetime.combine(now.date(), time(0), UTC)
        theirs = Message.objects.filter(campaign=campaign, handed_over_at__gte=today, state__in=Message.BEGUN)
        begun = {today.date(): theirs.count()}
        by_day: dict[date, list[int]] = {}
        for message in _planned(campaign).order_by("send_at", "id").only("send_at", "planned_at"):
            by_day.setdefault(message.expected_at.date(), []).append(message.pk)
        kept = {day: max(0, campaign.daily_limit - begun.get(day, 0)) for day in by_day}
        return move([pk for day, ids in by_day.items() for pk in ids[kept[day] :]], now)


def _planned(campaign: Campaign) -> QuerySet[Message]:
    return Message.objects.filter(campaign=campaign, state=Message.State.PLANNED, overdue_at=None, awaits="")


def move(ids: Collection[int], now: datetime) -> int:
    """Gives these planned messages new slots of their mailboxes; call it where no planner is at work. Returns how many
    have one.
    """
    locked = Message.objects.filter(pk__in=ids).order_by("id").select_for_update()  # in a stop's order
    ids = list(locked.values_list("id", flat=True))
    slots = dict(slots_for(ids, booking.slot_books(now=now, until=now + FARTHEST), now)) if ids else {}
    if slots:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, [list(slots), list(slots.values())])
    return len(slots)


def slots_for(ids: Collection[int], books: dict[int, SlotBook], now: datetime) -> Iterator[tuple[int, datetime]]:
    """The id and the new slot of each message whose mailbox has one, which is taken then."""
    for message, window in _with_windows(Message.objects.filter(pk__in=ids).order_by(*_TURN)):
        book = books.get(message.mailbox_id)
        shares = candidates.shares_of(message.recipient, message.campaign_id)
        slot = book.first(window=window, earliest=now, shares=shares) if book else None
        if book is not None and slot is not None:
            book.take(slot, shares=shares)
            yield message.pk, slot


def _with_windows(messages: QuerySet[Message]) -> Iterator[tuple[Message, Window]]:
    needed = ("mailbox", "recipient", "attempts", "is_follow_up", "send_at", "planned_at", "step")
    campaign = ("campaign__time_zone", "campaign__skip_holidays", "campaign__quiet_dates")
    person = ("prospect__time_zone", "prospect__country")
    for message in messages.select_related("step", "campaign", "prospect").only(*needed, *campaign, *person):
        yield message, window_of(message.step, place_of(message.prospect, message.campaign))
