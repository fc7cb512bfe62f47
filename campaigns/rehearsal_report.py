"""What a rehearsal has done so far and does next, in words, for the page that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns import gate, wording
from campaigns.models import Campaign, Enrollment, Message, Step
from integrations.models import Mailbox

SOON = 10  # seconds
ANSWERS_FOR = timedelta(minutes=30)  # after the last step: so long one can still answer, and the page listens
STOPPED = {
    "replied": "you answered",
    "unsubscribed": "you unsubscribed",
    "complained": "you reported it as spam",
    "bounced": "your address takes no mail",
    "rehearsal_over": "you ended the rehearsal",
}
GONE = (Message.State.SENT, Message.State.UNCERTAIN, Message.State.ABANDONED)


@dataclass(frozen=True)
class Letter:
    """One step for one person; `message` is None until it is planned, `tone` a colour's name or ""."""

    position: int
    status: str
    tone: str
    at: datetime | None = None
    note: str = ""
    message: Message | None = None


@dataclass(frozen=True)
class Played:
    """One person as whom the mails are written."""

    enrollment: Enrollment
    sentence: str
    tone: str
    letters: tuple[Letter, ...]
    may_answer: bool


@dataclass(frozen=True)
class Standing:
    """The whole rehearsal; `obstacle` says why what is due does not go out."""

    is_over: bool
    headline: str
    obstacle: str
    sent: int
    played: tuple[Played, ...]
    next_at: datetime | None = None

    @property
    def listens(self) -> bool:
        """Whether something can still happen."""
        return not self.is_over or any(played.may_answer for played in self.played)


def standing(*, rehearsal: Campaign, now: datetime) -> Standing:
    """Everything the page shows, from a fixed number of queries. `rehearsal` comes with its mailbox."""
    enrollments = list(
        Enrollment.objects.filter(campaign=rehearsal).select_related("prospect__site").order_by("id"),
    )
    steps = list(Step.objects.filter(sequence_version__campaign=rehearsal).order_by("position"))
    messages = list(Message.objects.filter(campaign=rehearsal).order_by("id"))
    by_place = {(message.enrollment_id, message.step_key): message for message in messages}
    played = tuple(
        _played(enrollment, [(step, by_place.get((enrollment.pk, step.key))) for step in steps], rehearsal, now)
        for enrollment in enrollments
    )
    is_over = all(enrollment.state != Enrollment.State.ACTIVE for enrollment in enrollments)
    sent = sum(message.state in GONE for message in messages)
    obstacle = "" if is_over else _obstacle(rehearsal, messages, now)
    headline, next_at = (_over(sent), None) if is_over else _next(enrollments, steps, by_place, now)
    return Standing(is_over, headline, obstacle, sent, played, next_at)


def in_about(at: datetime, *, now: datetime) -> str:
    """How soon, roughly: "in about 40 s"."""
    seconds = (at - now).total_seconds()
    if seconds < SOON:
        return "any moment now"
    if seconds < 100:
        return f"in about {round(seconds / 10) * 10} s"
    return f"in about {round(seconds / 60)} min"


def _over(sent: int) -> str:
    return f"The rehearsal is over: {sent} {'mail' if sent == 1 else 'mails'} went out."


def _next(
    enrollments: Sequence[Enrollment],
    steps: Sequence[Step],
    by_place: dict[tuple[int, str], Message],
    now: datetime,
) -> tuple[str, datetime | None]:
    """Which mail is next, to whom, and when; the instant only while it is still some time away."""
    coming = []
    for enrollment in enrollments:
        if enrollment.state != Enrollment.State.ACTIVE:
            continue
        message = by_place.get((enrollment.pk, enrollment.next_step_key))
        at = message.expected_at if message else enrollment.due_at or now
        coming.append((at, enrollment.pk, enrollment))
    at, _, enrollment = min(coming)
    position = next((step.position for step in steps if step.key == enrollment.next_step_key), 0)
    said = f"Next: step {position} to {enrollment.prospect}, {in_about(at, now=now)}."
    return said, at if (at - now).total_seconds() >= SOON else None


def _obstacle(rehearsal: Campaign, messages: Sequence[Message], now: datetime) -> str:
    """Why nothing goes out: what keeps the planner from making a message, or what the gate says of one that is due."""
    if rehearsal.state == Campaign.State.PAUSED:
        return f"It is paused: {rehearsal.state_reason}"
    if rehearsal.mailbox.status != Mailbox.Status.ACTIVE:
        return f"The mailbox is {rehearsal.mailbox.get_status_display().lower()}: {rehearsal.mailbox.status_reason}"
    due = [message for message in messages if message.state == Message.State.PLANNED and message.expected_at <= now]
    if not due:
        return ""
    first = min(due, key=lambda message: message.expected_at)
    refused = gate.refusals(message_ids=[first.pk])[first.pk]
    return f"It waits: {'; '.join(wording.words(name) for name in refused)}." if refused else ""


def _played(
    enrollment: Enrollment, ways: Sequence[tuple[Step, Message | None]], rehearsal: Campaign, now: datetime
) -> Played:
    letters = tuple(_letter(step, message, enrollment, now) for step, message in ways)
    sent = sum(1 for _, message in ways if message and message.state == Message.State.SENT)
    may_answer = bool(sent) and rehearsal.mailbox.is_demo and _hears(enrollment, now)
    sentence, tone = _sentence(enrollment, sent, ways)
    return Played(enrollment, sentence, tone, letters, may_answer)


def _hears(enrollment: Enrollment, now: datetime) -> bool:
    """Whether an answer of theirs still does something: also for a while after their last step."""
    if enrollment.state == Enrollment.State.FINISHED:
        return enrollment.ended_at is not None and now - enrollment.ended_at < ANSWERS_FOR
    return enrollment.state == Enrollment.State.ACTIVE


def _sentence(enrollment: Enrollment, sent: int, ways: Sequence[tuple[Step, Message | None]]) -> tuple[str, str]:
    if enrollment.state == Enrollment.State.FINISHED:
        return f"Every step went out, {sent} of {len(ways)}.", "good"
    if enrollment.state == Enrollment.State.ACTIVE:
        return f"{sent} of {len(ways)} steps sent.", ""
    reason = enrollment.stop_reason
    if reason == "cannot_compose":
        cancelled = next((message for _, message in ways if message and message.cancel_reason), None)
        return f"It {cancelled.cancel_reason if cancelled else wording.words(reason)}", "bad"
    tone = "good" if reason in ("replied", "unsubscribed") else "warn"
    return f"Stopped: {STOPPED.get(reason) or wording.words(reason)}. Nothing more goes out to this person.", tone


def _letter(step: Step, message: Message | None, enrollment: Enrollment, now: datetime) -> Letter:
    if message is not None:
        return _written(step, message, now)
    if enrollment.state != Enrollment.State.ACTIVE:
        return Letter(step.position, "Not sent", "")
    if step.key == enrollment.next_step_key:
        return Letter(step.position, "Being planned", "accent")
    return Letter(step.position, "Later", "")


def _written(step: Step, message: Message, now: datetime) -> Letter:
    place, server = step.position, f"The server said: {message.smtp_code} {message.smtp_reply}"
    match message.state:
        case Message.State.SENT:
            tone = "warn" if message.outcome in (Message.Outcome.BOUNCED, Message.Outcome.COMPLAINED) else "good"
            note = message.get_outcome_display() if message.outcome else ""
            return Letter(place, "Sent", tone, message.handed_over_at, note, message)
        case Message.State.REFUSED:
            return Letter(place, "Refused", "bad", message.handed_over_at, server, message)
        case Message.State.UNCERTAIN | Message.State.ABANDONED:
            return Letter(place, "We are not sure it was sent", "warn", message.handed_over_at, "", message)
        case Message.State.CANCELLED:
            return Letter(place, "Not sent", "")
        case Message.State.SENDING:
            return Letter(place, "Being sent", "accent")
    return Letter(place, in_about(message.expected_at, now=now), "accent", note=server if message.attempts else "")
