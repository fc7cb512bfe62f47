"""Numbers, times and rates as pages show them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from outreach.lib import domains, words

register = template.Library()
for plain in (words.number, words.rate, words.people):
    register.filter(plain)


@register.filter
def readable(value: Any) -> str:
    """An address or a domain as people read it: büro.example, not its encoded form; look-alikes stay encoded."""
    return domains.readable(str(value or ""))


@register.filter
def ended(value: Any) -> str:
    """Somebody's words as a sentence: with a full stop, unless they end as sentences do."""
    said = str(value or "").rstrip()
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


@register.filter
def when(value: datetime | None) -> SafeString | str:
    """An instant in the looker's zone, as short as today allows; the title says it in full."""
    if value is None:
        return "–"
    local, today = timezone.localtime(value), timezone.localdate()
    days = (local.date() - today).days
    if days == 0:
        short = f"{local:%H:%M}"
    elif days == -1:
        short = f"yesterday {local:%H:%M}"
    elif days == 1:
        short = f"tomorrow {local:%H:%M}"
    elif abs(days) < 300:
        short = f"{local.day} {local:%b %H:%M}"
    else:
        short = f"{local.day} {local:%b %Y}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), f"{local:%A %d %B %Y %H:%M %Z}", short
    )


@register.filter
def at_their(value: datetime | None, zone: str) -> str:
    """An instant on the clock of the prospect's zone: "16:42 in Berlin"; nothing when it is not known, or no longer."""
    if value is None or not zone:
        return ""
    try:
        local = value.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):  # the planner holds such a person, and says why
        return ""
    return f"{local:%H:%M} in {zone.rpartition('/')[2].replace('_', ' ')}"


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    """How long ago: "3 min", "5 h", "2 days"."""
    if value is None:
        return "never"
    seconds = int((timezone.now() - value).total_seconds())
    title = f"{timezone.localtime(value):%A %d %B %Y %H:%M %Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), title, words.span(seconds))


@register.filter
def is_recent(value: datetime | None, minutes: int) -> bool:
    """Whether an instant lies less than so many minutes back."""
    return value is not None and timezone.now() - value < timedelta(minutes=minutes)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """A value by a key that is itself a variable; None when it is not there."""
    return mapping.get(key)


@register.simple_tag(takes_context=True)
def with_query(context: Any, **changed: Any) -> str:
    """This page's query string with some values changed; an empty value takes its name out, and paging starts anew."""
    query = context["request"].GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    for name, value in changed.items():
        query.pop(name, None)
        if value not in ("", None):
            query[name] = str(value)
    return f"?{query.urlencode()}"
