"""Why, and why not: each step of one person in one campaign, in plain words, with rule, values and version."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Any

from campaigns import booking, conditions, deciding, facts, lines, wording
from campaigns.facts import Candidate
from campaigns.lines import Clock, Line, in_utc
from campaigns.models import Campaign, Decision, Enrollment, Event, Message, Step
from campaigns.models.campaign import DelayUnit
from campaigns.rules import touched
from campaigns.scheduling import opens_after
from campaigns.timings import window_words
from prospects.models import Prospect
from templates.models import TemplateVersion

RELATED = ("mailbox", "template_version__template", "step", "arm")
COMES = ("wait", "send", "ask", "hold", "later", Message.State.PLANNED, lines.PUT_OFF)
FREED: dict[str, dict[str, Any]] = {  # what a hold that a person can lift at once says of them
    "protected": {"protected_by": ""},
    "person_held": {"person_hold": ""},
    "site_held": {"site_hold": ""},
}
MOST_DECISIONS = 50
UNLESS = "unless they answer or say no first"
LAST_FIELDS = ("enrollment_id", "handed_over_at", "step__position")


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
        before = next((each for each in reversed(self.steps) if each.position < step.position), None)
        last = f"step {before.position}" if before and not before.condition else "the last step they get before it"
        sentence = f"Comes {_delay(step)} after {last}, in its sending hours ({window_words(step)}), {UNLESS}."
        if step.condition:
            unmet, _ = conditions.unmet([(step.pk, self.enrollment.prospect_id, step.condition)], now=self.now)
            are = "they are not among them, and it would be left out" if unmet else "they are among them"
            sentence += f" It is only for people with: {conditions.words(step.condition)}; as it is now {are}."
        return Line(step.position, "later", sentence)


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
    out, come = verdicts["skip"], sum(verdicts[name] for name in COMES)
    said = f"{done} of {len(way.steps)} steps done" if done else "nothing was sent yet"
    said += "".join(f", {count} {what}" for count, what in ((out, "left out"), (come, "to come")) if count)
    number = enrollment.sequence_version.number
    where = f" in version {number} of the sequence" if number > 1 else ""
    is_held = any(line.verdict == "hold" or line.values.get("held_by") for line in found)
    return Line(0, "hold" if is_held else "active", f"{'Held' if is_held else 'Under way'}{where}: {said}.")


def _answered_at(enrollment: Enrollment) -> datetime | None:
    answers = Event.objects.filter(enrollment=enrollment, kind=Event.Kind.REPLIED).order_by("-id")
    return answers.values_list("occurred_at", flat=True).first()


def _only_for(rule: str, condition: str, but: str) -> str:
    return f"only for people with: {condition}; {but}" if condition else wording.words(rule)


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
    last = last_of([enrollment.pk]).get(enrollment.pk)
    why = because(verdict.rule, step=step, last=last, due_at=enrollment.due_at, now=now, clock=clock)
    since, what = _since(enrollment, verdict), f"“{version}” from {sender}"
    match verdict:
        case deciding.Wait():
            sentence = _wait_words(verdict, candidate, step, why, what, clock)
        case deciding.Hold():
            freed = deciding.decide(facts=replace(candidate.facts, **FREED.get(verdict.rule, {})), **given)
            sentence = _hold_words(verdict, freed, candidate, why, since, clock)
        case _:
            sentence = _verdict_words(verdict, candidate, why, what, clock)
    values = {"rule": verdict.rule, **verdict.values, "last_decided_at": since and since.isoformat()}
    values |= {"version": str(version), "mailbox": sender}
    return Line(step.position, type(verdict).__name__.lower(), sentence, values, wording.cure(verdict.rule))


def _since(enrollment: Enrollment, verdict: deciding.Verdict) -> datetime | None:
    """When the planner first came to the same; None when it was not asked since that changed."""
    latest = Decision.objects.filter(enrollment=enrollment).order_by("-id").only("rule", "decided_at")[:MOST_DECISIONS]
    same = list(takewhile(lambda decision: decision.rule == verdict.rule, latest))
    return same[-1].decided_at if same else None


def _wait_words(verdict: deciding.Wait, candidate: Candidate, step: Step, why: str, what: str, clock: Clock) -> str:
    """Until when, and what happens then."""
    opens = opens_after(candidate.facts.window, verdict.until)
    by_hand = candidate.facts.is_task or candidate.facts.needs_approval
    then = "somebody here is asked" if by_hand else f"it goes out by itself, {UNLESS}: {what}"
    if opens == verdict.until or verdict.rule != "not_due":
        return f"Waits until about {clock(opens)}: {why}. Then {then}."
    hours = f"This step has sending hours ({window_words(step)} on their clock), which begin {clock(opens)} next"
    return f"Its time is {clock(verdict.until)}: {why}. {hours}; then {then}."


def _hold_words(
    verdict: deciding.Hold,
    freed: deciding.Verdict,
    candidate: Candidate,
    why: str,
    since: datetime | None,
    clock: Clock,
) -> str:
    """Why and since when, and what would come if a person lifted it now."""
    reason = verdict.values.get("reason") or verdict.values.get("campaign")
    said = f"Held{f' since {clock(since)}' if since else ''}: {why}{f' ({reason})' if reason else ''}."
    match freed:
        case deciding.Send(slot=slot):
            return f"{said} If that is lifted now, it goes out about {clock(slot)}."
        case deciding.Wait(until=until):
            opens = opens_after(candidate.facts.window, until)
            return f"{said} If that is lifted now, it waits until about {clock(opens)}."
    return said


def _verdict_words(verdict: deciding.Verdict, candidate: Candidate, why: str, what: str, clock: Clock) -> str:
    """What becomes of a step that is neither held nor has to wait; `what` would go out, `why` the rule's words."""
    match verdict:
        case deciding.Send(slot=slot):
            return f"Goes out by itself about {clock(slot)}, {UNLESS}: {what}; {why}."
        case deciding.Ask():
            return f"Will wait for a person: {why}."
        case deciding.Skip():
            only = _only_for(verdict.rule, conditions.words(candidate.condition), "they are not among them")
            return f"Will be left out: {only}."
        case deciding.Finish():
            return f"Will be finished: {why}."
    return f"Will be stopped: {why}."
