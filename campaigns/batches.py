"""A claimed batch, loaded and composed before anything is marked: a fixed number of queries for any size."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, TextField
from django.db.models.expressions import RawSQL

from campaigns import composing, ledger, lifecycle, stopping, tracking
from campaigns.calendars import Place, place_of
from campaigns.composing import CannotCompose, Composed, SenderIncomplete, Thread
from campaigns.models import Campaign, Message, Step
from campaigns.scheduling import Window, window_of
from integrations.models import Mailbox
from outreach.lib.faults import fault
from templates.models import TemplateVersion

log = structlog.get_logger(__name__)

Threads = dict[int, Thread]  # by enrollment
Links = dict[int, dict[str, int]]  # by template version

LATER = timedelta(hours=1)
_ROW = RawSQL("campaigns_message.xmin::text", [], output_field=TextField())
SHARED = {
    "campaign": lambda: Campaign.objects.select_related("program"),
    "mailbox": Mailbox.objects.all,
    "step": Step.objects.all,
    "template_version": TemplateVersion.objects.all,
}
NEEDED = (
    *(f"{name}_id" for name in SHARED),
    *("public_id", "enrollment_id", "recipient", "message_id", "is_follow_up", "attempts", "smtp_code"),
    *(f"prospect__{name}" for name in ("first_name", "last_name", "company", "job_title", "website", "country")),
    *("prospect__time_zone", "prospect__custom", "prospect__site__domain"),
)


@dataclass(frozen=True)
class Job:
    """One claimed message with what its hand-over and its outcome need; `composed` is None when it can't go out.

    `version` is that of the row it was composed from.
    """

    message: Message
    version: str
    window: Window
    place: Place
    next_step: Step | None
    composed: Composed | None


def prepare(*, message_ids: list[int], now: datetime) -> Iterator[Job]:
    """Yields a job for each message.

    One that can't be said to its person is cancelled with the reason, and its enrollment ends. What the sender lacks
    pauses the campaign, and its messages wait.
    """
    messages = _messages(message_ids)
    threads = _threads(messages)
    links = tracking.links_of({message.template_version_id for message in messages})
    steps = _steps(messages)
    for message in messages:
        place = place_of(message.prospect, message.campaign)
        window = window_of(message.step, place)
        composed = _compose(message, threads, links, now)
        yield Job(message, _row(message), window, place, _next_step(message, steps), composed)


def try_out(*, message_id: int, now: datetime) -> None:
    """Loads and composes a message as `prepare` does, and forgets what comes of it: only whether this process lives."""
    messages = _messages([message_id])
    threads, links = _threads(messages), tracking.links_of({message.template_version_id for message in messages})
    for message in messages:
        with contextlib.suppress(Exception):  # its claim meets the same, and says so
            _written(message, threads, links, now)


def _messages(ids: list[int]) -> list[Message]:
    """In the order of their slots. What many of them share is loaded once; of the rest, what a message says."""
    found = Message.objects.filter(pk__in=ids).annotate(version_id=F("enrollment__sequence_version_id"), row=_ROW)
    messages: list[Message] = list(found.select_related("prospect__site").only(*NEEDED).order_by("send_at", "id"))
    shared: dict[str, Any] = {}
    for name, rows in SHARED.items():
        shared[name] = rows().in_bulk({getattr(message, f"{name}_id") for message in messages})
    for message in messages:
        for name, rows in shared.items():
            setattr(message, name, rows[getattr(message, f"{name}_id")])
    return messages


def _written(message: Message, threads: Threads, links: Links, now: datetime) -> Composed:
    fault("in_compose", message.pk)
    return composing.compose(
        message=message,
        campaign=message.campaign,
        thread=threads.get(message.enrollment_id, Thread()),
        links=links.get(message.template_version_id, {}),
        now=now,
    )


def _compose(message: Message, threads: Threads, links: Links, now: datetime) -> Composed | None:
    try:
        return _written(message, threads, links, now)
    except CannotCompose as error:
        _cancel(message, str(error))
        fault("after_cancel")
    except SenderIncomplete as error:
        lifecycle.pause(campaign=message.campaign, reason=str(error), by=None)
        log.warning("campaign_paused", campaign_id=message.campaign_id, reason=str(error))
    except Exception:  # one message that nobody foresaw must not stop the mailbox
        log.exception("message_not_composed", message_id=message.pk)
        ledger.put_off(message_id=message.pk, send_at=now + LATER)
    return None


@transaction.atomic
def _cancel(message: Message, reason: str) -> None:
    Message.objects.filter(pk=message.pk, state=Message.State.PLANNED).update(
        state=Message.State.CANCELLED, cancel_reason=f"can't be composed: {reason}"[:300]
    )
    stopping.end_enrollments(enrollment_ids=[message.enrollment_id], reason="cannot_compose")


def _threads(messages: list[Message]) -> Threads:
    """What each enrollment already got, oldest first: its Message-IDs, and the subject the last one ran under."""
    follow_ups = [message.enrollment_id for message in messages if message.is_follow_up]
    threads: Threads = {}
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
    steps: dict[int, list[Step]] = {}
    versions = {_version(message) for message in messages}
    for step in Step.objects.filter(sequence_version__in=versions).order_by("sequence_version", "position"):
        steps.setdefault(step.sequence_version_id, []).append(step)
    return steps


def _row(message: Message) -> str:
    return message.row  # type: ignore[attr-defined,no-any-return]  # annotated


def _version(message: Message) -> int:
    """The sequence version that the person is on."""
    return message.version_id  # type: ignore[attr-defined,no-any-return]  # annotated


def _next_step(message: Message, steps: dict[int, list[Step]]) -> Step | None:
    position = message.step.position
    return next((step for step in steps.get(_version(message), ()) if step.position > position), None)
