"""For whom a step is: its condition is a segment's rule, asked when the step is due and again before it is sent."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from outreach.lib.errors import Problem
from prospects import segments
from prospects.models import Prospect
from prospects.segments import naming, wording

Rule = dict[str, Any]
Asked = tuple[int, int, Rule]  # a key of the caller's, the person's key and the condition


def unmet(asked: Iterable[Asked], *, now: datetime) -> tuple[set[int], set[int]]:
    """The caller's keys of those whose condition is false now, and of those whose condition can't be read.

    One query for each condition. Everybody meets an empty one.
    """
    by_rule: dict[str, tuple[Rule, list[tuple[int, int]]]] = {}
    for key, prospect_id, rule in asked:
        if rule:
            by_rule.setdefault(repr(rule), (rule, []))[1].append((key, prospect_id))
    false: set[int] = set()
    unreadable: set[int] = set()
    for rule, people in by_rule.values():
        try:
            inside = _inside(rule, [prospect_id for _, prospect_id in people], now)
        except segments.BadFilter:
            unreadable.update(key for key, _ in people)
        else:
            false.update(key for key, prospect_id in people if prospect_id not in inside)
    return false, unreadable


def _inside(rule: Rule, prospect_ids: Collection[int], now: datetime) -> set[int]:
    condition = segments.compile(rule, now=now)
    people = Prospect.objects.filter(pk__in=prospect_ids)
    return set(people.filter(condition).values_list("pk", flat=True))


def words(rule: Rule) -> str:
    """Who the step is for, as a line to read; "" for everybody."""
    return wording.words(rule, naming.names_in([rule])) if rule else ""


def problems(rule: Any) -> list[Problem]:
    """What is wrong with a condition, by `condition`."""
    if rule == {}:
        return []
    try:
        segments.check(rule)
    except segments.BadFilter as error:
        return [Problem("condition", f"Its condition can't be read: {error}")]
    return []
