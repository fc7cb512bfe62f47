"""The value of a condition, read strictly; each raises BadFilter, naming the place."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from prospects.segments.errors import BadFilter

MAX_VALUES, MAX_TEXT, MAX_NUMBER = 1_000, 500, 1e15
SPAN = re.compile(r"(\d{1,5}) (hour|day|week|month|year)s?")
HOURS = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24, "year": 365 * 24}
LONGEST = timedelta(days=100 * 365)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """One condition: its field, the value it compares with and that value's place, and what time it is (UTC)."""

    field: str
    value: Any
    path: str
    now: datetime


def text(value: Any, path: str) -> str:
    """A text that the database can hold."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise BadFilter(path, f"This is a text of at most {MAX_TEXT} characters.")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise BadFilter(path, "This holds characters that are no text.")
    return value


def texts(value: Any, path: str) -> list[str]:
    """One or more texts."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
        raise BadFilter(path, f"This is a list of 1 to {MAX_VALUES} texts.")
    return [text(item, f"{path}[{index}]") for index, item in enumerate(value)]


def one_of(known: Collection[str], value: Any, path: str) -> str:
    """A word of a fixed list."""
    word = text(value, path).lower()
    if word not in known:
        raise BadFilter(path, f"This is one of {', '.join(known)}.")
    return word


def flag(value: Any, path: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise BadFilter(path, "This is true or false.")
    return value


def number(value: Any, path: str) -> float | int:
    """A number of ordinary size."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise BadFilter(path, "This is a number.")
    if abs(value) > MAX_NUMBER:
        raise BadFilter(path, "This number is too large.")
    return value


def instant(value: Any, path: str) -> datetime:
    """A date (its beginning) or a date and time, in UTC unless it says so."""
    try:
        found = datetime.fromisoformat(text(value, path))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadFilter(path, "This is a date, or a date and time, such as 2026-05-01 or 2026-05-01T09:00Z.") from None


def day(value: Any, path: str) -> date:
    """A date."""
    try:
        return date.fromisoformat(text(value, path))
    except ValueError:
        raise BadFilter(path, "This is a date such as 2026-05-01.") from None


def span(value: Any, path: str) -> timedelta:
    """A length of time such as "30 days"; a month counts as 30 days, a year as 365."""
    found = SPAN.fullmatch(text(value, path).strip().lower())
    length = timedelta(hours=int(found[1]) * HOURS[found[2]]) if found else timedelta()
    if not timedelta() < length <= LONGEST:
        raise BadFilter(path, "This is a time such as 12 hours, 30 days, 2 weeks or 3 months.")
    return length


def days(value: Any, path: str) -> timedelta:
    """A length of time in whole days."""
    length = span(value, path)
    if length % DAY:
        raise BadFilter(path, "This field holds days: a time such as 30 days, 2 weeks or 3 months.")
    return length


def uuid(value: Any, path: str) -> UUID:
    """The id of a row."""
    try:
        return UUID(text(value, path))
    except ValueError:
        raise BadFilter(path, "This is the id of an import.") from None
