"""A segment's rule in plain words."""

from typing import Any

FIELDS = {
    "email": "address",
    "first_name": "first name",
    "last_name": "last name",
    "kind": "kind",
    "is_demo": "demo",
    "created_at": "added",
    "tags": "tag",
}
OPS = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "starts_with": "begins with",
    "in": "is one of",
    "is_empty": "is empty",
    "not_empty": "is there",
    "before": "before",
    "after": "since",
}
SEARCHED = ["first_name", "last_name", "company", "email"]
MOST_VALUES = 5


def words(rule: Any) -> str:
    """What the rule says, as a line to read; a rule that is none says so."""
    if rule == {}:
        return "everybody"
    if not isinstance(rule, dict):
        return "a rule that can't be read"
    if "field" in rule:
        return _leaf(rule)
    if "not" in rule:
        return f"not ({words(rule['not'])})"
    if found := _search(rule):
        return found
    for word, joiner in (("all", " and "), ("any", " or ")):
        if isinstance(rule.get(word), list):
            parts = [words(inner) for inner in rule[word]]
            return joiner.join(f"({part})" if " or " in part and word == "all" else part for part in parts) or "nobody"
    return "a rule that can't be read"


def _leaf(rule: dict[str, Any]) -> str:
    field, op, value = str(rule.get("field")), str(rule.get("op")), rule.get("value")
    if field == "is_demo":
        return "of the demo world" if value == (op == "is") else "not of the demo world"
    name = FIELDS.get(field, field.removeprefix("custom.").replace("_", " "))
    said = f"{name} {OPS.get(op, op)}"
    if isinstance(value, list):
        shown = ", ".join(f"“{item}”" for item in value[:MOST_VALUES])
        return f"{said} {shown}{', …' if len(value) > MOST_VALUES else ''}"
    return said if value is None else f"{said} “{value}”"


def _search(rule: dict[str, Any]) -> str:
    """The rule that a search is saved as."""
    leaves = rule.get("any")
    if not isinstance(leaves, list) or [leaf.get("field") for leaf in leaves if isinstance(leaf, dict)] != SEARCHED:
        return ""
    values = {str(leaf.get("value")) for leaf in leaves}
    same = len(values) == 1 and all(leaf.get("op") == "contains" for leaf in leaves)
    return f"“{values.pop()}” in name, company or address" if same else ""
