"""Why, and why not: each step of one person in one campaign, in plain words, with rule, values and version."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Any

from campaigns import booking, conditions, deciding, facts, lines, wording
from campaigns.lines import UNLESS, Clock, Line, in_utc
from campaigns.models import Campaign, Decision, Enrollment, Event, Message, Step
from campaigns.rules import touched
from campaigns.timings import is_always_open, window_words
from campaigns.verdict_words import because, before_of, decided_words, delay, hold_words, only_for, wait_words
from prospects.models import Prospect
from templates.models import TemplateVersion

RELATED = ("mailbox", "template_version__template", "step", "arm")
WOULD_SKIP = "would_skip"  # a later step whose condition is not met as it is now
COMES = ("wait", "send", "ask", "hold", "later", Message.State.PLANNED, lines.PUT_OFF)
FREED: dict[str, dict[str, Any]] = {  # what a hold that a person can lift at once says of them
    "protected": {"protected_by": ""},
    "person_held": {"person_hold": ""},
    "site_held": {"site_hold": ""},
}
MOST_DECISIONS = 50


@dataclass(frozen=True)
class Explanation:
    """One person in one campaign, step by step."""

    enrolled: bool
    state: str
    lines: tuple[Line, ...]
    enrollment: Enrollment | None = None


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
    found = [
        way.skipped(step, skips[step.key])
        if step.key in skips and step.key not in messages
        else way.line(step, messages.get(step.key))
        for step in steps
    ]
    found = _without_doubt(found)
    removed = _removed_lines(steps, messages, clock)
    return Explanation(True, enrollment.state, (_summary(way, found), *found, *removed), enrollment)


def _without_doubt(found: list[Line]) -> list[Line]:
    """What went to an address from which another mail came back for good did not arrive either."""
    dead = {
        line.message.recipient for line in found if line.message and line.message.outcome == Message.Outcome.BOUNCED
    }
    return [
        replace(
            line, verdict=lines.CAME_BACK, sentence=f"{line.sentence} It can’t have reached them: see the other mail."
        )
        if line.verdict == Message.State.SENT and line.message and line.message.recipient in dead
        else line
        for line in found
    ]


def _removed_lines(steps: Iterable[Step], messages: Mapping[str, Message], clock: Clock) -> list[Line]:
    """What was planned or sent of steps that are no longer in this person's version of the sequence."""
    keys = {step.key for step in steps}
    gone = sorted((each for key, each in messages.items() if key not in keys), key=lambda each: each.pk)
    found = (lines.of_message(each.step, each, clock) for each in gone)
    return [replace(line, step=0, sentence=f"A step that was removed since. {line.sentence}") for line in found]


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
            return lines.of_message(step, message, self.clock)
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
        why = only_for(decision.rule, str(decision.values.get("condition", "")), "that was not so for them")
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
        before = next((each for each in reversed(self.steps) if each.position < step.position), None)
        last = f"step {before.position}" if before else "what they got before"
        last += " was sent or left out" if before and before.condition else ""
        hours = "" if is_always_open(step) else f", in its sending hours ({window_words(step)})"
        sentence = f"Comes {delay(step)} after {last}{hours}, {UNLESS}."
        verdict = "later"
        if step.condition:
            unmet, _ = conditions.unmet([(step.pk, self.enrollment.prospect_id, step.condition)], now=self.now)
            are = "not so for them, and it would be left out" if unmet else "so for them"
            verdict = WOULD_SKIP if unmet else verdict
            sentence += f" It is only for people with: {conditions.words(step.condition)}; as it is now, that is {are}."
        return Line(step.position, verdict, sentence)


def _summary(way: _Way, found: Iterable[Line]) -> Line:
    enrollment, reason = way.enrollment, way.enrollment.stop_reason
    at = f" {way.clock(enrollment.ended_at)}" if enrollment.ended_at else ""
    if enrollment.state == Enrollment.State.STOPPED:
        return Line(0, "stopped", f"Stopped{at}: {wording.words(reason)}.", {"rule": reason}, wording.cure(reason))
    if enrollment.state == Enrollment.State.FINISHED:
        answered = None if reason else _answered_at(enrollment)
        why = wording.words(reason) if reason else "every step was done"
        said = f"Finished{at}: {why}." + (f" They answered {way.clock(answered)}." if answered else "")
        cure = wording.ANSWERED if answered else wording.cure(reason)
        return Line(0, "finished", said, {"rule": reason}, cure)
    done, verdicts = enrollment.steps_handed_over, Counter(line.verdict for line in found)
    come = sum(verdicts[name] for name in COMES)
    counts = ((verdicts["skip"], "left out"), (come, "to come"), (verdicts[WOULD_SKIP], "would be left out"))
    said = f"{done} of {len(way.steps)} steps done" if done else "nothing was sent yet"
    said += "".join(f", {count} {what}" for count, what in counts if count)
    number = enrollment.sequence_version.number
    where = f" in version {number} of the sequence" if number > 1 else ""
    is_held = any(line.verdict == "hold" or line.values.get("held_by") for line in found)
    return Line(0, "hold" if is_held else "active", f"{'Held' if is_held else 'Under way'}{where}: {said}.")


def _answered_at(enrollment: Enrollment) -> datetime | None:
    answers = Event.objects.filter(enrollment=enrollment, kind=Event.Kind.REPLIED).order_by("-id")
    return answers.values_list("occurred_at", flat=True).first()


def _present(step: Step, enrollment: Enrollment, now: datetime, clock: Clock) -> Line:
    """What is decided now of the step that comes next."""
    found = facts.of([enrollment.pk], now=now)
    if not found:
        return Line(step.position, "none", "There is nothing to send for this step.")
    candidate = found[0]
    book = booking.slot_books(now=now, mailbox_ids=[enrollment.mailbox_id]).get(enrollment.mailbox_id)
    given: dict[str, Any] = {"now": now, "slots": book or booking.closed_book(now=now)}
    given["touches"] = touched.load([candidate.facts.whom])
    verdict = deciding.decide(facts=candidate.facts, **given)
    version = TemplateVersion.objects.select_related("template").get(pk=candidate.ledger.template_version_id)
    sender = enrollment.mailbox.from_address
    before = before_of([enrollment.pk]).get(enrollment.pk)
    why = because(verdict.rule, step=step, before=before, due_at=enrollment.due_at, now=now, clock=clock)
    since, what = _since(enrollment, verdict), f"“{version}” from {sender}"
    match verdict:
        case deciding.Wait():
            sentence = wait_words(verdict, candidate, step, why, what, clock)
        case deciding.Hold():
            freed = deciding.decide(facts=replace(candidate.facts, **FREED.get(verdict.rule, {})), **given)
            sentence = hold_words(verdict, freed, candidate, why, since, now, clock)
        case _:
            sentence = decided_words(verdict, candidate, why, what, clock)
    values = {"rule": verdict.rule, **verdict.values, "last_decided_at": since and since.isoformat()}
    values |= {"version": str(version), "mailbox": sender}
    return Line(step.position, type(verdict).__name__.lower(), sentence, values, wording.cure(verdict.rule))


def _since(enrollment: Enrollment, verdict: deciding.Verdict) -> datetime | None:
    """When the planner first came to the same; None when it was not asked since that changed."""
    latest = Decision.objects.filter(enrollment=enrollment).order_by("-id").only("rule", "decided_at")[:MOST_DECISIONS]
    same = list(takewhile(lambda decision: decision.rule == verdict.rule, latest))
    return same[-1].decided_at if same else None
