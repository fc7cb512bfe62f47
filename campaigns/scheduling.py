"""When a step may go out: delays, windows on a wall clock, and a mailbox's free slots. Pure: no clock, no database."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Protocol
from zoneinfo import ZoneInfo

from campaigns.calendars import NO_DAYS_OFF, PUBLIC_HOLIDAY, Calendar, Place
from campaigns.models.campaign import DelayUnit
from campaigns.spacing import Spacing

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
LONGEST_SHUT = 400  # days: a year of quiet dates, and the weeks around it
WINDOW_CLOSED = "window_closed"
MOST = 2**31 - 1  # of what has no limit
REMEMBERED = 32  # days of a window

Spans = tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True)
class Window:
    """Weekdays (ISO, 1 is Monday) and hours of a wall clock in which a step may go out, but for days off.

    `end` is exclusive, 00:00 is midnight at the end of the day.
    """

    zone: str
    start: time
    end: time
    weekdays: frozenset[int]
    calendar: Calendar = NO_DAYS_OFF

    def is_open(self, at: datetime) -> bool:
        """True when the wall clock in the zone stands inside the window."""
        local = at.astimezone(ZoneInfo(self.zone))
        before_end = self.end == time(0) or local.time() < self.end
        return self.start <= local.time() and before_end and self._has(local.date())

    def closed_because(self, at: datetime) -> tuple[str, str]:
        """The rule that keeps it shut then, and the name of the holiday, if it is one; "" for both when it is open."""
        if self.is_open(at):
            return "", ""
        today = at.astimezone(ZoneInfo(self.zone)).date()
        rule = self.calendar.closed_because(today) if today.isoweekday() in self.weekdays else ""
        return rule or WINDOW_CLOSED, self.calendar.holiday(today) if rule == PUBLIC_HOLIDAY else ""

    def _has(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays and not self.calendar.closed_because(day)

    def next_open(self, at: datetime) -> datetime:
        """The first instant from `at` on (UTC) at which the window is open.

        An opening inside the hour that a clock skips moves forward to the end of that hour; a window that lies
        wholly inside it stays shut that day. Raises ValueError when it stays shut for more than a year.
        """
        at = at if at.tzinfo is UTC else at.astimezone(UTC)
        day = at.date()
        for opens, shuts in self._known.get(day) or self._spans_of(day):
            if at < shuts:
                return max(at, opens)
        return self._next_open(at)

    def _next_open(self, at: datetime) -> datetime:
        if self.is_open(at):
            return at
        today = at.astimezone(ZoneInfo(self.zone)).date()
        for offset in range(LONGEST_SHUT):
            opening = self._opening(today + offset * DAY)
            if opening is not None and opening >= at:
                return opening
        raise ValueError("This window never opens: it names no weekday, or every day of a year is a quiet one.")

    def _spans_of(self, day: date) -> Spans:
        """When it is open from the beginning of this UTC day on, up to its first opening after that day.

        Remembered, for whoever asks often. Empty where a clock changes nearby, or nothing opens within a week.
        """
        if (known := self._known.get(day)) is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[day] = tuple(self._look_up_spans(day))
        return known

    def _look_up_spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        zone, after = ZoneInfo(self.zone), datetime.combine(day + DAY, time(0), UTC)
        dawn = datetime.combine(day - DAY, time(0), zone)
        for each in (day + n * DAY for n in range(-1, 8)):
            dusk = datetime.combine(each + DAY, time(0), zone)
            if dusk.utcoffset() != dawn.utcoffset():
                return
            if self._has(each):
                opens = datetime.combine(each, self.start, zone).astimezone(UTC)
                shuts = dusk if self.end == time(0) else datetime.combine(each, self.end, zone)
                yield opens, shuts.astimezone(UTC)
                if opens >= after:
                    return
            dawn = dusk

    @cached_property
    def _known(self) -> dict[date, Spans]:
        return {}

    @cached_property
    def _hash(self) -> int:
        return hash((self.zone, self.start, self.end, self.weekdays, self.calendar))

    def __hash__(self) -> int:
        return self._hash

    def _opening(self, day: date) -> datetime | None:
        if not self._has(day):
            return None
        zone = ZoneInfo(self.zone)
        opening = datetime.combine(day, self.start, zone).astimezone(UTC)
        if opening.astimezone(zone).time() != self.start:  # the clock skips this time: walk to the end of the gap
            opening = datetime.combine(day, self.start, zone).replace(fold=1).astimezone(UTC)
            opening = next((opening + n * MINUTE for n in range(181) if self.is_open(opening + n * MINUTE)), opening)
        return opening if self.is_open(opening) else None


class Timing(Protocol):
    """What a step says of its window."""

    window_start: time
    window_end: time
    weekdays: list[int]


def window_of(timing: Timing, place: Place) -> Window:
    """A step's window where its person is."""
    days = frozenset(timing.weekdays)
    return Window(place.zone, timing.window_start, timing.window_end, days, place.calendar)


def opens_after(window: Window, at: datetime) -> datetime:
    """As `Window.next_open`, for words: the instant itself where the window can't be read (the planner says why)."""
    try:
        return window.next_open(at)
    except (ValueError, OSError, KeyError):
        return at


def due_after(*, handed_over_at: datetime, delay: int, unit: str, place: Place) -> datetime:
    """When the next step is due (UTC). Days are calendar days on the place's wall clock; business days skip its
    weekends and days off.
    """
    if unit == DelayUnit.MINUTES:
        return handed_over_at + delay * MINUTE
    if unit == DelayUnit.HOURS:
        return handed_over_at + timedelta(hours=delay)
    zone = ZoneInfo(place.zone)
    local = handed_over_at.astimezone(zone)
    day = local.date()
    if unit == DelayUnit.DAYS:
        day += delay * DAY
    else:
        for _ in range(delay):
            day = _next_business_day(day, place.calendar)
    return datetime.combine(day, local.time(), zone).astimezone(UTC)


def look_at(*, due_at: datetime, behind: datetime, when_due: bool) -> datetime:
    """When the planner looks at a step that is due then, behind the end of the one before; `when_due`: not ahead."""
    return max(behind, due_at if when_due else planned_from(due_at))


def planned_from(at: datetime) -> datetime:
    """When the first slots of that day are given out (UTC): whoever may have one is looked at then, so that nobody who
    comes after them takes it earlier in the day.
    """
    return datetime.combine(at.astimezone(UTC).date() - DAY, time(0), UTC)


def horizon(now: datetime) -> datetime:
    """Slots are given out up to here: the end of tomorrow, UTC."""
    return datetime.combine(now.date() + 2 * DAY, time(0), UTC) - timedelta(seconds=1)


def _next_business_day(day: date, calendar: Calendar) -> date:
    """The one after `day`; of a year without any, its end."""
    ahead = (day + n * DAY for n in range(1, LONGEST_SHUT))
    return next((each for each in ahead if calendar.is_business_day(each)), day + LONGEST_SHUT * DAY)


CapOn = Callable[[date], int]  # the most messages of a UTC day


def always(cap: int) -> CapOn:
    """The same cap every day."""
    return lambda day: cap


def summed(caps: Sequence[CapOn]) -> CapOn:
    """What several mailboxes may send together."""
    return lambda day: sum(cap_on(day) for cap_on in caps)


def days_to_send(count: int, *, cap_on: CapOn, first: date, most: int) -> int:
    """How many days it takes to send so many from `first` on at these caps; `most` when it takes longer."""
    for number in range(most):
        if count <= 0:
            return number
        count -= cap_on(first + number * DAY)
    return most


Name = int | str
Share = tuple[str, Name]  # whose share of a day a message takes: ("domain", "example.com"), ("campaign", 7)
DOMAIN, CAMPAIGN = "domain", "campaign"
Taken = Mapping[tuple[date, Name], int]


class Quota:
    """At most `limit_of` (None: no limit) of a UTC day's messages for each name; `taken` are those there are already.

    Books of several mailboxes may hold the same one.
    """

    def __init__(self, limit_of: Callable[[Name], int | None], taken: Taken = MappingProxyType({})) -> None:
        self._limit_of = limit_of
        self._taken = Counter(taken)

    def limits(self, name: Name) -> bool:
        """Whether there is a limit for it."""
        return self._limit_of(name) is not None

    def left(self, name: Name, day: date) -> int:
        """How many more may go to it on this day; no fewer than none."""
        limit = self._limit_of(name)
        return MOST if limit is None else max(0, limit - self._taken[day, name])

    def take(self, name: Name, day: date, *, count: int = 1) -> None:
        """So many more of that day."""
        self._taken[day, name] += count


Quotas = Mapping[str, Quota]  # by the kind of share


def the_same(limit: int | None) -> Callable[[Name], int | None]:
    """One limit for every name but an empty one."""
    return lambda name: limit if name else None


def days_between(now: datetime, horizon: datetime) -> list[date]:
    """The UTC days from now to the horizon."""
    return [now.date() + n * DAY for n in range((horizon.date() - now.date()).days + 1)]


class SlotBook:
    """The slots of one mailbox up to `horizon`: at least `gap` between any two, at most `cap_on` that day in a UTC day.

    `quotas` limit what of a day goes to one domain, or leaves for one campaign.
    """

    def __init__(
        self,
        *,
        cap_on: CapOn,
        gap: timedelta,
        taken: Iterable[datetime],
        horizon: datetime,
        quotas: Quotas = MappingProxyType({}),
    ) -> None:
        self._cap_on = cap_on
        self._quotas = quotas
        known = list(taken)
        self._per_day = Counter(at.date() for at in known)
        self._apart = Spacing(gap, known)
        self._searched: dict[tuple[Window, tuple[Share, ...]], tuple[datetime, datetime]] = {}
        self.horizon = horizon

    def moved(self, now: datetime) -> "SlotBook":
        """The same slots and quotas as the planner sees them on a later day: up to that day's horizon. Both are one
        book from then on, of which the earlier view is of no more use.
        """
        later = copy(self)
        later.horizon, later._searched = horizon(now), {}
        return later

    def free(self, now: datetime) -> int:
        """How many more messages the cap allows from today to the horizon."""
        return sum(self.left_on(day) for day in days_between(now, self.horizon))

    def left_on(self, day: date) -> int:
        """How many more the cap allows on this UTC day."""
        return max(0, self._cap_on(day) - self._per_day[day])

    def left_to(self, share: Share, now: datetime) -> int:
        """How many more a share allows from today to the horizon."""
        quota = self._quotas.get(share[0])
        return sum(quota.left(share[1], day) for day in days_between(now, self.horizon)) if quota else MOST

    def first(self, *, window: Window, earliest: datetime, shares: Iterable[Share] = ()) -> datetime | None:
        """The first free slot from `earliest` on inside the window that takes of these shares; None when there is none
        up to the horizon.

        Slots are only ever taken, so what an earlier search of the same window found full is not walked again.
        """
        limited = self.limited(shares)
        since, full_until = self._searched.get((window, limited), (earliest, earliest))
        known = since <= earliest <= full_until
        at = window.next_open(full_until if known else earliest)
        while at <= self.horizon and (later := self._next_allowed(at, limited)) != at:
            opening = window.next_open(later)
            is_found = opening == later and later.date() == at.date()  # free, on a day that has room
            at = opening
            if is_found:
                break
        self._searched[window, limited] = (since if known else earliest, at)
        return at if at <= self.horizon else None

    def take(self, at: datetime, *, shares: Iterable[Share] = ()) -> None:
        """Marks a slot as taken, and one of each of these shares."""
        self._per_day[at.date()] += 1
        self._apart.take(at)
        for kind, name in self.limited(shares):
            self._quotas[kind].take(name, at.date())

    def limited(self, shares: Iterable[Share]) -> tuple[Share, ...]:
        """Those of them that have a limit here."""
        return tuple(filter(self._limits, shares)) if shares else ()

    def _limits(self, share: Share) -> bool:
        kind, name = share
        return kind in self._quotas and self._quotas[kind].limits(name)

    def _next_allowed(self, at: datetime, limited: tuple[Share, ...]) -> datetime:
        day = at.date()
        if self._per_day[day] >= self._cap_on(day) or (limited and self._is_full(day, limited)):
            return datetime.combine(day + DAY, time(0), UTC)
        return self._apart.free_from(at)

    def _is_full(self, day: date, limited: tuple[Share, ...]) -> bool:
        return any(not self._quotas[kind].left(name, day) for kind, name in limited)


def retry_after(*, attempts: int) -> timedelta | None:
    """How long to wait after the n-th temporary refusal: 30 min, doubled up to 4 h, given up after 4 days.

    RFC 5321 section 4.5.4.1: at least 30 minutes apart, four to five days in all.
    """
    waits = [min(timedelta(minutes=30) * 2**n, timedelta(hours=4)) for n in range(attempts)]
    return waits[-1] if sum(waits, timedelta()) <= 4 * DAY else None
