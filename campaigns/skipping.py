"""Steps that are left out for somebody: the way goes on to the next, from the moment that was decided."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from campaigns import advancing, conditions
from campaigns.calendars import Place, place_of
from campaigns.models import Enrollment, Message
from outreach.lib.retrying import retried

Way = tuple[int, int, int, Place]  # enrollment, its sequence version, the position of the step, and where the person is


def skip(*, ways: Collection[Way], now: datetime) -> None:
    """These enrollments go on behind the step, or are finished when it was the last. Two statements."""
    if not ways:
        return
    sequences = advancing.sequences(version for _, version, _, _ in ways)
    got = advancing.got_in_later(((pk, version) for pk, version, _, _ in ways), sequences)
    onward = []
    for pk, version, position, place in ways:
        step = advancing.step_after(sequences.get(version, ()), position=position, got=got.get(pk, ()))
        onward.append((pk, advancing.onward(step, place=place, at=now)))
    advancing.move_on(onward, handed_over=False)


@transaction.atomic
def recheck(*, message_ids: Collection[int], now: datetime) -> int:
    """Leaves out those of these planned messages whose step's condition has become false; returns how many.

    For what is due soon, in the planner's run. What somebody holds is left for the next run.
    """
    asked = Message.objects.filter(pk__in=message_ids, state=Message.State.PLANNED, campaign__rehearsal_of=None)
    rows = list(asked.exclude(step__condition={}).values_list("pk", "prospect", "step__condition"))
    false, _ = conditions.unmet(rows, now=now)
    rules = {pk: conditions.words(rule) for pk, _, rule in rows if pk in false}
    return sum(_leave_out([pk], f"only for people with: {said}", now, wait=False) for pk, said in rules.items())


@retried
@transaction.atomic
def leave_out(*, message_ids: Collection[int], reason: str, now: datetime) -> int:
    """Cancels these planned messages, and their people go on to the next step; returns how many were planned still."""
    return _leave_out(message_ids, reason, now, wait=True)


def _leave_out(message_ids: Collection[int], reason: str, now: datetime, *, wait: bool) -> int:
    """Messages are locked before enrollments, each by id, as every stop does."""
    planned = Message.objects.filter(pk__in=message_ids, state=Message.State.PLANNED).order_by("id")
    locked = planned.select_for_update(skip_locked=not wait).values_list("id", flat=True)
    # Read once they are locked: until then somebody's sequence may have been changed.
    related = Message.objects.select_related("step", "campaign", "prospect", "enrollment")
    found = list(related.filter(pk__in=list(locked)))
    left = Message.objects.filter(pk__in=[message.pk for message in found])
    left.update(state=Message.State.CANCELLED, cancel_reason=f"{advancing.LEFT_OUT}: {reason}"[:300])
    enrollments = Enrollment.objects.filter(pk__in=[message.enrollment_id for message in found]).order_by("id")
    list(enrollments.select_for_update().values_list("pk", flat=True))
    skip(ways=[_way(message) for message in found], now=now)
    return len(found)


def _way(message: Message) -> Way:
    place = place_of(message.prospect, message.campaign)
    return message.enrollment_id, message.enrollment.sequence_version_id, message.step.position, place
