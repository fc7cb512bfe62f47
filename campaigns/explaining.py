"""Why, and why not: each step of one person in one campaign, in plain words, with rule, values and version."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from campaigns import conditions, deciding, facts, gate, planning, wording
from campaigns.advancing import LEFT_OUT
from campaigns.facts import Candidate
from campaigns.models import Campaign, Decision, Enrollment, Message, Step
from campaigns.models.campaign import DelayUnit
from campaigns.rules import touched
from campaigns.scheduling import opens_after
from campaigns.wording import Cure
from prospects.models import Prospect
from templates.models import TemplateVersion

Clock = Callable[[datetime], str]
RELATED = ("mailbox", "template_version__template", "step", "arm")
LAST_FIELDS = ("enrollment_id", "handed_over_at", "step__position")
CAME_BACK, PUT_OFF = "came_back", "put_off"
STOPPED = "stopped: "


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


@dataclass(frozen=True)
class Explanation:
    """One person in one campaign, step by step."""

    enrolled: bool
    state: str
    lines: tuple[Line, ...]


def in_utc(at: datetime) -> str:
    """How an instant is said outside of pages."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def explain(*, prospect: Prospect, campaign: Campaign, now: datetime, clock: Clock = in_utc) -> Explanation:
    """What was sent, what waits and why, what will never be sent and why; the present answer is computed live.

    `clock` says instants.
    """
    ways = Enrollment.objects.filter(prospect=prospect, campaign=campaign)
    enrollment = ways.select_related("sequence_version", "mailbox").first()
    if enrollment is None:
        return Explanation(False, "", (Line(0, "none", "This person was never enrolled in this campaign."),))
    messages = {
        message.step_key: message for message in Message.objects.filter(enrollment=enrollment).select_related(*RELATED)
    }
    steps = list(Step.objects.filter(sequence_version=enrollment.sequence_version_id).order_by("position"))
    left_out = Decision.objects.filter(enrollment=enrollment, verdict=Decision.Verdict.SKIP).order_by("id")
    skips = {decision.step_key: decision for decision in left_out}
    way = _Way(enrollment, steps, now, clock)
    lines = [
        way.skipped(step, skips[step.key])
        if step.key in skips and step.key not in messages
        else way.line(step, messages.get(step.key))
        for step in steps
    ]
    removed = _removed_lines(steps, messages, clock)
    return Explanation(True, enrollment.state, (_summary(way, lines), *lines, *removed))


def _removed_lines(steps: Iterable[Step], messages: Mapping[str, Message], clock: Clock) -> list[Line]:
    """What was planned or sent of steps that are no longer in this person's version of the sequence."""
    keys = {step.key for step in steps}
    gone = sorted((each for key, each in messages.items() if key not in keys), key=lambda each: each.pk)
    found = (_message_line(each.step, each, clock) for each in gone)
    return [replace(line, step=0, sentence=f"A step that was removed since. {line.sentence}") for line in found]


def because(
    rule: str, *, step: Step, last: Message | None, due_at: datetime | None, now: datetime, clock: Clock
) -> str:
    """The words of a rule; of a step whose time is still to come they are its delay after the mail before it.

    `last` is that mail, with its step; `clock` says an instant.
    """
    if rule not in ("due", "not_due") or due_at is None or due_at <= now:
        return wording.words(rule)
    if last is None or last.handed_over_at is None:
        return wording.words("not_due")
    return f"{_delay(step)} after step {last.step.position}, which was sent {clock(last.handed_over_at)}"


def _delay(step: Step) -> str:
    unit = DelayUnit(step.delay_unit).label.lower()
    return f"{step.delay} {unit[:-1] if step.delay == 1 else unit}"


def last_of(enrollment_ids: Collection[int]) -> dict[int, Message]:
    """By enrollment the last message that was handed over, with its step. One query."""
    rows = Message.objects.filter(enrollment__in=enrollment_ids, handed_over_at__isnull=False).select_related("step")
    return {message.enrollment_id: message for message in rows.only(*LAST_FIELDS).order_by("handed_over_at", "id")}


@dataclass(frozen=True)
class _Way:
    """One person's way through the steps of their version of the sequence."""

    enrollment: Enrollment
    steps: list[Step]
    now: datetime
    clock: Clock

    def line(self, step: Step, message: Message | None) -> Line:
        """What is known of a step that nobody left out before it had a message."""
        comes_next = self.is_active and step.key == self.enrollment.next_step_key
        if message is not None and not (comes_next and message.state == Message.State.CANCELLED):  # it is planned anew
            return _message_line(step, message, self.clock)
        if not self.is_active:
            return Line(step.position, "not_sent", f"Not sent: {self.ended}.")
        if comes_next:
            return _present(step, self.enrollment, self.now, self.clock)
        before = next((each.position for each in self.steps if each.key == self.enrollment.next_step_key), 0)
        if step.position < before:
            return Line(step.position, "passed", "Not sent: when this step came here, they were past its place.")
        return self._later(step)

    def skipped(self, step: Step, decision: Decision) -> Line:
        """A step that its condition, say, left out."""
        why = _only_for(decision.rule, str(decision.values.get("condition", "")), "they were not among them")
        sentence = f"Left out {self.clock(decision.decided_at)}: {why}."
        values = {"rule": decision.rule, **decision.values}
        return Line(step.position, "skip", sentence, values, wording.FINAL)

    @property
    def is_active(self) -> bool:
        return self.enrollment.state == Enrollment.State.ACTIVE

    @property
    def ended(self) -> str:
        """Why nothing more comes."""
        reason = self.enrollment.stop_reason
        return wording.words(reason) if reason else "this step came when they had got every other"

    def _later(self, step: Step) -> Line:
        sentence = f"Comes {_delay(step)} after the step before it, unless they answer or say no first."
        if step.condition:
            unmet, _ = conditions.unmet([(step.pk, self.enrollment.prospect_id, step.condition)], now=self.now)
            are = "they are not" if unmet else "they are"
            sentence += (
                f" It is only for people with: {conditions.words(step.condition)}; as it is now {are} among them."
            )
        return Line(step.position, "later", sentence)


def _summary(way: _Way, lines: Iterable[Line]) -> Line:
    enrollment, reason = way.enrollment, way.enrollment.stop_reason
    at = f" {way.clock(enrollment.ended_at)}" if enrollment.ended_at else ""
    if enrollment.state == Enrollment.State.STOPPED:
        return Line(0, "stopped", f"Stopped{at}: {wording.words(reason)}.", {"rule": reason}, wording.cure(reason))
    if enrollment.state == Enrollment.State.FINISHED:
        why = wording.words(reason) if reason else "nothing more is to come"
        return Line(0, "finished", f"Finished{at}: {why}.", {"rule": reason})
    done, out = enrollment.steps_handed_over, sum(line.verdict == "skip" for line in lines)
    said = f"{done} of {len(way.steps)} steps done" if done else "nothing was sent yet"
    said += f", {out} left out" if out else ""
    number = enrollment.sequence_version.number
    where = f" in version {number} of the sequence" if number > 1 else ""
    is_held = any(line.verdict == "hold" or line.values.get("held_by") for line in lines)
    return Line(0, "hold" if is_held else "active", f"{'Held' if is_held else 'Under way'}{where}: {said}.")


def _only_for(rule: str, condition: str, but: str) -> str:
    return f"the step is only for people with: {condition}, and {but}" if condition else wording.words(rule)


def _message_line(step: Step, message: Message, clock: Clock) -> Line:
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
    if message.state == Message.State.PLANNED:
        held = gate.refusals(message_ids=[message.pk])[message.pk]
        values["held_by"] = held
        if held:
            sentence += " Held: " + "; ".join(wording.words(name) for name in held) + "."
        cure = wording.cure(next(iter(held), message.awaits or "due"))
    return Line(step.position, verdict, sentence, values, cure, message)


def _said(message: Message, what: str, clock: Clock) -> tuple[str, str]:
    """A message's verdict and sentence."""
    at = clock(message.handed_over_at or message.expected_at)
    match message.state:
        case Message.State.SENT:
            if message.outcome in (Message.Outcome.BOUNCED, Message.Outcome.BOUNCED_SOFT):
                for_now = " for now" if message.outcome == Message.Outcome.BOUNCED_SOFT else ""
                return CAME_BACK, f"Sent {at}: {what}. It came back{for_now}: it did not reach them."
            outcome = f" {message.get_outcome_display()}." if message.outcome else ""
            return message.state, f"Sent {at}: {what}.{outcome}"
        case Message.State.REFUSED:
            said = f"{message.smtp_code} {message.smtp_reply}"
            return message.state, f"Refused {at}, it did not reach them: {what}. Their mail server said: “{said}”."
        case Message.State.UNCERTAIN | Message.State.ABANDONED:
            unsure = f"We are not sure whether this was sent {at}: {what}. It is not sent again by itself."
            return message.state, unsure
        case Message.State.CANCELLED:
            return _cancelled(message.cancel_reason)
        case Message.State.SENDING:
            return message.state, f"Being handed over since {at}: {what}."
    if message.awaits:
        return message.state, f"Waits for a person since {at}: {wording.words(message.awaits)}."
    if message.attempts:
        return PUT_OFF, (
            f"Put off: their mail server asked us to come back later, which is common. The next try is {at}: {what}. "
            f"So far it was tried {'once' if message.attempts == 1 else f'{message.attempts} times'}; "
            f"the server said: “{message.smtp_reply}”."
        )
    return message.state, f"Planned for {at}: {what}. It goes out by itself."


def _cancelled(reason: str) -> tuple[str, str]:
    if reason.startswith(LEFT_OUT):
        return "skip", f"Left out: {reason.removeprefix(f'{LEFT_OUT}: ')}."
    if reason.startswith(STOPPED):
        return "not_sent", f"Not sent: {wording.words(reason.removeprefix(STOPPED))}."
    return "not_sent", f"Not sent: {reason}."


def _present(step: Step, enrollment: Enrollment, now: datetime, clock: Clock) -> Line:
    found = facts.of([enrollment.pk], now=now)
    if not found:
        return Line(step.position, "none", "There is nothing to send for this step.")
    candidate = found[0]
    book = planning.slot_books(now=now, mailbox_ids=[enrollment.mailbox_id]).get(enrollment.mailbox_id)
    book = book or planning.closed_book(now=now)
    touches = touched.load([candidate.facts.whom])
    verdict = deciding.decide(now=now, facts=candidate.facts, slots=book, touches=touches)
    stored = Decision.objects.filter(enrollment=enrollment).order_by("-id").first()
    version = TemplateVersion.objects.select_related("template").get(pk=candidate.ledger.template_version_id)
    sender = enrollment.mailbox.from_address
    last = last_of([enrollment.pk]).get(enrollment.pk)
    why = because(verdict.rule, step=step, last=last, due_at=enrollment.due_at, now=now, clock=clock)
    sentence = _verdict_words(verdict, candidate, why, f"“{version}” from {sender}", clock)
    values = {"rule": verdict.rule, **verdict.values, "last_decided_at": stored and stored.decided_at.isoformat()}
    values |= {"version": str(version), "mailbox": sender}
    return Line(step.position, type(verdict).__name__.lower(), sentence, values, wording.cure(verdict.rule))


def _verdict_words(verdict: deciding.Verdict, candidate: Candidate, why: str, what: str, clock: Clock) -> str:
    """What is decided of somebody's next step now, `why` it is and `what` would go out."""
    match verdict:
        case deciding.Send(slot=slot):
            return f"Goes out by itself about {clock(slot)}: {what}; {why}."
        case deciding.Wait(until=until):
            at = clock(opens_after(candidate.facts.window, until))
            by_hand = candidate.facts.is_task or candidate.facts.needs_approval
            then = "somebody here is asked" if by_hand else f"it goes out by itself: {what}"
            return f"Waits until about {at}: {why}. Then {then}."
        case deciding.Ask():
            return f"Will wait for a person: {why}."
        case deciding.Skip():
            only = _only_for(verdict.rule, conditions.words(candidate.condition), "they are not among them")
            return f"Will be left out: {only}."
        case deciding.Finish():
            return f"Will be finished: {why}."
        case deciding.Hold():
            reason = verdict.values.get("reason") or verdict.values.get("campaign")
            return f"Held: {why}{f' ({reason})' if reason else ''}."
        case deciding.Stop():
            return f"Will be stopped: {why}."
