"""Conditions on when something happened or is due, absolute and relative to now; who has no such time is in none."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import JSONField

from prospects.models import Engagement
from prospects.segments import values
from prospects.segments.leaves import CUSTOM, Leaf, not_
from prospects.segments.values import DAY, Asked

ENGAGEMENT = frozenset({"contacted_at", "clicked_at", "replied_at", "bounced_at"})
DATES = frozenset({"notice_date", "next_step_date"})  # days in UTC; the others are instants
ISO_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"  # what `CustomField` of dates holds
NUMBERS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def before(asked: Asked) -> Q:
    return _between(asked, None, _moment(asked))


def after(asked: Asked) -> Q:
    """From then on."""
    return _between(asked, _moment(asked), None)


def on(asked: Asked) -> Q:
    """Some time of that day, in UTC."""
    start = _moment(asked)
    return _between(asked, start, _later(asked, start, DAY))


def in_last(asked: Asked) -> Q:
    """Since then and until now; of days, today is one."""
    start, now = _now(asked) - _span(asked), _now(asked)
    return _between(asked, start, now + _least(asked))


def longer_ago(asked: Asked) -> Q:
    return _between(asked, None, _now(asked) - _span(asked))


def in_next(asked: Asked) -> Q:
    """From now on until then; of days, today is one."""
    now = _now(asked)
    return _between(asked, now, now + _span(asked) + _least(asked))


def is_never(asked: Asked) -> Q:
    return ~_between(asked, None, None)


def _is_of_days(field: str) -> bool:
    return field in DATES or field.startswith(CUSTOM)


def _moment(asked: Asked) -> Any:
    reads = values.day if _is_of_days(asked.field) else values.instant
    return reads(asked.value, asked.path)


def _now(asked: Asked) -> Any:
    return asked.now.date() if _is_of_days(asked.field) else asked.now


def _span(asked: Asked) -> timedelta:
    return (values.days if _is_of_days(asked.field) else values.span)(asked.value, asked.path)


def _least(asked: Asked) -> timedelta:
    """The finest step of the field's times: an end that is left out is that much later."""
    return DAY if _is_of_days(asked.field) else timedelta(microseconds=1)


def _later(asked: Asked, moment: Any, span: timedelta) -> Any:
    try:
        return moment + span
    except OverflowError:
        return None


def _between(asked: Asked, start: date | datetime | None, end: date | datetime | None) -> Q:
    """From `start` on, before `end`; None is without limit."""
    field = asked.field
    if field.startswith(CUSTOM):
        return _custom_between(field, start, end)
    limits = Q(**{f"{field}__isnull": False})
    if start is not None:
        limits &= Q(**{f"{field}__gte": start})
    if end is not None:
        limits &= Q(**{f"{field}__lt": end})
    if field in ENGAGEMENT:
        return Q(Exists(Engagement.objects.filter(limits, prospect=OuterRef("pk"))))
    return limits


# --- Fields of one's own: compared as what they hold; a text is in no span of numbers ---
def _custom_between(field: str, start: date | datetime | None, end: date | datetime | None) -> Q:
    limits = {"start": start, "end": end}
    given = {name: moment.isoformat() for name, moment in limits.items() if moment is not None}
    conditions = [f'@ like_regex "{ISO_DATE}"']
    conditions += [f"@ {'>=' if name == 'start' else '<'} ${name}" for name in given]
    return _custom_where(field, " && ".join(conditions), given)


def number(op: str) -> Leaf:
    """A comparison of a number."""

    def leaf(asked: Asked) -> Q:
        value = values.number(asked.value, asked.path)
        return _custom_where(asked.field, f"@ {NUMBERS[op]} $value", {"value": value})

    return leaf


def custom_is(text_is: Leaf) -> Leaf:
    """Equal to a number or to yes or no when the value is one, else `text_is`."""

    def leaf(asked: Asked) -> Q:
        if isinstance(asked.value, bool):
            return _custom_where(asked.field, "@ == $value", {"value": asked.value})
        if isinstance(asked.value, int | float):
            return _custom_where(asked.field, "@ == $value", {"value": values.number(asked.value, asked.path)})
        return text_is(asked)

    return leaf


def _custom_where(field: str, condition: str, given: dict[str, Any]) -> Q:
    """SQL/JSON path language: what can't be compared is not equal, not less and not more."""
    path = Value(f'$."{field.removeprefix(CUSTOM)}" ? ({condition})')
    return Q(_PathExists(F("custom"), path, Value(given, JSONField()), output_field=BooleanField()))


class _PathExists(Func):
    """jsonb_path_exists; the names in a path are letters, digits and _ (`cleaning.CUSTOM_NAME`)."""

    function = "jsonb_path_exists"
    template = "jsonb_path_exists(%(expressions)s)"

    def __init__(self, document: Combinable, path: Value, given: Value, **extra: Any) -> None:
        cast = Func(path, template="%(expressions)s::jsonpath", output_field=BooleanField())
        super().__init__(document, cast, given, **extra)


MOMENT_OPS: dict[str, Leaf] = {
    "in_last": in_last,
    "not_in_last": not_(in_last),
    "longer_ago": longer_ago,
    "before": before,
    "after": after,
    "on": on,
}
PAST_OPS: dict[str, Leaf] = {**MOMENT_OPS, "is_empty": is_never, "not_empty": not_(is_never)}
DUE_OPS: dict[str, Leaf] = {"in_next": in_next, **PAST_OPS}
