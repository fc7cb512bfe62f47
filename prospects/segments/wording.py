"""A segment's rule in plain words."""

from collections.abc import Mapping
from typing import Any

from prospects import places
from prospects.segments import BadFilter
from prospects.segments.fields import PROVIDERS, Field, Kind, field_of
from prospects.segments.leaves import STAGE

OPS = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "begins with",
    "in": "is one of",
    "not_in": "is none of",
    "is_empty": "is empty",
    "not_empty": "is there",
    "lt": "is less than",
    "lte": "is at most",
    "gt": "is more than",
    "gte": "is at least",
    "before": "before",
    "after": "on or after",
    "on": "on",
    "in_last": "in the last",
    "not_in_last": "not in the last",
    "longer_ago": "longer ago than",
    "in_next": "in the next",
}
TIME_OPS = {**OPS, "is_empty": "never", "not_empty": "at any time"}
SEARCHED = ["first_name", "last_name", "company", "email", "x_handle"]
MOST_VALUES = 5
NO_RULE = "a rule that can't be read"


def words(rule: Any, names: Mapping[str, str] | None = None) -> str:
    """What the rule says, as a line to read; a rule that is none says so.

    `names` are what the ids of programs and imports stand for.
    """
    return _Wording(names or {}).rule(rule)


def ops_of(field: Field) -> Mapping[str, str]:
    """The words of the field's ops."""
    table = TIME_OPS if field.kind in (Kind.INSTANT, Kind.DATE) else OPS
    return {op: table[op] for op in field.ops if op in table}


class _Wording:
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def rule(self, rule: Any) -> str:
        if rule == {}:
            return "everybody"
        if not isinstance(rule, dict):
            return NO_RULE
        if "field" in rule:
            return self._leaf(rule)
        if "not" in rule:
            return f"not ({self.rule(rule['not'])})"
        if found := _search(rule):
            return found
        for word, joiner in (("all", " and "), ("any", " or ")):
            if isinstance(rule.get(word), list):
                parts = [self.rule(inner) for inner in rule[word]]
                joined = joiner.join(f"({part})" if " or " in part and word == "all" else part for part in parts)
                return joined or ("everybody" if word == "all" else "nobody")
        return NO_RULE

    def _leaf(self, rule: dict[str, Any]) -> str:
        name, op, value = str(rule.get("field")), str(rule.get("op")), rule.get("value")
        try:
            field = field_of(name, "")
        except BadFilter:
            return NO_RULE
        if field.kind is Kind.FLAG:
            label = self._label(field)
            return label if value == (op == "is") else f"not {label}"
        said = f"{self._label(field)} {ops_of(field).get(op, op)}"
        if isinstance(value, list):
            shown = ", ".join(self._value(field, item) for item in value[:MOST_VALUES])
            return f"{said} {shown}{', …' if len(value) > MOST_VALUES else ''}"
        return said if value is None else f"{said} {self._value(field, value)}"

    def _label(self, field: Field) -> str:
        prefix, _, key = field.name.partition(".")
        if prefix in PROVIDERS:
            return f"{field.label} “{self.names.get(key, 'one that is gone')}”"
        if not field.name.startswith(STAGE):
            return field.label
        return f"stage in {self.names.get(field.name.removeprefix(STAGE), 'a program that is gone')}"

    def _value(self, field: Field, value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if field.kind in (Kind.INSTANT, Kind.DATE) or isinstance(value, int | float):
            return str(value)
        if field.name == "country" and (name := places.country_name(str(value))):
            return name
        known = dict(field.choices).get(str(value)) or self.names.get(str(value)) or str(value)
        return f"“{known}”"


def _search(rule: dict[str, Any]) -> str:
    """The rule that a search is saved as."""
    leaves = rule.get("any")
    if not isinstance(leaves, list) or not all(isinstance(leaf, dict) for leaf in leaves):
        return ""
    if [leaf.get("field") for leaf in leaves] not in (SEARCHED, SEARCHED[:4]):
        return ""
    values = {str(leaf.get("value")) for leaf in leaves}
    same = len(values) == 1 and all(leaf.get("op") == "contains" for leaf in leaves)
    return f"“{values.pop()}” in name, company or address" if same else ""
