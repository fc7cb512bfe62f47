"""A claimed batch, loaded and composed before anything is marked: a fixed number of queries for any size."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from campaigns import composing, ledger, lifecycle, stopping, tracking
from campaigns.composing import CannotCompose, Composed, SenderIncomplete, Thread
from campaigns.models import Message, Step
from campaigns.scheduling import Window

log = structlog.get_logger(__name__)

LATER = timedelta(hours=1)


@dataclass(frozen=True)
class Job:
    """One claimed message with what its hand-over and its outcome need; `composed` is None when it can't go out."""

    message: Message
    window: Window
    zone: str
    next_step: Step | None
    composed: Composed | None


def prepare(*, message_ids: list[int], token: int, now: datetime) -> Iterator[Job]:
    """Yields a job for each message.

    One that can't be said to its person is cancelled with the reason, and its enrollment ends. What the sender lacks
    pauses the campaign, and its messages wait.
    """
    messages = list(
        Message.objects.filter(pk__in=message_ids)
        .select_related("campaign__program", "mailbox", "prospect__site", "step", "template_version", "enrollment")
        .order_by("send_at", "id")
    )
    threads = _threads(messages)
    links = tracking.links_of({message.template_version_id for message in messages})
    steps = _steps(messages)
    for message in messages:
        zone = message.prospect.time_zone or message.campaign.time_zone
        step = message.step
        window = Window(zone, step.window_start, step.window_end, frozenset(step.weekdays))
        composed = _compose(message, threads.get(message.enrollment_id, Thread()), links, now)
        yield Job(message, window, zone, _next_step(message, steps), composed)


def _compose(message: Message, thread: Thread, links: dict[int, dict[str, int]], now: datetime) -> Composed | None:
    try:
        return composing.compose(
            message=message,
            campaign=message.campaign,
            thread=thread,
            links=links.get(message.template_version_id, {}),
            now=now,
        )
    except CannotCompose as error:
        _cancel(message, str(error))
    except SenderIncomplete as error:
        lifecycle.pause(campaign=message.campaign, reason=str(error), by=None)
        log.warning("campaign_paused", campaign_id=message.campaign_id, reason=str(error))
    except Exception:  # one message that nobody foresaw must not stop the mailbox
        log.exception("message_not_composed", message_id=message.pk)
        ledger.give_back(message_id=message.pk, token=message.lease_token or 0, send_at=now + LATER)
    return None


@transaction.atomic
def _cancel(message: Message, reason: str) -> None:
    Message.objects.filter(pk=message.pk, state=Message.State.CLAIMED, lease_token=message.lease_token).update(
        state=Message.State.CANCELLED, cancel_reason=f"can't be composed: {reason}"[:300]
    )
    stopping.end_enrollments(enrollment_ids=[message.enrollment_id], reason="cannot_compose")


def _threads(messages: list[Message]) -> dict[int, Thread]:
    """What each enrollment already got, oldest first: its Message-IDs, and the subject the last one ran under."""
    follow_ups = [message.enrollment_id for message in messages if message.is_follow_up]
    threads: dict[int, Thread] = {}
    earlier = (
        Message.objects.filter(enrollment__in=follow_ups, state=Message.State.SENT)
        .order_by("enrollment", "handed_over_at", "id")
        .values_list("enrollment_id", "subject", "message_id")
    )
    for enrollment_id, subject, message_id in earlier:
        before = threads.get(enrollment_id, Thread())
        same = subject == before.subject
        threads[enrollment_id] = Thread(subject, (*before.message_ids, message_id) if same else (message_id,))
    return threads


def _steps(messages: list[Message]) -> dict[int, list[Step]]:
    """The steps of each sequence version in the batch, in order."""
    versions = {message.enrollment.sequence_version_id for message in messages}
    steps: dict[int, list[Step]] = {}
    for step in Step.objects.filter(sequence_version__in=versions).order_by("sequence_version", "position"):
        steps.setdefault(step.sequence_version_id, []).append(step)
    return steps


def _next_step(message: Message, steps: dict[int, list[Step]]) -> Step | None:
    later = [
        step for step in steps.get(message.enrollment.sequence_version_id, []) if step.position > message.step.position
    ]
    return later[0] if later else None
