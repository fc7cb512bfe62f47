"""How a way goes on behind a step, whether that was handed over, was left out or had been sent long ago. In sets."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from campaigns import scheduling
from campaigns.calendars import Place
from campaigns.models import Message, Step

Sequences = dict[int, list[Step]]  # by sequence version, in order

LEFT_OUT = "left out"  # how the reason of a message begins whose person goes on to the next step
HAD_ITS_TURN = ~Q(state__in=(Message.State.PLANNED, Message.State.CANCELLED)) | Q(
    state=Message.State.CANCELLED, cancel_reason__startswith=LEFT_OUT
)


_MOVE_ON = """
UPDATE campaigns_enrollment e
   SET steps_handed_over = steps_handed_over + %(handed_over)s, next_step_key = onward.next_step_key,
       look_at = onward.look_at, due_at = COALESCE(onward.due_at, e.due_at),
       state = CASE onward.next_step_key WHEN '' THEN 'finished' ELSE state END,
       ended_at = CASE onward.next_step_key WHEN '' THEN clock_timestamp() END
  FROM unnest(%(ids)s::bigint[], %(keys)s::text[], %(due)s::timestamptz[], %(look)s::timestamptz[])
       AS onward (id, next_step_key, due_at, look_at)
 WHERE e.id = onward.id AND e.state = 'active'"""


@dataclass(frozen=True, slots=True)
class Onward:
    """How a way goes on: "" and None when it has ended."""

    next_step_key: str = ""
    due_at: datetime | None = None
    look_at: datetime | None = None


def onward(next_step: Step | None, *, place: Place, at: datetime) -> Onward:
    """What follows a step that was handed over, or left out, at this time.

    The planner looks a day ahead; at a step with a condition not before it is due, since what it asks may still happen.
    """
    if next_step is None:
        return Onward()
    due = scheduling.due_after(handed_over_at=at, delay=next_step.delay, unit=next_step.delay_unit, place=place)
    look_at = scheduling.look_at(due_at=due, behind=at, when_due=bool(next_step.condition))
    return Onward(next_step.key, due, look_at)


def sequences(version_ids: Iterable[int]) -> Sequences:
    """The steps of each of these sequence versions, in order. One query."""
    found: Sequences = {}
    rows = Step.objects.filter(sequence_version__in=set(version_ids)).select_related("sequence_version")
    for step in rows.order_by("sequence_version", "position"):
        found.setdefault(step.sequence_version_id, []).append(step)
    return found


def step_after(steps: Iterable[Step], *, position: int, got: Collection[str] = ()) -> Step | None:
    """The first of these steps (in order) behind that position whose turn was not yet (`got` are keys)."""
    return next((step for step in steps if step.position > position and step.key not in got), None)


def got(enrollment_ids: Collection[int]) -> dict[int, set[str]]:
    """By enrollment the keys of the steps whose turn was: handed over, or left out by somebody. One query, or none."""
    found: dict[int, set[str]] = {}
    if enrollment_ids:
        turned = Message.objects.filter(HAD_ITS_TURN, enrollment__in=enrollment_ids)
        for pk, key in turned.values_list("enrollment_id", "step_key"):
            found.setdefault(pk, set()).add(key)
    return found


def got_in_later(ways: Iterable[tuple[int, int]], sequences: Sequences) -> dict[int, set[str]]:
    """The same of those enrollments (each with its version) that are on a later version of their sequence.

    There it may stand behind what comes next; in the first everything was in its order, and nobody is asked for.
    """
    later = {pk for pk, steps in sequences.items() if steps[0].sequence_version.number > 1}
    return got([pk for pk, version in ways if version in later])


def next_of(*, message_id: int) -> Step | None:
    """What comes behind this message, which the caller has locked, for its person.

    Asked anew: while its lock was waited for, they may have moved to another version of their sequence.
    """
    message = Message.objects.select_related("step", "enrollment").get(pk=message_id)
    steps = Step.objects.filter(sequence_version=message.enrollment.sequence_version_id).order_by("position")
    had = got([message.enrollment_id]).get(message.enrollment_id, ())
    return step_after(steps, position=message.step.position, got=had)


def move_on(ways: Collection[tuple[int, Onward]], *, handed_over: bool) -> None:
    """Writes how enrollments (by id) go on; one that was stopped meanwhile stays stopped. One statement."""
    values: dict[str, Any] = {
        "ids": [pk for pk, _ in ways],
        "keys": [way.next_step_key for _, way in ways],
        "due": [way.due_at for _, way in ways],
        "look": [way.look_at for _, way in ways],
        "handed_over": int(handed_over),
    }
    if ways:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE_ON, values)
