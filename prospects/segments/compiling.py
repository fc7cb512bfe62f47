"""From a rule to a condition that the database answers."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from prospects.segments.errors import BadFilter, join
from prospects.segments.fields import field_of
from prospects.segments.values import Asked

MAX_DEPTH, MAX_LEAVES = 10, 200
EVERYBODY = Q(pk__isnull=False)
NOBODY = Q(pk__in=[])
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def compile(rule: Any, *, now: datetime) -> Q:
    """A rule as a condition on Prospect that is true or false, never unknown. Raises BadFilter, and nothing else.

    Relative times count from `now`.
    """
    return Q() if rule == {} else _Compiler(now).rule(rule, "", 1)


def check(rule: Any) -> None:
    """Raises BadFilter for a rule that can't be read; it can or can't whatever the day."""
    compile(rule, now=SOME_DAY)


class _Compiler:
    """Walks one rule; counts its leaves."""

    def __init__(self, now: datetime) -> None:
        self.now = now.astimezone(UTC)
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
            return self._leaf(rule, path)
        if len(rule) != 1 or next(iter(rule)) not in ("all", "any", "not"):
            raise BadFilter(path, 'A rule has one of "all", "any" and "not", or "field", "op" and "value".')
        word, inner = next(iter(rule.items()))
        here = join(path, word)
        return ~self.rule(inner, here, depth + 1) if word == "not" else self._list(word, inner, here, depth)

    def _list(self, word: str, rules: Any, path: str, depth: int) -> Q:
        if not isinstance(rules, list):
            raise BadFilter(path, "This is a list of rules.")
        compiled = [self.rule(rule, f"{path}[{index}]", depth + 1) for index, rule in enumerate(rules)]
        result = EVERYBODY if word == "all" else NOBODY
        for condition in compiled:
            result = result & condition if word == "all" else result | condition
        return result

    def _leaf(self, rule: dict[Any, Any], path: str) -> Q:
        if extra := [key for key in rule if key not in ("field", "op", "value")]:
            raise BadFilter(join(path, str(extra[0])[:50]), 'Beside "field", "op" and "value" there is nothing.')
        name, op, value = rule.get("field"), rule.get("op"), rule.get("value")
        if not isinstance(name, str):
            raise BadFilter(join(path, "field"), "The field's name is missing.")
        if not isinstance(op, str):
            raise BadFilter(join(path, "op"), "The op is missing.")
        ops = field_of(name, path).ops
        if op not in ops:
            raise BadFilter(join(path, "op"), f"For {name} the op is one of {', '.join(ops)}.")
        if op in ("is_empty", "not_empty") and value is not None:
            raise BadFilter(join(path, "value"), f"{op} takes no value.")
        return ops[op](Asked(name, value, join(path, "value"), self.now))
