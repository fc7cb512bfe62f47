"""Days on which nobody is written to: public holidays where a person lives, and quiet dates of a campaign. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

import holidays

from prospects import places

SATURDAY, SUNDAY = 6, 7
WEEKEND = frozenset({SATURDAY, SUNDAY})
PUBLIC_HOLIDAY, QUIET_DATE = "public_holiday", "quiet_date"
DAY = timedelta(days=1)
MOST_QUIET = 366  # days of one campaign
WRITTEN = ("%Y-%m-%d", "%d.%m.%Y", "%d %b %Y", "%d %B %Y")
UNTIL = re.compile(r"\s+(?:to|until|-|–|—)\s+|\s*(?:\.\.|–|—)\s*")


class Person(Protocol):
    """What is known of where somebody is: an IANA zone and an ISO 3166-1 alpha-2 country, or "" for each."""

    time_zone: str
    country: str


class Days(Protocol):
    """What a campaign says of zones and days."""

    time_zone: str
    skip_holidays: bool
    quiet_dates: list[date]


@dataclass(slots=True)
class Somebody:
    """A `Person` of whom this is known, or nothing."""

    time_zone: str = ""
    country: str = ""


@dataclass(slots=True)
class CampaignDays:
    """`Days` without their campaign."""

    time_zone: str
    skip_holidays: bool
    quiet_dates: list[date]


@dataclass(frozen=True)
class Calendar:
    """The days off of one country (ISO 3166-1 alpha-2, "" has none) and of one campaign."""

    country: str = ""
    quiet: frozenset[date] = frozenset()

    def closed_because(self, day: date) -> str:
        """The rule that keeps this day free of mail, "" when none does."""
        if day in self.quiet:
            return QUIET_DATE
        return PUBLIC_HOLIDAY if self.country and day in _holidays(self.country, day.year) else ""

    def holiday(self, day: date) -> str:
        """The name of this day's public holiday, "" when it is none."""
        return _holidays(self.country, day.year).get(day, "") if self.country else ""

    def is_business_day(self, day: date) -> bool:
        """False at the country's weekend and on a day off."""
        return day.isoweekday() not in _weekend(self.country) and not self.closed_because(day)


NO_DAYS_OFF = Calendar()


@dataclass(frozen=True)
class Place:
    """Whose clock and whose calendar a person is written to by."""

    zone: str
    calendar: Calendar = NO_DAYS_OFF


def place_of(person: Person, campaign: Days) -> Place:
    """Their own zone, else that of their country, else the campaign's."""
    zone = person.time_zone or places.zone_of_country(person.country) or campaign.time_zone
    return Place(zone, Calendar(person.country if campaign.skip_holidays else "", frozenset(campaign.quiet_dates)))


@lru_cache(maxsize=1024)
def _holidays(country: str, year: int) -> Mapping[date, str]:
    """Those of the whole country, not of its parts: nobody tells us the part somebody lives in."""
    try:
        found = holidays.country_holidays(country, years=year, language="en_US")
    except NotImplementedError:  # a country without a calendar
        return MappingProxyType({})
    return MappingProxyType(dict(found))


@lru_cache(maxsize=256)
def _weekend(country: str) -> frozenset[int]:
    try:
        return frozenset(day + 1 for day in holidays.country_holidays(country).weekend) if country else WEEKEND
    except NotImplementedError:
        return WEEKEND


def days_in(text: str) -> list[date]:
    """The days that a text names, sorted: `2026-12-24 to 2027-01-02, 2027-05-01`, also 24.12.2026 and 24 Dec 2026.

    Raises ValueError with a sentence about the first piece that is no day or no span of days.
    """
    days: set[date] = set()
    for piece in filter(None, (each.strip() for each in re.split(r"[,;\n]", text))):
        first, *rest = (_day(part) for part in UNTIL.split(piece))
        last = rest[0] if rest else first
        if len(rest) > 1 or first is None or last is None or first > last:
            raise ValueError(f"“{piece[:60]}” is no day like 2026-12-24, and no span like 2026-12-24 to 2027-01-02.")
        days.update(first + n * DAY for n in range(min((last - first).days, MOST_QUIET) + 1))
    if len(days) > MOST_QUIET:
        raise ValueError(f"These are more than {MOST_QUIET} days: a campaign that is quiet so long is better paused.")
    return sorted(days)


def days_said(days: Iterable[date]) -> str:
    """What `days_in` reads as these days, spans put together."""
    spans: list[tuple[date, date]] = []
    for day in sorted(days):
        if spans and day <= spans[-1][1] + DAY:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in spans)


def _day(text: str) -> date | None:
    for form in WRITTEN:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None
