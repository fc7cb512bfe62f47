"""A claimed batch, loaded and composed before anything is marked: a fixed number of queries for any size."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from campaigns import advancing, composing, ledger, lifecycle, rows, stopping
from campaigns.calendars import Place, Somebody, place_of
from campaigns.composing import CannotCompose, Composed, SenderIncomplete, Thread
from campaigns.models import Arm, Message, Step
from campaigns.rows import Batch, MessageRow
from campaigns.scheduling import Window, window_of
from outreach.lib.faults import fault
from outreach.lib.prepared import Prepared, run

log = structlog.get_logger(__name__)

Threads = dict[int, Thread]  # by enrollment

LATER = timedelta(hours=1)

_EARLIER = Prepared(
    """
SELECT enrollment_id, mailbox_id, subject, message_id FROM campaigns_message
 WHERE enrollment_id = ANY ($1) AND state = 'sent' AND awaits = '' ORDER BY enrollment_id, handed_over_at, id""",
    ("bigint[]",),
)


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed message with what its hand-over and its outcome need; `composed` is None when it can't go out."""

    message: MessageRow
    window: Window
    place: Place
    next_step: Step | None
    composed: Composed | None
    daily_limit: int | None = None  # of its campaign


def prepare(*, message_ids: list[int], now: datetime) -> Iterator[Job]:
    """Yields a job for each message.

    One that can't be said to its person is cancelled with the reason, and its enrollment ends. What the sender lacks
    pauses the campaign, and its messages wait.
    """
    if not message_ids:
        return
    batch = rows.load(message_ids=message_ids)
    threads = _threads(batch)
    sequences = advancing.sequences(message.sequence_version_id for message in batch.messages)
    ways = ((each.enrollment_id, each.sequence_version_id) for each in batch.messages)
    got = advancing.got_in_later(ways, sequences)
    windows: dict[tuple[str, str, int], tuple[Window, Place]] = {}
    for message in batch.messages:
        step, where = batch.steps[message.step_id], (message.zone, message.prospect.country)
        if (known := windows.get((*where, step.pk))) is None:
            place = place_of(Somebody(*where), batch.campaigns[message.campaign_id])
            known = windows[(*where, step.pk)] = window_of(step, place), place
        steps = sequences.get(message.sequence_version_id, ())
        next_step = advancing.step_after(steps, position=step.position, got=got.get(message.enrollment_id, ()))
        limit = batch.campaigns[message.campaign_id].daily_limit
        yield Job(message, *known, next_step, _compose(message, batch, threads, now), limit)


def try_out(*, message_id: int, now: datetime) -> None:
    """Loads and composes a message as `prepare` does, and forgets what comes of it: only whether this process lives."""
    batch = rows.load(message_ids=[message_id])
    threads = _threads(batch)
    for message in batch.messages:
        with contextlib.suppress(Exception):  # its claim meets the same, and says so
            _written(message, batch, threads, now)


def _written(message: MessageRow, batch: Batch, threads: Threads, now: datetime) -> Composed:
    fault("in_compose", message.pk)
    return composing.compose(message=message, batch=batch, thread=threads.get(message.enrollment_id, Thread()), now=now)


def _compose(message: MessageRow, batch: Batch, threads: Threads, now: datetime) -> Composed | None:
    try:
        return _written(message, batch, threads, now)
    except CannotCompose as error:
        _cancel(message, str(error))
        fault("after_cancel")
    except SenderIncomplete as error:
        lifecycle.pause(campaign=batch.campaigns[message.campaign_id], reason=str(error), by=None)
        log.warning("campaign_paused", campaign_id=message.campaign_id, reason=str(error))
    except Exception:  # one message that nobody foresaw must not stop the mailbox
        log.exception("message_not_composed", message_id=message.pk)
        ledger.put_off(message_id=message.pk, send_at=now + LATER)
    return None


@transaction.atomic
def _cancel(message: MessageRow, reason: str) -> None:
    Message.objects.filter(pk=message.pk, state=Message.State.PLANNED).update(
        state=Message.State.CANCELLED, cancel_reason=f"can't be composed: {reason}"[:300]
    )
    stopping.end_enrollments(enrollment_ids=[message.enrollment_id], reason="cannot_compose")


def _threads(batch: Batch) -> Threads:
    """What went before each message, or what would have."""
    found = _earlier(batch.messages)
    silent = [each for each in batch.messages if not batch.template_versions[each.template_version_id].subject]
    orphans = [each for each in silent if each.enrollment_id not in found]
    return {**found, **(_openings(orphans, batch) if orphans else {})}


def _openings(messages: list[MessageRow], batch: Batch) -> Threads:
    """By enrollment the nearest earlier text of their sequence that has a subject. One query."""
    versions = {each.sequence_version_id for each in messages}
    arms = Arm.objects.filter(step__sequence_version__in=versions).exclude(template_version__subject="")
    known = list(arms.select_related("step", "template_version").order_by("-step__position", "name"))
    threads: Threads = {}
    for each in messages:
        position = batch.steps[each.step_id].position
        before = (arm for arm in known if arm.step.sequence_version_id == each.sequence_version_id)
        opening = next((arm.template_version for arm in before if arm.step.position < position), None)
        threads[each.enrollment_id] = Thread(opening=opening)
    return threads


def _earlier(messages: list[MessageRow]) -> Threads:
    """What mail each enrollment already got, oldest first: its Message-IDs, and the subject the last one ran under.

    Another mailbox begins a thread of its own: whoever answers in the old one would write to who left.
    """
    boxes = {message.enrollment_id: message.mailbox_id for message in messages if message.is_follow_up}
    threads: Threads = {}
    if not boxes:
        return threads
    with connection.cursor() as cursor:
        earlier = run(cursor, (_EARLIER, [list(boxes)]))
    for enrollment_id, mailbox_id, subject, message_id in earlier:
        before = threads.get(enrollment_id, Thread())
        known = before.message_ids if subject == before.subject else ()
        ids = (*known, message_id) if mailbox_id == boxes[enrollment_id] else ()
        threads[enrollment_id] = Thread(subject, ids)
    return threads
