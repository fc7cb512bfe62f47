"""When a step may go out: delays, windows on a wall clock, and a mailbox's free slots. Pure: no clock, no database."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Protocol
from zoneinfo import ZoneInfo

from campaigns.calendars import NO_DAYS_OFF, PUBLIC_HOLIDAY, Calendar, Place
from campaigns.models.campaign import DelayUnit

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
LONGEST_SHUT = 400  # days: a year of quiet dates, and the weeks around it
WINDOW_CLOSED = "window_closed"


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
        if self.is_open(at):
            return at.astimezone(UTC)
        today = at.astimezone(ZoneInfo(self.zone)).date()
        for offset in range(LONGEST_SHUT):
            opening = self._opening(today + offset * DAY)
            if opening is not None and opening >= at:
                return opening
        raise ValueError("This window never opens: it names no weekday, or every day of a year is a quiet one.")

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


def _next_business_day(day: date, calendar: Calendar) -> date:
    """The one after `day`; of a year without any, its end."""
    ahead = (day + n * DAY for n in range(1, LONGEST_SHUT))
    return next((each for each in ahead if calendar.is_business_day(each)), day + LONGEST_SHUT * DAY)


CapOn = Callable[[date], int]  # the most messages of a UTC day


def always(cap: int) -> CapOn:
    """The same cap every day."""
    return lambda day: cap


def days_to_send(count: int, *, cap_on: CapOn, first: date, most: int) -> int:
    """How many days it takes to send so many from `first` on at these caps; `most` when it takes longer."""
    for number in range(most):
        if count <= 0:
            return number
        count -= cap_on(first + number * DAY)
    return most


class SlotBook:
    """The slots of one mailbox up to `horizon`: at least `gap` between any two, at most `cap_on` that day in a UTC day.

    With a `domain_cap`, no more than so many of a day's go to the addresses of one domain; `domains` are those taken.
    """

    def __init__(
        self,
        *,
        cap_on: CapOn,
        gap: timedelta,
        taken: Iterable[datetime],
        horizon: datetime,
        domain_cap: int | None = None,
        domains: Mapping[tuple[date, str], int] = MappingProxyType({}),
    ) -> None:
        self._cap_on = cap_on
        self._domain_cap = domain_cap
        self._per_domain = Counter(domains)
        self._gap = gap
        self._taken = sorted(taken)
        self._per_day = Counter(at.date() for at in self._taken)
        self._searched: dict[tuple[Window, str], tuple[datetime, datetime]] = {}
        self.horizon = horizon

    def free(self, now: datetime) -> int:
        """How many more messages the cap allows from today to the horizon."""
        days = (now.date() + n * DAY for n in range((self.horizon.date() - now.date()).days + 1))
        return sum(max(0, self._cap_on(day) - self._per_day[day]) for day in days)

    def first(self, *, window: Window, earliest: datetime, domain: str = "") -> datetime | None:
        """The first free slot from `earliest` on inside the window, for an address of this domain ("" has no limit);
        None when there is none up to the horizon.

        Slots are only ever taken, so what an earlier search of the same window found full is not walked again.
        """
        domain = "" if self._domain_cap is None else domain
        since, full_until = self._searched.get((window, domain), (earliest, earliest))
        known = since <= earliest <= full_until
        at = window.next_open(full_until if known else earliest)
        while at <= self.horizon and (later := self._next_allowed(at, domain)) != at:
            at = window.next_open(later)
        self._searched[window, domain] = (since if known else earliest, at)
        return at if at <= self.horizon else None

    def take(self, at: datetime, *, domain: str = "") -> None:
        """Marks a slot as taken by an address of this domain."""
        insort(self._taken, at)
        self._per_day[at.date()] += 1
        self._per_domain[at.date(), domain] += 1

    def _next_allowed(self, at: datetime, domain: str) -> datetime:
        is_full = domain and self._per_domain[at.date(), domain] >= (self._domain_cap or 0)
        if is_full or self._per_day[at.date()] >= self._cap_on(at.date()):
            return datetime.combine(at.date() + DAY, time(0), UTC)
        if not self._gap:
            return at
        place = bisect_left(self._taken, at - self._gap + timedelta(microseconds=1))
        too_close = place < len(self._taken) and self._taken[place] < at + self._gap
        return self._taken[place] + self._gap if too_close else at


def retry_after(*, attempts: int) -> timedelta | None:
    """How long to wait after the n-th temporary refusal: 30 min, doubled up to 4 h, given up after 4 days.

    RFC 5321 section 4.5.4.1: at least 30 minutes apart, four to five days in all.
    """
    waits = [min(timedelta(minutes=30) * 2**n, timedelta(hours=4)) for n in range(attempts)]
    return waits[-1] if sum(waits, timedelta()) <= 4 * DAY else None
