"""One line of an explanation: what became of a message, in words, and what can be done about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from campaigns import gate, wording
from campaigns.advancing import LEFT_OUT
from campaigns.models import Event, Message, Step
from campaigns.wording import Cure

Clock = Callable[[datetime], str]
CAME_BACK, PUT_OFF = "came_back", "put_off"
STOPPED = "stopped: "
UNLESS = "unless they answer or say no first"


@dataclass(frozen=True)
class Line:
    """What is known of one step (or of the whole way, when `step` is 0).

    `cure` is what a person can do about it, `message` the one that it speaks of.
    """

    step: int
    verdict: str
    sentence: str
    values: dict[str, Any] = field(default_factory=dict)
    cure: Cure | None = None
    message: Message | None = None

    @property
    def what_to_do(self) -> str:
        """The cure in words; "" where there is none."""
        return self.cure.words if self.cure else ""


def in_utc(at: datetime) -> str:
    """How an instant is said outside of pages."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def of_message(step: Step, message: Message, clock: Clock) -> Line:
    """What became of the message of a step; `clock` says instants. A planned one asks the gate."""
    version, mailbox = message.template_version, message.mailbox
    values = {
        "mailbox": mailbox.from_address,
        "version": str(version),
        "variant": message.arm.name,
        "message_id": message.message_id,
        "why": message.why,
        "server": " ".join(part for part in (str(message.smtp_code or ""), message.smtp_reply) if part),
    }
    verdict, sentence = _said(message, f"“{version}” from {mailbox.from_address}", clock)
    cure = wording.FINAL if verdict == "skip" else None
    if verdict == CAME_BACK:
        back, values["server"] = _came_back(message, clock)
        sentence += f" {back}"
    if message.state == Message.State.PLANNED:
        held = gate.refusals(message_ids=[message.pk])[message.pk]
        values["held_by"] = held
        if held:
            sentence += " Held: " + "; ".join(wording.words(name) for name in held) + "."
        cure = wording.cure(next(iter(held), message.awaits or "due"))
    return Line(step.position, verdict, sentence, values, cure, message)


def _came_back(message: Message, clock: Clock) -> tuple[str, str]:
    """When and why, and the server's own words."""
    for_now = " for now" if message.outcome == Message.Outcome.BOUNCED_SOFT else ""
    event = Event.objects.filter(message=message, kind=Event.Kind.BOUNCED).order_by("-id").first()
    detail: dict[str, Any] = event.detail if event else {}
    status, server = (str(detail.get(name, "")) for name in ("status", "diagnostic"))
    when = f" {clock(event.occurred_at)}" if event else ""
    why = wording.of_server(status, server) or "it did not reach them"
    return f"It came back{for_now}{when}: {why}.", f"{status} {server}".strip()


def _said(message: Message, what: str, clock: Clock) -> tuple[str, str]:
    """A message's verdict and sentence."""
    at = clock(message.handed_over_at or message.expected_at)
    match message.state:
        case Message.State.SENT:
            if message.outcome in (Message.Outcome.BOUNCED, Message.Outcome.BOUNCED_SOFT):
                return CAME_BACK, f"Sent {at}: {what}."
            outcome = f" {message.get_outcome_display()}." if message.outcome else ""
            tries = f" It took {message.attempts} tries: their mail server had asked us to come back later."
            return message.state, f"Sent {at}: {what}.{outcome}{tries if message.attempts > 1 else ''}"
        case Message.State.REFUSED:
            why = wording.of_server(message.smtp_status, f"{message.smtp_code} {message.smtp_reply}")
            return message.state, f"Refused {at}, it did not reach them: {what}. {why[:1].upper()}{why[1:]}."
        case Message.State.UNCERTAIN | Message.State.ABANDONED:
            unsure = f"We are not sure whether this was sent {at}: {what}. It is not sent again by itself."
            return message.state, unsure
        case Message.State.CANCELLED:
            return cancelled(message.cancel_reason)
        case Message.State.SENDING:
            return message.state, f"Being handed over since {at}: {what}."
    if message.awaits:
        return message.state, f"Waits for a person since {at}: {wording.words(message.awaits)}."
    slot = clock(message.expected_at)
    if message.attempts:
        tried = "" if message.attempts == 1 else f", {message.attempts} times so far"
        return PUT_OFF, f"Tried {at}{tried}: {_why_later(message)}. The next try is about {slot}: {what}."
    return message.state, f"Planned for {slot}: {what}. It goes out by itself, {UNLESS}."


def _why_later(message: Message) -> str:
    if 400 <= message.smtp_code < 500:
        asked = "their mail server asked us to come back later, which is common"
        return f"{asked}; we do so for up to four days, then we give up"
    said = " ".join(filter(None, (str(message.smtp_code or ""), message.smtp_reply)))
    return wording.of_server(message.smtp_status, said) or "their mail server did not answer"


def cancelled(reason: str) -> tuple[str, str]:
    """The verdict and the sentence of a message that was never handed over."""
    if reason.startswith(LEFT_OUT):
        return "skip", f"Left out: {reason.removeprefix(f'{LEFT_OUT}: ')}."
    if reason.startswith(STOPPED):
        return "not_sent", f"Not sent: {wording.words(reason.removeprefix(STOPPED))}."
    return "not_sent", f"Not sent: {reason}."
