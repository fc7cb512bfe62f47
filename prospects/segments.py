"""Segments: people by a rule, written as JSON and compiled to a query.

A rule is `{"all": [rule, …]}`, `{"any": [rule, …]}`, `{"not": rule}`, or `{"field": …, "op": …, "value": …}`; `{}` is
everybody. Texts are compared without regard to case. What is not there is the empty text, so that `is_not` finds it.

| fields | ops |
| --- | --- |
| email first_name last_name company country language source kind site custom.<name> | is is_not contains starts_with in is_empty not_empty |
| tags | is (has it) is_not contains (has it) in (has one of them) is_empty not_empty |
| created_at | before after (an ISO date or date and time; UTC unless it says so) |
| is_demo | is is_not (true or false) |
"""  # noqa: E501

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Upper
from django.db.models.lookups import Exact, IContains, IExact, In, IStartsWith

from outreach.lib.errors import DomainError, Problem
from prospects.cleaning import CUSTOM_NAME
from prospects.models import Prospect, Segment

MAX_DEPTH, MAX_LEAVES, MAX_VALUES, MAX_TEXT = 10, 200, 1_000, 500
TEXT_FIELDS = frozenset("email first_name last_name company country language source kind".split())  # noqa: SIM905
CUSTOM = "custom."
EVERYBODY = Q(pk__isnull=False)
NOBODY = Q(pk__in=[])

Leaf = Callable[[str, Any, str], Q]


class BadFilter(DomainError):
    """A rule that can't be read: `path` is the place in it, such as `all[1].op`."""

    title = "The filter is not valid"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'filter'}: {message}", [Problem(f"filter.{path}".rstrip("."), message)])
        self.path = path


def members(*, segment: Segment) -> QuerySet[Prospect]:
    """The people who are in the segment now, in no order. Raises BadFilter."""
    return Prospect.objects.filter(compile(segment.filter))


def compile(rule: Any) -> Q:
    """A rule as a condition on Prospect that is true or false, never unknown. Raises BadFilter, and nothing else."""
    return Q() if rule == {} else _Compiler().rule(rule, "", 1)


class _Compiler:
    """Walks one rule; counts its leaves."""

    def __init__(self) -> None:
        self.leaves = 0

    def rule(self, rule: Any, path: str, depth: int) -> Q:
        if not isinstance(rule, dict):
            raise BadFilter(path, "A rule is an object.")
        if depth > MAX_DEPTH:
            raise BadFilter(path, f"Rules are nested deeper than {MAX_DEPTH}.")
        self.leaves += 1
        if self.leaves > MAX_LEAVES:
            raise BadFilter(path, f"There are more than {MAX_LEAVES} rules.")
        if not rule:
            return EVERYBODY
        if "field" in rule or "op" in rule:
            return _leaf(rule, path)
        if len(rule) != 1 or next(iter(rule)) not in ("all", "any", "not"):
            raise BadFilter(path, 'A rule has one of "all", "any" and "not", or "field", "op" and "value".')
        word, inner = next(iter(rule.items()))
        here = _join(path, word)
        return ~self.rule(inner, here, depth + 1) if word == "not" else self._list(word, inner, here, depth)

    def _list(self, word: str, rules: Any, path: str, depth: int) -> Q:
        if not isinstance(rules, list):
            raise BadFilter(path, "This is a list of rules.")
        compiled = [self.rule(rule, f"{path}[{index}]", depth + 1) for index, rule in enumerate(rules)]
        result = EVERYBODY if word == "all" else NOBODY
        for condition in compiled:
            result = result & condition if word == "all" else result | condition
        return result


def _leaf(rule: dict[Any, Any], path: str) -> Q:
    if extra := [key for key in rule if key not in ("field", "op", "value")]:
        raise BadFilter(_join(path, str(extra[0])[:50]), 'Beside "field", "op" and "value" there is nothing.')
    field, op, value = rule.get("field"), rule.get("op"), rule.get("value")
    if not isinstance(field, str):
        raise BadFilter(_join(path, "field"), "The field's name is missing.")
    if not isinstance(op, str):
        raise BadFilter(_join(path, "op"), "The op is missing.")
    ops = _ops(field, path)
    if op not in ops:
        raise BadFilter(_join(path, "op"), f"For {field} the op is one of {', '.join(ops)}.")
    if op in ("is_empty", "not_empty") and value is not None:
        raise BadFilter(_join(path, "value"), f"{op} takes no value.")
    return ops[op](field, value, _join(path, "value"))


def _ops(field: str, path: str) -> dict[str, Leaf]:
    is_custom = field.startswith(CUSTOM) and CUSTOM_NAME.fullmatch(field.removeprefix(CUSTOM))
    if field in TEXT_FIELDS or field == "site" or is_custom:
        return TEXT_OPS
    if field in OTHER_OPS:
        return OTHER_OPS[field]
    known = ", ".join([*sorted(TEXT_FIELDS), "site", *OTHER_OPS, "custom.<name>"])
    raise BadFilter(_join(path, "field"), f"There is no field {field[:50]!r}; there is: {known}.")


def _subject(field: str) -> Combinable:
    """The text that a field holds, never NULL."""
    if field == "site":
        return Coalesce(F("site__domain"), Value(""))
    if field.startswith(CUSTOM):
        return Coalesce(KeyTextTransform(field.removeprefix(CUSTOM), "custom"), Value("", TextField()))
    return F(field)


def _is(field: str, value: Any, path: str) -> Q:
    return Q(IExact(_subject(field), _text(value, path)))


def _contains(field: str, value: Any, path: str) -> Q:
    return Q(IContains(_subject(field), _text(value, path)))


def _starts_with(field: str, value: Any, path: str) -> Q:
    return Q(IStartsWith(_subject(field), _text(value, path)))


def _in(field: str, value: Any, path: str) -> Q:
    return Q(In(Upper(_subject(field)), [Upper(Value(text)) for text in _texts(value, path)]))


def _is_empty(field: str, value: Any, path: str) -> Q:
    return Q(Exact(_subject(field), Value("")))


def _has_tag(field: str, value: Any, path: str) -> Q:
    return Q(tags__contains=[_text(value, path)])


def _has_one_tag(field: str, value: Any, path: str) -> Q:
    return Q(tags__overlap=_texts(value, path))


def _has_no_tags(field: str, value: Any, path: str) -> Q:
    return Q(tags=[])


def _before(field: str, value: Any, path: str) -> Q:
    return Q(created_at__lt=_instant(value, path))


def _after(field: str, value: Any, path: str) -> Q:
    return Q(created_at__gte=_instant(value, path))


def _is_flag(field: str, value: Any, path: str) -> Q:
    if not isinstance(value, bool):
        raise BadFilter(path, "This is true or false.")
    return Q(**{field: value})


def _not(leaf: Leaf) -> Leaf:
    return lambda field, value, path: ~leaf(field, value, path)


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise BadFilter(path, f"This is a text of at most {MAX_TEXT} characters.")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise BadFilter(path, "This holds characters that are no text.")
    return value


def _texts(value: Any, path: str) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
        raise BadFilter(path, f"This is a list of 1 to {MAX_VALUES} texts.")
    return [_text(item, f"{path}[{index}]") for index, item in enumerate(value)]


def _instant(value: Any, path: str) -> datetime:
    try:
        instant = datetime.fromisoformat(_text(value, path))
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadFilter(path, "This is a date, or a date and time, such as 2026-05-01 or 2026-05-01T09:00Z.") from None


def _join(path: str, word: str) -> str:
    return f"{path}.{word}" if path else word


TEXT_OPS: dict[str, Leaf] = {
    "is": _is,
    "is_not": _not(_is),
    "contains": _contains,
    "starts_with": _starts_with,
    "in": _in,
    "is_empty": _is_empty,
    "not_empty": _not(_is_empty),
}
OTHER_OPS: dict[str, dict[str, Leaf]] = {
    "tags": {
        "is": _has_tag,
        "is_not": _not(_has_tag),
        "contains": _has_tag,
        "in": _has_one_tag,
        "is_empty": _has_no_tags,
        "not_empty": _not(_has_no_tags),
    },
    "created_at": {"before": _before, "after": _after},
    "is_demo": {"is": _is_flag, "is_not": _not(_is_flag)},
}
