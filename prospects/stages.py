"""How far people have come in a program: moved by a person as they like, by the system only forward. In sets."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.retrying import retried
from outreach.lib.text import printable
from prospects.models import Program, Prospect, Stage, StageChange

LONGEST = 200
TRIES = 3  # a move that met the system's is made again on top of it

# The system moves to a higher rank only, so that the order of its facts makes no difference. Whoever answers can be
# reached; whoever joined and opts out of mail has not declined.
RANKS: dict[str, int] = {
    Stage.Name.IDENTIFIED: 0,
    Stage.Name.CONTACTED: 1,
    Stage.Name.UNREACHABLE: 2,
    Stage.Name.REPLIED: 3,
    Stage.Name.NEGOTIATING: 4,
    Stage.Name.DECLINED: 5,
    Stage.Name.JOINED: 6,
    Stage.Name.SELLING: 7,
}
ENDS = (Stage.Name.DECLINED, Stage.Name.UNREACHABLE)  # what a person says about these, the system leaves

_RANK = "CASE {} " + " ".join(f"WHEN '{name}' THEN {rank}" for name, rank in RANKS.items()) + " END"
_WRITTEN = """
changed AS (
    UPDATE prospects_stage s SET name = w.new, changed_at = w.at FROM wanted w
     WHERE s.prospect_id = w.prospect_id AND s.program_id = w.program_id AND s.name = w.old
 RETURNING s.prospect_id, s.program_id),
begun AS (
    INSERT INTO prospects_stage (prospect_id, program_id, name, changed_at)
    SELECT prospect_id, program_id, new, at FROM wanted WHERE NOT stands ORDER BY prospect_id, program_id
        ON CONFLICT DO NOTHING
 RETURNING prospect_id, program_id)
INSERT INTO prospects_stagechange (prospect_id, program_id, old, new, why, changed_at, changed_by_id)
SELECT w.prospect_id, w.program_id, w.old, w.new, w.why, w.at, w.by
  FROM wanted w JOIN (SELECT * FROM changed UNION ALL SELECT * FROM begun) done USING (prospect_id, program_id)
RETURNING prospect_id
"""
_MOVE = f"""
WITH wanted AS MATERIALIZED (
    SELECT p.id AS prospect_id, %(program)s::bigint AS program_id, coalesce(s.name, 'identified') AS old,
           %(to)s::text AS new, %(why)s::text AS why, %(now)s::timestamptz AS at, %(by)s::int AS by,
           s.id IS NOT NULL AS stands
      FROM prospects_prospect p
      LEFT JOIN prospects_stage s ON s.prospect_id = p.id AND s.program_id = %(program)s
     WHERE p.id = ANY(%(ids)s) AND p.person_id IS NULL AND p.erased_at IS NULL
       AND coalesce(s.name, 'identified') <> %(to)s),
{_WRITTEN}"""  # noqa: S608
_ADVANCE = f"""
WITH told AS MATERIALIZED ({{facts}}),
higher AS MATERIALIZED (
    SELECT p.id AS prospect_id, t.program_id, s.name AS stands_at, s.changed_at AS stands_since, t.name, t.why, t.at
      FROM told t
      JOIN prospects_prospect row ON row.id = t.prospect_id
      JOIN prospects_prospect p ON p.id = coalesce(row.person_id, row.id) AND p.erased_at IS NULL
      LEFT JOIN prospects_stage s ON s.prospect_id = p.id AND s.program_id = t.program_id
     WHERE {_RANK.format("t.name")} > {_RANK.format("coalesce(s.name, 'identified')")}),
wanted AS MATERIALIZED (
    SELECT DISTINCT ON (h.prospect_id, h.program_id)
           h.prospect_id, h.program_id, coalesce(h.stands_at, 'identified') AS old, h.name AS new, h.why, h.at,
           NULL::int AS by, h.stands_at IS NOT NULL AS stands
      FROM higher h
     WHERE NOT EXISTS (SELECT 1 FROM prospects_stagechange c
                        WHERE c.prospect_id = h.prospect_id AND c.program_id = h.program_id
                          AND c.changed_by_id IS NOT NULL
                          AND (c.changed_at >= h.at
                               OR (h.stands_at IN ('declined', 'unreachable') AND c.new = h.stands_at
                                   AND c.changed_at = h.stands_since)))
     ORDER BY h.prospect_id, h.program_id, {_RANK.format("h.name")} DESC, h.at),
{_WRITTEN}"""  # noqa: S608


class InvalidMove(DomainError):
    """A move that can't be made as asked."""

    title = "The stage can't be changed"


@dataclass(frozen=True)
class Standing:
    """Where a person stands in one program, and since when."""

    program: Program
    name: str
    words: str
    changed_at: datetime


@dataclass(frozen=True)
class Fact:
    """What the system knows happened: the stage it speaks for, and when that was."""

    stage: str
    at: datetime


@dataclass(frozen=True)
class Choice:
    """The stage a person last chose, and when."""

    stage: str
    at: datetime


def after(*, stage: str, chosen: Choice | None, fact: Fact) -> str:
    """The stage after a fact, by the system's rule.

    Only forward (RANKS), never away from what a person declared an end (ENDS), and not by what had happened before a
    person decided. `advance` does the same in sets.
    """
    if RANKS[fact.stage] <= RANKS[stage]:
        return stage
    if chosen is not None and (fact.at <= chosen.at or (stage in ENDS and chosen.stage == stage)):
        return stage
    return fact.stage


def move(*, prospect: Prospect, program: Program, to: str, why: str, by: User | None, now: datetime) -> bool:
    """A person moves somebody in a program, in any direction. False when they stood there. Raises InvalidMove."""
    return bool(move_all(prospect_ids=[prospect.pk], program=program, to=to, why=why, by=by, now=now))


@retried
@transaction.atomic
def move_all(
    *, prospect_ids: Collection[int], program: Program, to: str, why: str, by: User | None, now: datetime
) -> list[int]:
    """A person moves many; returns the keys of those who stood elsewhere. Every move is a StageChange.

    A fixed number of statements. Raises InvalidMove, naming `stage` or `why`.
    """
    values = {"program": program.pk, "to": to, "why": _checked(to, why), "now": now, "by": by and by.pk}
    ids = sorted(prospect_ids)
    stands = Stage.objects.filter(prospect__in=ids, program=program).order_by("prospect_id")
    list(stands.select_for_update().values_list("pk", flat=True))
    moved: list[int] = []
    for _ in range(TRIES):
        found = _ids(_MOVE, {**values, "ids": ids})
        moved += found
        if not found:
            break
    return sorted(set(moved))


def _checked(to: str, why: str) -> str:
    problems = []
    if to not in Stage.Name.values:
        problems.append(Problem("stage", f"A stage is one of {', '.join(Stage.Name.values)}."))
    why = printable(why)
    if not why:
        problems.append(Problem("why", "Say why, so that others understand it later."))
    if len(why) > LONGEST:
        problems.append(Problem("why", f"At most {LONGEST} characters."))
    if problems:
        raise InvalidMove(problems=problems)
    return why


@transaction.atomic
def advance(*, facts: str, values: Mapping[str, Any]) -> int:
    """Moves everybody whom the facts speak of as `after` says; returns how many moves were made. One statement.

    `facts` is a SELECT of prospect_id, program_id, name (a stage), why and at (when it happened, which the change is
    dated by). Harmless when repeated, late or out of order. Facts about a row that was merged away are about its
    person; nothing is kept about the erased.
    """
    return len(_ids(_ADVANCE.format(facts=facts), dict(values)))


def of(*, prospect: Prospect) -> list[Standing]:
    """Where a person stands, by program name; programs that are not named: identified. One query."""
    rows = Stage.objects.filter(prospect=prospect).select_related("program").order_by("program__name")
    return [Standing(row.program, row.name, row.get_name_display(), row.changed_at) for row in rows]


@transaction.atomic
def take_over(*, survivor: Prospect, merged: Prospect) -> None:
    """After a merge the survivor stands, in each program, where the further of the two stood. History stays."""
    for row in Stage.objects.filter(prospect=merged).order_by("program_id"):
        mine, created = Stage.objects.select_for_update().get_or_create(
            prospect=survivor, program_id=row.program_id, defaults={"name": row.name, "changed_at": row.changed_at}
        )
        old = Stage.Name.IDENTIFIED if created else mine.name
        if RANKS[row.name] <= RANKS[old]:
            continue
        Stage.objects.filter(pk=mine.pk).update(name=row.name, changed_at=row.changed_at)
        StageChange.objects.create(
            prospect=survivor,
            program_id=row.program_id,
            old=old,
            new=row.name,
            why="merged with another row of the same person",
            changed_at=row.changed_at,
        )


def _ids(statement: str, values: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]
