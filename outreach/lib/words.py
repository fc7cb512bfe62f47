"""Numbers, rates and spans in words, for pages and for what verbs say."""

from typing import Any

MINUTE, HOUR, DAY = 60, 3600, 86400


def number(value: Any) -> str:
    """12345 is 12,345."""
    return "–" if value is None or value == "" else f"{value:,}"


def rate(part: Any, whole: Any) -> str:
    """A share as a percentage with a sensible number of digits; "–" of nothing."""
    if not whole:
        return "–"
    share = 100 * (part or 0) / whole
    return f"{share:.1f} %" if 0 < share < 10 else f"{share:.0f} %"


def span(seconds: int) -> str:
    """Seconds in the one unit that fits them."""
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        return f"{seconds // HOUR} h"
    days = seconds // DAY
    return "1 day" if days == 1 else f"{days} days"


def counted(count: int, noun: str) -> str:
    """A count of anything whose plural ends in s: 1 row, 12,345 rows."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def people(count: int) -> str:
    """A count of people: 1 person, 12,345 people."""
    return "1 person" if count == 1 else f"{count:,} people"
