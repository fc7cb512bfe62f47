"""Why, and why not: each step of one person in one campaign, in plain words, with rule, values and version."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from campaigns import conditions, deciding, facts, gate, planning
from campaigns.models import Campaign, Decision, Enrollment, Message, Step
from campaigns.models.campaign import DelayUnit
from campaigns.rules import touched
from campaigns.scheduling import opens_after
from prospects.models import Prospect

WORDS = {
    "due": "its time has come",
    "not_due": "it is not due yet",
    "window_closed": "the sending window is closed",
    "public_holiday": "it is a public holiday where they live",
    "quiet_date": "nobody is written to on this day",
    "mailbox_full": "the mailbox has used up its daily cap",
    "domain_full": "enough goes to addresses of this domain already",
    "campaign_full": "the campaign has used up what it may send a day",
    "suppressed": "the address or its domain is suppressed",
    "person_stopped": "this person must not be written to",
    "site_stopped": "this site must not be written to",
    "no_address": "there is no address",
    "address_changed": "the address has changed, the message follows in a moment",
    "undecidable": "something about this person makes no sense to us; the log says what",
    "demo_person": "people of the demo world are never written to from a real mailbox",
    "merged_away": "this row was merged into another person",
    "merge_waiting": "two rows of this person are being merged",
    "merged": "the person was in this campaign already, under another row that was merged",
    "protected": "this person is protected: ask who looks after them first",
    "contacted_lately": "they were written to by other means less than two weeks ago",
    "touched_lately": "they were written to a short while ago, or will be: your rules keep mails to a person apart",
    "site_touched": "a colleague of theirs is written to around then: your rules keep mails to a site apart",
    "site_answered": "somebody of their site answered lately: your rules let the others wait",
    "busy_elsewhere": "they or their site are in another campaign: your rules let one end before the next begins",
    "country_rule": "your rules say: nobody of their country is written to",
    "country_task": "mail is not allowed in their country: only a person's own message",
    "colleague_first": "this campaign takes one person of each site at a time, and a colleague of theirs comes first",
    "colleague_answered": "somebody of their site answered",
    "person_held": "this person is on hold",
    "site_held": "this site is on hold",
    "campaign_not_running": "the campaign is not running",
    "mailbox_not_active": "the mailbox is not active",
    "same_recipient": "somebody else in this campaign has the same address",
    "sending_stopped": "all sending is stopped",
    "sending_held": "sending waits until somebody has said that the database and the clock are right",
    "parked": "sending broke off three times while this mail was written; it waits until somebody tries it again",
    "overdue": "it is overdue, and waits until somebody releases it",
    "enrollment_ended": "the person's way through this campaign has ended",
    "mailbox_blind": "the mailbox was not read for half an hour, an answer may be waiting",
    "answers_waiting": "answers that came in are not applied yet",
    "replied": "the person answered",
    "unsubscribed": "the person unsubscribed",
    "bounced": "the address takes no mail",
    "complained": "the person complained",
    "declined": "the person asked us to stop",
    "cannot_compose": "the message could not be written for this person",
    "refused": "the receiving server refused the message",
    "gave_up": "the receiving server asked us to wait for more than four days",
    "uncertain": "nobody could tell for five days whether the message was sent",
    "rehearsal_astray": "a rehearsal goes to nobody but its own address",
    "rehearsal_over": "the rehearsal was ended",
    "erased": "the person asked to be forgotten",
    "too_soon": "it began less than 20 minutes ago, and the server may still answer",
    "no_slot": "its mailbox has no free place for it",
    "settled": "it has been settled already",
    "awaits_person": "it waits until somebody here has read and approved it, or done it",
    "approval": "somebody here reads and approves each of these messages first",
    "task": "somebody here does this by hand",
    "task_in_rehearsal": "a rehearsal leaves out what people do by hand",
    "condition": "the step is only for some people",
    "condition_unreadable": "whom the step is for can't be read any more; look at its condition",
    "first_batch": "the first batch went out, and the others wait until somebody lets them go",
    "joined": "they joined the program",
    "positive_reply": "they answered that they are interested",
    "manual": "somebody here added a suppression",
    "imported": "an import said not to write",
}


Clock = Callable[[datetime], str]
RELATED = ("mailbox", "template_version__template", "step", "arm")
LAST_FIELDS = ("enrollment_id", "handed_over_at", "step__position")


@dataclass(frozen=True)
class Line:
    """What is known of one step (or of the whole way, when `step` is 0)."""

    step: int
    verdict: str
    sentence: str
    values: dict[str, Any] = field(default_factory=dict)


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
    ways = Enrollment.objects.filter(prospect=prospect, campaign=campaign).select_related("sequence_version")
    enrollment = ways.first()
    if enrollment is None:
        return Explanation(False, "", (Line(0, "none", "This person was never enrolled in this campaign."),))
    messages = {
        message.step_key: message for message in Message.objects.filter(enrollment=enrollment).select_related(*RELATED)
    }
    steps = Step.objects.filter(sequence_version=enrollment.sequence_version_id).order_by("position")
    left_out = Decision.objects.filter(enrollment=enrollment, verdict=Decision.Verdict.SKIP).order_by("id")
    skips = {decision.step_key: decision for decision in left_out}
    next_position = next((step.position for step in steps if step.key == enrollment.next_step_key), 0)
    lines = [
        _skipped_line(step, skips[step.key], clock)
        if step.key in skips and step.key not in messages
        else _line(step, messages.get(step.key), enrollment, next_position, now, clock)
        for step in steps
    ]
    return Explanation(True, enrollment.state, (_summary(enrollment), *lines, *_removed_lines(steps, messages, clock)))


def _removed_lines(steps: Iterable[Step], messages: Mapping[str, Message], clock: Clock) -> list[Line]:
    """What was planned or sent of steps that are no longer in this person's version of the sequence."""
    keys = {step.key for step in steps}
    gone = sorted((each for key, each in messages.items() if key not in keys), key=lambda each: each.pk)
    found = (_message_line(each.step, each, clock) for each in gone)
    return [replace(line, step=0, sentence=f"A step that was removed since. {line.sentence}") for line in found]


def words(rule: str) -> str:
    """The plain words of a rule; a rule without any is shown as it is."""
    return WORDS.get(rule, rule.replace("_", " "))


def because(
    rule: str, *, step: Step, last: Message | None, due_at: datetime | None, now: datetime, clock: Clock
) -> str:
    """The words of a rule; of a step whose time is still to come they are its delay after the mail before it.

    `last` is that mail, with its step; `clock` says an instant.
    """
    if rule not in ("due", "not_due") or due_at is None or due_at <= now:
        return words(rule)
    if last is None or last.handed_over_at is None:
        return words("not_due")
    unit = DelayUnit(step.delay_unit).label.lower()
    delay = f"{step.delay} {unit[:-1] if step.delay == 1 else unit}"
    return f"{delay} after step {last.step.position}, which was sent {clock(last.handed_over_at)}"


def last_of(enrollment_ids: Collection[int]) -> dict[int, Message]:
    """By enrollment the last message that was handed over, with its step. One query."""
    rows = Message.objects.filter(enrollment__in=enrollment_ids, handed_over_at__isnull=False).select_related("step")
    return {message.enrollment_id: message for message in rows.only(*LAST_FIELDS).order_by("handed_over_at", "id")}


def _summary(enrollment: Enrollment) -> Line:
    if enrollment.state == Enrollment.State.STOPPED:
        return Line(0, "stopped", f"Stopped: {words(enrollment.stop_reason)}.", {"rule": enrollment.stop_reason})
    if enrollment.state == Enrollment.State.FINISHED:
        why = words(enrollment.stop_reason) if enrollment.stop_reason else "nothing more is to come"
        return Line(0, "finished", f"Finished: {why}.", {"rule": enrollment.stop_reason})
    count = enrollment.steps_handed_over
    number = enrollment.sequence_version.number
    where = f" in version {number} of the sequence" if number > 1 else ""
    return Line(0, "active", f"Under way{where}: {count} {'step' if count == 1 else 'steps'} handed over.")


def _line(
    step: Step, message: Message | None, enrollment: Enrollment, next_position: int, now: datetime, clock: Clock
) -> Line:
    comes_next = enrollment.state == Enrollment.State.ACTIVE and step.key == enrollment.next_step_key
    if message is not None and not (comes_next and message.state == Message.State.CANCELLED):  # that is planned anew
        return _message_line(step, message, clock)
    if enrollment.state != Enrollment.State.ACTIVE:
        return Line(step.position, "not_sent", f"Not sent: {_summary(enrollment).sentence[:-1].lower()}.")
    if not comes_next and step.position < next_position:
        return Line(step.position, "passed", "Not sent: when this step came here, they were past its place.")
    if not comes_next:
        return Line(step.position, "later", "Comes after the steps before it.")
    return _present(step, enrollment, now, clock)


def _skipped_line(step: Step, decision: Decision, clock: Clock) -> Line:
    why = _only_for(decision.rule, str(decision.values.get("condition", "")))
    sentence = f"Left out on {clock(decision.decided_at)}: {why}."
    return Line(step.position, "skip", sentence, {"rule": decision.rule, **decision.values})


def _only_for(rule: str, condition: str) -> str:
    return f"{words(rule)}, those with: {condition}" if condition else words(rule)


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
    sentence = _sentence(message, f"“{version}” from {mailbox.from_address}", clock)
    if message.state == Message.State.PLANNED:
        held = gate.refusals(message_ids=[message.pk])[message.pk]
        values["held_by"] = held
        if held:
            sentence += " Held: " + "; ".join(words(name) for name in held) + "."
    return Line(step.position, message.state, sentence, values)


def _sentence(message: Message, what: str, clock: Clock) -> str:
    at = clock(message.handed_over_at or message.expected_at)
    match message.state:
        case Message.State.SENT:
            outcome = f" {message.get_outcome_display()}." if message.outcome else ""
            return f"Sent {at}: {what}.{outcome}"
        case Message.State.REFUSED:
            return f"Refused {at}: {what}. The server said: {message.smtp_code} {message.smtp_reply}"
        case Message.State.UNCERTAIN | Message.State.ABANDONED:
            return f"We are not sure whether this was sent {at}: {what}. It is not sent again by itself."
        case Message.State.CANCELLED:
            return f"Cancelled: {message.cancel_reason}."
        case Message.State.SENDING:
            return f"Being handed over since {at}: {what}."
    if message.awaits:
        return f"Waits for a person since {at}: {words(message.awaits)}."
    tried = f" Tried {message.attempts} times; the server said: {message.smtp_reply}." if message.attempts else ""
    return f"Planned for {clock(message.expected_at)}: {what}.{tried}"


def _present(step: Step, enrollment: Enrollment, now: datetime, clock: Clock) -> Line:
    found = facts.of([enrollment.pk], now=now)
    if not found:
        return Line(step.position, "none", "There is nothing to send for this step.")
    book = planning.slot_books(now=now, mailbox_ids=[enrollment.mailbox_id]).get(enrollment.mailbox_id)
    book = book or planning.closed_book(now=now)
    known, touches = found[0].facts, touched.load([found[0].facts.whom])
    verdict = deciding.decide(now=now, facts=known, slots=book, touches=touches)
    stored = Decision.objects.filter(enrollment=enrollment).order_by("-id").first()
    values = {"rule": verdict.rule, **verdict.values, "last_decided_at": stored and stored.decided_at.isoformat()}
    last = last_of([enrollment.pk]).get(enrollment.pk)
    why = because(verdict.rule, step=step, last=last, due_at=enrollment.due_at, now=now, clock=clock)
    match verdict:
        case deciding.Send(slot=slot):
            sentence = f"Will be planned for about {clock(slot)}: {why}."
        case deciding.Wait(until=until):
            at = opens_after(known.window, until)
            sentence = f"Waits until about {clock(at)}: {why}."
        case deciding.Ask():
            sentence = f"Will wait for a person: {why}."
        case deciding.Skip():
            sentence = f"Will be left out: {_only_for(verdict.rule, conditions.words(found[0].condition))}."
        case deciding.Finish():
            sentence = f"Will be finished: {words(verdict.rule)}."
        case deciding.Hold():
            reason = verdict.values.get("reason") or verdict.values.get("campaign")
            sentence = f"Held: {words(verdict.rule)}{f' ({reason})' if reason else ''}."
        case deciding.Stop():
            sentence = f"Will be stopped: {words(verdict.rule)}."
    return Line(step.position, type(verdict).__name__.lower(), sentence, values)
