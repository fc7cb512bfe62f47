"""A segment's rule as groups of rows that a page can show, and back; a rule of another shape stays a text.

`rule_of(rows_of(rule))` is the rule again, but for lists of one that are written without their list.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prospects import segments
from prospects.models import CustomField
from prospects.segments import BadFilter, wording
from prospects.segments.fields import Field, Kind, field_of
from prospects.segments.times import NUMBERS

MOST_GROUPS, MOST_ROWS = 10, 30
UNITS = ("hours", "days", "weeks", "months", "years")
SPANS = frozenset({"in_last", "not_in_last", "longer_ago", "in_next"})
MOMENTS = frozenset({"before", "after", "on"})
LISTS = frozenset({"in", "not_in"})
SPAN = re.compile(r"(\d+) (\w+?)s?")
_TEXT_OPS = ["is", "is_not", "contains", "not_contains", "starts_with", "in", "not_in", "is_empty", "not_empty"]
CUSTOM_OPS: dict[str, list[str]] = {
    CustomField.Kind.TEXT: _TEXT_OPS,
    CustomField.Kind.NUMBER: ["is", "is_not", *NUMBERS, "is_empty", "not_empty"],
    CustomField.Kind.DATE: [*sorted(MOMENTS), *sorted(SPANS), "is_empty", "not_empty"],
    CustomField.Kind.BOOLEAN: ["is", "is_not", "is_empty", "not_empty"],
}


@dataclass(frozen=True)
class Row:
    """One condition as it is typed: several values for a list, and a unit for a span of time."""

    field: str = ""
    op: str = ""
    values: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that are joined: "all", "any" or "none" of them."""

    join: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Sheet:
    """Groups that are joined: "all" or "any" of them."""

    join: str
    groups: tuple[Group, ...]


EMPTY = Sheet("all", (Group("all", (Row(),)),))


def widget(row: Row, kinds: Mapping[str, str]) -> str:
    """How the row's value is asked for: none, span, date, number, flag, choice, choices or text."""
    try:
        field = field_of(row.field, "")
    except BadFilter:
        return "none"
    if row.op in ("is_empty", "not_empty"):
        return "none"
    if row.op in SPANS:
        return "span"
    if row.op in MOMENTS:
        return "date"
    own = kinds.get(row.field.removeprefix("custom.")) if field.kind is Kind.CUSTOM else None
    if row.op in NUMBERS or own == CustomField.Kind.NUMBER:
        return "number"
    if field.kind is Kind.FLAG or own == CustomField.Kind.BOOLEAN:
        return "flag"
    if field.kind is Kind.CODE and row.op not in ("contains", "not_contains", "starts_with"):
        return "choices" if row.op in LISTS else "choice"
    return "text"


def ops(field: Field, kinds: Mapping[str, str]) -> dict[str, str]:
    """The ops that a page offers for the field, with their words."""
    table = wording.ops_of(field)
    if field.kind is Kind.CUSTOM:
        kind = kinds.get(field.name.removeprefix("custom."), CustomField.Kind.TEXT)
        return {op: table[op] for op in CUSTOM_OPS[kind]}
    if field.kind is Kind.TAGS:
        return {op: words for op, words in table.items() if op != "contains"}
    if field.kind is Kind.CODE:
        return {op: words for op, words in table.items() if op not in ("contains", "not_contains", "starts_with")}
    return dict(table)


# --- From rows to a rule ---
def rule_of(sheet: Sheet, kinds: Mapping[str, str]) -> dict[str, Any]:
    """The rule that the rows say; rows without a field are left out. What it says may be wrong: see `problems`."""
    parts: list[dict[str, Any]] = []
    for group in sheet.groups:
        leaves = [leaf(row, kinds) for row in group.rows if row.field]
        if group.join == sheet.join:
            parts += leaves
        elif leaves:
            joined = _joined("all" if group.join == "all" else "any", leaves)
            parts.append({"not": joined} if group.join == "none" else joined)
    return _joined(sheet.join, parts) if parts else {}


def _joined(word: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return parts[0] if len(parts) == 1 else {word: parts}


def leaf(row: Row, kinds: Mapping[str, str]) -> dict[str, Any]:
    """One row's condition."""
    asked, found = widget(row, kinds), {"field": row.field, "op": row.op}
    return found if asked == "none" else {**found, "value": _value(row, asked)}


def _value(row: Row, asked: str) -> Any:
    first = row.values[0].strip() if row.values else ""
    match asked:
        case "span":
            return f"{first} {row.unit}"
        case "number":
            return _number(first)
        case "flag":
            return {"yes": True, "no": False}.get(first, first)
        case "choices":
            return [value for value in row.values if value]
        case "text" if row.op in LISTS:
            return [item.strip() for item in first.split(",") if item.strip()]
    return first


def _number(text: str) -> int | float | str:
    for reads in (int, float):
        try:
            value = reads(text)
        except ValueError:
            continue
        return value if math.isfinite(value) else text
    return text


def problems(sheet: Sheet, kinds: Mapping[str, str], *, unsaid: bool = True) -> dict[tuple[int, int], str]:
    """What is wrong with each row, by its group's and its own number, in a sentence.

    `unsaid` says whether a value that is still to be typed is wrong too.
    """
    found = {}
    for number, group in enumerate(sheet.groups):
        for place, row in enumerate(group.rows):
            if not row.field:
                continue
            missing = _unsaid(row, kinds)
            if said := missing if missing and unsaid else "" if missing else _problem(row, kinds):
                found[number, place] = said
    return found


def _unsaid(row: Row, kinds: Mapping[str, str]) -> str:
    asked = widget(row, kinds)
    if asked in ("choice", "date", "span", "number") and not (row.values and row.values[0].strip()):
        return "Say what it is compared with."
    if asked in ("text", "choices") and not any(value.strip() for value in row.values):
        return "Say what it is compared with, or choose “is empty”."
    return ""


def _problem(row: Row, kinds: Mapping[str, str]) -> str:
    try:
        segments.check(leaf(row, kinds))
    except BadFilter as error:
        return error.problems[0].message
    return ""


# --- From a rule to rows ---
def rows_of(rule: Any, kinds: Mapping[str, str]) -> Sheet | None:
    """The rule as rows; None when rows can't say it."""
    if rule == {}:
        return EMPTY
    try:
        segments.check(rule)
        sheet = _sheet(rule)
    except (BadFilter, _OtherShape):
        return None
    fits = len(sheet.groups) <= MOST_GROUPS and all(len(group.rows) <= MOST_ROWS for group in sheet.groups)
    return sheet if fits and rule_of(sheet, kinds) == _simple(rule) else None


class _OtherShape(Exception):
    """Rows can't say this."""


def _simple(rule: Any) -> Any:
    """Without lists of one."""
    if "not" in rule:
        return {"not": _simple(rule["not"])}
    for word in ("all", "any"):
        if word in rule:
            inner = [_simple(part) for part in rule[word]]
            return inner[0] if len(inner) == 1 else {word: inner}
    return rule


def _sheet(rule: dict[str, Any]) -> Sheet:
    join = "any" if "any" in rule else "all"
    parts = rule.get(join, [rule])
    groups: list[Group] = []
    for part in parts:
        group = _group(part, join)
        if groups and groups[-1].join == join == group.join:  # conditions side by side are one group
            group = Group(join, groups.pop().rows + group.rows)
        groups.append(group)
    if len(groups) == 1 and groups[0].join in ("all", "any"):
        return Sheet("all", tuple(groups))
    return Sheet(join, tuple(groups))


def _group(part: dict[str, Any], join: str) -> Group:
    if "field" in part:
        return Group(join, (_row(part),))
    if "not" in part:
        inner = part["not"]
        return Group("none", _rows(inner.get("any", [inner])))
    word = "all" if "all" in part else "any"
    return Group(word, _rows(part.get(word, [])))


def _rows(leaves: Sequence[dict[str, Any]]) -> tuple[Row, ...]:
    if not leaves or not all("field" in part for part in leaves):
        raise _OtherShape
    return tuple(_row(part) for part in leaves)


def _row(part: dict[str, Any]) -> Row:
    field, op, value = part["field"], part["op"], part.get("value")
    if op in SPANS and (found := SPAN.fullmatch(str(value))):
        return Row(field, op, (found[1],), f"{found[2]}s")
    if isinstance(value, bool):
        return Row(field, op, ("yes" if value else "no",))
    if isinstance(value, list):
        coded = field_of(field, "").kind is Kind.CODE
        return Row(field, op, tuple(value) if coded else (", ".join(value),))
    return Row(field, op, () if value is None else (str(value),))
