"""Moving people to a new version of their sequence: in sets, whatever their number, in the caller's transaction.

Whoever's message is with a server stays where they are until that is settled. What is planned and no longer fits gives
up its slot: the row is cancelled, and the planner plans the same row anew when its time comes (`reentering.revive`).
Rows are locked as every stop locks them: messages by id, then enrollments by id.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection

from campaigns import scheduling
from campaigns.advancing import LEFT_OUT
from campaigns.calendars import Somebody, place_of
from campaigns.fates import Fate, Hand, Kind, Standing, fate
from campaigns.models import Arm, Campaign, Enrollment, SequenceVersion, Step

REASON = "the sequence was changed; what comes next is planned anew"
BATCH = 10_000
Steps = Mapping[str, Step]  # by key, in their order

_LOCK_MESSAGES = """
SELECT id FROM campaigns_message
 WHERE campaign_id = %(campaign)s AND state = 'planned' AND enrollment_id = ANY(%(only)s)
 ORDER BY id FOR UPDATE {skips}
"""
_LOCK_ENROLLMENTS = """
SELECT id FROM campaigns_enrollment
 WHERE campaign_id = %(campaign)s AND sequence_version_id <> %(version)s AND state = ANY(%(states)s)
   AND id = ANY(%(only)s)
 ORDER BY id FOR NO KEY UPDATE {skips}
"""
# Whoever reached the goal, answered or said no after they had finished does not go on: nothing stopped them then.
_NOT_HEARD = """(e.state = 'active' OR e.stop_reason = '' AND NOT EXISTS (
    SELECT 1 FROM campaigns_event v JOIN prospects_prospect r ON r.id = v.prospect_id
     WHERE (r.id = e.prospect_id OR r.person_id = e.prospect_id) AND v.created_at >= e.created_at
       AND v.kind IN ('replied', 'unsubscribed', 'complained')))"""
# `locked`: the planned messages that are ours to change; one that came back from a server meanwhile is not.
_PEOPLE = f"""
SELECT e.id, e.sequence_version_id, e.next_step_key, coalesce(h.got, '{{}}') AS got,
       CASE WHEN h.is_busy OR (h.planned_id IS NOT NULL AND NOT h.planned_id = ANY(%(locked)s)) THEN 'busy'
            WHEN h.planned_id IS NULL THEN '' WHEN h.is_tried THEN 'tried' WHEN h.is_overdue THEN 'overdue'
            ELSE 'planned' END AS hand,
       e.state = 'active' AS is_active, e.steps_handed_over > 0 AS has_begun, h.planned_id
  FROM campaigns_enrollment e
 CROSS JOIN LATERAL (
       SELECT array_agg(m.step_key::text ORDER BY m.step_key)
                  FILTER (WHERE m.state NOT IN ('planned', 'cancelled') OR (m.state = 'cancelled'
                                AND starts_with(m.cancel_reason, '{LEFT_OUT}'))) AS got,
              max(m.id) FILTER (WHERE m.state = 'planned') AS planned_id,
              bool_or(m.state IN ('sending', 'uncertain')) AS is_busy,
              bool_or(m.state = 'planned' AND m.marked_at IS NOT NULL) AS is_tried,
              bool_or(m.state = 'planned' AND m.overdue_at IS NOT NULL) AS is_overdue
         FROM campaigns_message m WHERE m.enrollment_id = e.id) h
 WHERE {_NOT_HEARD} AND """  # noqa: S608
_GROUP = "sequence_version_id, next_step_key, got, hand, is_active, has_begun"
_STANDINGS = f"""
SELECT {_GROUP}, count(*) FROM ({_PEOPLE.replace("%(locked)s", "array[h.planned_id]")}
       e.campaign_id = %(campaign)s AND e.sequence_version_id <> %(version)s AND e.state IN ('active', 'finished')) p
 GROUP BY {_GROUP}
"""  # noqa: S608
_GATHER = f"""
CREATE TEMPORARY TABLE campaigns_moving ON COMMIT DROP AS
SELECT p.*, dense_rank() OVER (ORDER BY {_GROUP}) AS party FROM ({_PEOPLE} e.id = ANY(%(ids)s)) p
"""  # noqa: S608
_GATHERED = f"SELECT {_GROUP}, count(*), party FROM campaigns_moving GROUP BY {_GROUP}, party"  # noqa: S608

_FATES = """
WITH fates AS (
    SELECT * FROM unnest(%(parties)s::bigint[], %(first)s::text[], %(states)s::text[], %(looked_at)s::bool[],
                         %(steps)s::bigint[], %(arms)s::bigint[], %(said)s::bigint[])
        AS f (party, first, state, is_looked_at, step_id, arm_id, template_version_id))
"""
_REPLAN = """
UPDATE campaigns_message m SET state = 'cancelled', cancel_reason = %(reason)s, overdue_at = NULL
  FROM campaigns_moving p WHERE m.id = p.planned_id AND m.state = 'planned' AND p.party = ANY(%(replanned)s)
"""
_SAY_ANEW = f"""{_FATES}
UPDATE campaigns_message m
   SET step_id = f.step_id, arm_id = f.arm_id, template_version_id = f.template_version_id
  FROM campaigns_moving p JOIN fates f USING (party)
 WHERE m.id = p.planned_id AND m.state = 'planned' AND p.party = ANY(%(kept)s)
"""  # noqa: S608
_PLANNED_FROM = "date_trunc('day', {}.due_at, 'UTC') - interval '1 day'"  # as `scheduling.planned_from` has it
_MOVE = f"""{_FATES}
UPDATE campaigns_enrollment e
   SET sequence_version_id = %(version)s, next_step_key = f.first, state = f.state,
       ended_at = CASE f.state WHEN 'finished' THEN coalesce(e.ended_at, clock_timestamp()) END,
       look_at = CASE WHEN f.state = 'finished' THEN NULL
                      WHEN f.is_looked_at THEN {_PLANNED_FROM.format("e")} ELSE e.look_at END
  FROM campaigns_moving p JOIN fates f USING (party) WHERE e.id = p.id
"""  # noqa: S608
_LAST = """
SELECT p.id, p.party, h.at, r.time_zone, r.country
  FROM campaigns_moving p JOIN campaigns_enrollment e ON e.id = p.id JOIN prospects_prospect r ON r.id = e.prospect_id
 CROSS JOIN LATERAL (SELECT max(m.handed_over_at) AS at FROM campaigns_message m
                      WHERE m.enrollment_id = p.id AND m.state = 'sent') h
 WHERE p.party = ANY(%s) AND h.at IS NOT NULL
"""
_DUE = f"""
UPDATE campaigns_enrollment e
   SET due_at = v.due_at, look_at = CASE WHEN e.look_at IS NOT NULL THEN {_PLANNED_FROM.format("v")} END
  FROM (SELECT unnest(%s::bigint[]) AS id, unnest(%s::timestamptz[]) AS due_at) v WHERE e.id = v.id
"""  # noqa: S608
_SETTLED = """
SELECT id FROM campaigns_enrollment e WHERE id = ANY(%s)
   AND NOT EXISTS (SELECT 1 FROM campaigns_message m
                    WHERE m.enrollment_id = e.id AND m.state IN ('sending', 'uncertain'))
"""


@dataclass(frozen=True)
class Moved:
    """How many people, by what became of them, and the enrollments that follow later."""

    people: Counter[Kind]
    behind: tuple[int, ...]


def standings(*, campaign: Campaign, version: SequenceVersion) -> list[Standing]:
    """Everybody under way or finished in the campaign's other versions, by where they stand. One query.

    Whoever answered or opted out after they had finished is left out: nothing more is for them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS, {"campaign": campaign.pk, "version": version.pk})
        return [_standing(row) for row in cursor.fetchall()]


def _standing(row: Sequence[Any]) -> Standing:
    version_id, at, got, hand, is_active, has_begun, people, *group = row
    return Standing(version_id, at, tuple(got), hand, is_active, has_begun, people, *group)


def steps_of(version_ids: Collection[int]) -> dict[int, dict[str, Step]]:
    """The steps of these versions, by key in their order. Two queries."""
    found: dict[int, dict[str, Step]] = {pk: {} for pk in version_ids}
    steps = Step.objects.filter(sequence_version__in=version_ids).prefetch_related("arms")
    for step in steps.order_by("sequence_version", "position"):
        found[step.sequence_version_id][step.key] = step
    return found


def move(
    *, campaign: Campaign, version: SequenceVersion, only: Collection[int], finished_too: bool, waits: bool
) -> Moved:
    """Moves `only` these enrollments, those under way (or finished, too), to this version, in this transaction.

    Call it where no planner is at work. Rows that somebody holds are waited for; or they are left, and counted as
    behind.
    """
    states = ["active", "finished"] if finished_too else ["active"]
    values: dict[str, Any] = {"campaign": campaign.pk, "version": version.pk, "states": states, "only": list(only)}
    skips = "" if waits else "SKIP LOCKED"
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_MESSAGES.format(skips=skips), values)
        locked = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(_LOCK_ENROLLMENTS.format(skips=skips), values)
        ids = [pk for (pk,) in cursor.fetchall()]
        cursor.execute("DROP TABLE IF EXISTS campaigns_moving")
        cursor.execute(_GATHER, {"locked": locked, "ids": ids})
        cursor.execute(_GATHERED)
        parties = [_standing(row) for row in cursor.fetchall()]
    steps = steps_of({version.pk, *(party.version_id for party in parties)})
    new = steps[version.pk]
    fates = {p: fate(p, old=steps[p.version_id], new=new, finished_too=finished_too) for p in parties}
    _write(fates, version, new)
    _count_delays(fates, new, campaign)
    people: Counter[Kind] = Counter()
    for party, its in fates.items():
        people[its.kind] += party.people
    return Moved(people, _behind(fates))


def _write(fates: Mapping[Standing, Fate], version: SequenceVersion, new: Steps) -> None:
    going = {party.group: its for party, its in fates.items() if its.moves}
    arms = {its.first: _arm(new[its.first]) for its in going.values() if its.first}
    firsts = [its.first for its in going.values()]
    values: dict[str, Any] = {
        "version": version.pk,
        "reason": REASON,
        "parties": list(going),
        "first": firsts,
        "states": [its.state for its in going.values()],
        "looked_at": [its.is_looked_at for its in going.values()],
        "steps": [new[first].pk if first else None for first in firsts],
        "arms": [arms[first].pk if first else None for first in firsts],
        "said": [arms[first].template_version_id if first else None for first in firsts],
        "replanned": [group for group, its in going.items() if its.is_replanned],
        "kept": [group for group, its in going.items() if its.is_kept],
    }
    with connection.cursor() as cursor:
        for statement in (_REPLAN, _SAY_ANEW, _MOVE):
            cursor.execute(statement, values)


def _arm(step: Step) -> Arm:
    return min(step.arms.all(), key=lambda arm: arm.name)


def _count_delays(fates: Mapping[Standing, Fate], new: Steps, campaign: Campaign) -> None:
    """When their next step is due by its new delay, counted from what they got last."""
    anew = {party.group: new[its.first] for party, its in fates.items() if its.is_due_anew}
    if not anew:
        return
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [list(anew)])
        rows = cursor.fetchall()
        due = ((pk, _due(anew[group], at, zone, country, campaign)) for pk, group, at, zone, country in rows)
        known = ((pk, at) for pk, at in due if at is not None)
        while batch := dict(islice(known, BATCH)):
            cursor.execute(_DUE, [list(batch), list(batch.values())])


def _due(step: Step, at: datetime, zone: str, country: str, campaign: Campaign) -> datetime | None:
    try:
        place = place_of(Somebody(zone, country), campaign)
        return scheduling.due_after(handed_over_at=at, delay=step.delay, unit=step.delay_unit, place=place)
    except (ValueError, OSError, KeyError):  # a zone that is no longer known: the planner holds them, and says why
        return None


def _behind(fates: Mapping[Standing, Fate]) -> tuple[int, ...]:
    groups = [party.group for party, its in fates.items() if its.kind == Kind.FOLLOWS]
    if not groups:
        return ()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM campaigns_moving WHERE party = ANY(%s) ORDER BY id", [groups])
        return tuple(pk for (pk,) in cursor.fetchall())


def settled(*, enrollment_ids: Iterable[int]) -> list[int]:
    """Those of them of whom nothing is with a server any more."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, [list(enrollment_ids)])
        return [pk for (pk,) in cursor.fetchall()]


def follow() -> int:
    """Whoever was left behind, and is settled by now, goes on in the version that they follow; returns how many did.

    For the planner, in its transaction: it waits for nobody.
    """
    moved = 0
    for pk in SequenceVersion.objects.exclude(behind=[]).order_by("id").values_list("pk", flat=True):  # mostly none
        version = SequenceVersion.objects.select_related("campaign").get(pk=pk)
        free = settled(enrollment_ids=version.behind)
        if not free:
            continue
        done = move(campaign=version.campaign, version=version, only=free, finished_too=True, waits=False)
        moved += sum(done.people.values()) - len(done.behind)
        still = {*version.behind} - {*free} | {*_unmoved(free, version)}
        SequenceVersion.objects.filter(pk=version.pk).update(behind=sorted(still))
    return moved


def _unmoved(ids: Collection[int], version: SequenceVersion) -> Iterator[int]:
    """Those of them who are still under way in another version: somebody held their rows, or they wait again."""
    active = Enrollment.objects.filter(pk__in=ids, state=Enrollment.State.ACTIVE).exclude(sequence_version=version)
    yield from active.values_list("id", flat=True)


__all__ = ["Hand", "Moved", "follow", "move", "settled", "standings", "steps_of"]
