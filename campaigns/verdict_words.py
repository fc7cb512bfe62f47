"""What is decided of the step that comes next, in words."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Q, Subquery

from campaigns import conditions, deciding, wording
from campaigns.advancing import LEFT_OUT
from campaigns.facts import Candidate
from campaigns.lines import UNLESS, Clock
from campaigns.models import Decision, Message, Step
from campaigns.models.campaign import DelayUnit
from campaigns.scheduling import opens_after
from campaigns.timings import window_words

SOON = timedelta(minutes=5)  # what would go out so soon has no time worth naming: it moves on while it is read


@dataclass(frozen=True)
class Before:
    """The step that a delay counts from; `at` is None where nobody noted when it was left out."""

    position: int
    at: datetime | None
    is_left_out: bool


def because(
    rule: str, *, step: Step, before: Before | None, due_at: datetime | None, now: datetime, clock: Clock
) -> str:
    """The words of a rule; of a step whose time is still to come they are its delay after the step before it.

    `clock` says an instant.
    """
    if rule not in ("due", "not_due") or due_at is None or due_at <= now:
        return wording.words(rule)
    if before is None:
        return wording.words("not_due")
    at = f" {clock(before.at)}" if before.at else ""
    return f"{delay(step)} after step {before.position}, which was {'left out' if before.is_left_out else 'sent'}{at}"


def delay(step: Step) -> str:
    """How long a step comes after the one before it: "3 days"."""
    unit = DelayUnit(step.delay_unit).label.lower()
    return f"{step.delay} {unit[:-1] if step.delay == 1 else unit}"


def before_of(enrollment_ids: Collection[int]) -> dict[int, Before]:
    """By enrollment the last step that was handed over or left out. Two queries."""
    out = Q(handed_over_at__isnull=True, state=Message.State.CANCELLED, cancel_reason__startswith=LEFT_OUT)
    messages = Message.objects.filter(Q(handed_over_at__isnull=False) | out, enrollment__in=enrollment_ids)
    passed = [
        (enrollment, Before(position, at, at is None))
        for enrollment, position, at in messages.values_list("enrollment", "step__position", "handed_over_at")
    ]
    its = Step.objects.filter(sequence_version=OuterRef("enrollment__sequence_version"), key=OuterRef("step_key"))
    skipped = Decision.objects.filter(enrollment__in=enrollment_ids, verdict=Decision.Verdict.SKIP)
    rows = skipped.annotate(position=Subquery(its.values("position"))).exclude(position=None)
    passed += [
        (enrollment, Before(position, at, True))
        for enrollment, position, at in rows.order_by("id").values_list("enrollment", "position", "decided_at")
    ]
    return dict(sorted(passed, key=lambda each: each[1].position))


def only_for(rule: str, condition: str, but: str) -> str:
    """Why a condition left a step out, or would."""
    return f"this step is only for people with: {condition}; {but}" if condition else wording.words(rule)


def wait_words(verdict: deciding.Wait, candidate: Candidate, step: Step, why: str, what: str, clock: Clock) -> str:
    """Until when, and what happens then."""
    opens = opens_after(candidate.facts.window, verdict.until)
    by_hand = candidate.facts.is_task or candidate.facts.needs_approval
    then = "Somebody here is asked" if by_hand else "Goes out by itself"
    said = f"{then} about {clock(opens)}{'' if by_hand else f', {UNLESS}'}: {what}."
    if opens == verdict.until:
        return f"{said} Why then: {why}."
    hours = f"{window_words(step)} in {candidate.facts.window.zone}"
    if verdict.rule != "not_due":
        return f"{said} Why then: {why} (this step goes out {hours})."
    return f"{said} Its time is {clock(verdict.until)}, {why}; that is outside the hours of this step ({hours})."


def hold_words(
    verdict: deciding.Hold,
    freed: deciding.Verdict,
    candidate: Candidate,
    why: str,
    since: datetime | None,
    now: datetime,
    clock: Clock,
) -> str:
    """Why and since when, and what would come if a person lifted it now."""
    reason = verdict.values.get("reason") or verdict.values.get("campaign")
    said = f"Held{f' since {clock(since)}' if since else ''}: {why}{f' ({reason})' if reason else ''}."
    match freed:
        case deciding.Send(slot=slot):
            when = "within minutes" if slot < now + SOON else f"about {clock(slot)}"
            return f"{said} If that is lifted now, it goes out {when}."
        case deciding.Wait(until=until):
            opens = opens_after(candidate.facts.window, until)
            return f"{said} If that is lifted now, it waits until about {clock(opens)}."
    return said


def decided_words(verdict: deciding.Verdict, candidate: Candidate, why: str, what: str, clock: Clock) -> str:
    """What becomes of a step that is neither held nor has to wait; `what` would go out, `why` the rule's words."""
    match verdict:
        case deciding.Send(slot=slot):
            return f"Goes out by itself about {clock(slot)}, {UNLESS}: {what}. Why then: {why}."
        case deciding.Ask():
            return f"Will wait for a person: {why}."
        case deciding.Skip():
            only = only_for(verdict.rule, conditions.words(candidate.condition), "that is not so for them")
            return f"Will be left out: {only}."
        case deciding.Finish():
            return f"Will be finished: {why}."
    return f"Will be stopped: {why}."
