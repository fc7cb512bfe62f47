"""What happens to one enrollment now: one pure function, no clock and no database inside.

The planner stores its answers, `explaining` asks it again for the present, the tests run it over histories.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from campaigns.rules.lining_up import ANSWERED, MINE
from campaigns.rules.lining_up import LATER as NOT_YET
from campaigns.rules.touching import Touches, Whom
from campaigns.scheduling import CAMPAIGN, DOMAIN, Share, SlotBook, Window, planned_from

LOOK_AGAIN = timedelta(minutes=15)
CONDITION = "condition"
A_MOMENT = timedelta(seconds=1)  # after the horizon, which is the last second of a day
CONTACTED_LATELY = timedelta(days=14)  # so long nobody hears from us first whom we wrote to by other means
LATER = timedelta(days=1)  # until then nobody looks again at what many share; where its cause ends they are woken
SHARED_HOLDS = frozenset({"busy_elsewhere", "colleague_first", "country_rule", "country_task", "first_batch"})


@dataclass(frozen=True)
class Facts:
    """All that a decision needs to know about one enrollment, its person and its next step."""

    due_at: datetime
    window: Window
    campaign_state: str
    mailbox_status: str
    has_address: bool
    person_stopped: bool = False
    site_stopped: bool = False
    suppressed_by: str = ""  # reason of a suppression that names this person
    person_hold: str = ""
    site_hold: str = ""
    demo_person_in_real_mailbox: bool = False
    is_merged_away: bool = False
    merge_waits: bool = False
    protected_by: str = ""  # whom to ask first
    contacted_elsewhere_at: datetime | None = None
    is_follow_up: bool = False
    domain: str = ""  # of the address
    goal: str = ""  # the one that was reached
    has_condition: bool = False
    meets_condition: bool | None = True  # None: it can't be read
    is_task: bool = False  # done by a person
    needs_approval: bool = False
    is_rehearsal: bool = False
    waits_behind_batch: bool = False  # the first batch of its campaign is full, and nobody let the others go
    whom: Whom | None = None  # None is a rehearsal, which no touch rule concerns
    site_answered_at: datetime | None = None
    turn: str = MINE  # whose it is at their site, where a campaign takes one at a time
    country_rule: str = ""  # "task": no mail, only a person's own message; "never"
    campaign_id: int = 0

    @property
    def shares(self) -> tuple[Share, ...]:
        """Whose shares of a day its next message takes."""
        return (DOMAIN, self.domain), (CAMPAIGN, self.campaign_id)


@dataclass(frozen=True)
class Send:
    """Send at this slot."""

    slot: datetime
    values: dict[str, Any] = field(default_factory=dict)
    rule = "due"


@dataclass(frozen=True)
class Ask:
    """Not before a person has done what `rule` names: approved the text, or done the task."""

    rule: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Wait:
    """Not before `until`, because of `rule`."""

    until: datetime
    rule: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hold:
    """Not until somebody lifts what `rule` names."""

    rule: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Skip:
    """Not this step: the enrollment goes on to the next."""

    rule: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finish:
    """Nothing more is needed: the enrollment ends well."""

    rule: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stop:
    """Never: the enrollment ends."""

    rule: str
    values: dict[str, Any] = field(default_factory=dict)


Verdict = Send | Ask | Wait | Hold | Skip | Finish | Stop


NO_TOUCHES = Touches()


def decide(*, now: datetime, facts: Facts, slots: SlotBook, touches: Touches = NO_TOUCHES) -> Verdict:
    """Stops come before goals, goals before holds, holds before skipping and waiting.

    A Send names the first free slot inside the window that is no touch too close to another; what a person has to do
    first takes none.
    """
    ends = _must_stop(facts) or (Finish(facts.goal) if facts.goal else None)
    holds = ends or _must_hold(facts) or _is_ruled_out(facts, touches)
    return holds or _is_not_for_them(now, facts) or _place(now, facts, slots, touches)


def look_again_at(*, now: datetime, verdict: Wait | Hold, when_due: bool) -> datetime:
    """When somebody who gets no slot now is looked at next (UTC); `when_due`: not ahead of that."""
    soonest = now + LOOK_AGAIN
    if isinstance(verdict, Hold):
        return now + LATER if verdict.rule in SHARED_HOLDS else soonest
    return max(soonest, verdict.until if when_due else planned_from(verdict.until))


def _must_stop(facts: Facts) -> Stop | None:
    if facts.suppressed_by:
        return Stop("suppressed", {"reason": facts.suppressed_by})
    if facts.person_stopped:
        return Stop("person_stopped")
    if facts.site_stopped:
        return Stop("site_stopped")
    if facts.is_merged_away:
        return Stop("merged_away")
    if not facts.has_address:
        return Stop("no_address")
    return Stop("colleague_answered") if facts.turn == ANSWERED else None


def _must_hold(facts: Facts) -> Hold | None:
    if facts.demo_person_in_real_mailbox:
        return Hold("demo_person")
    if facts.merge_waits:
        return Hold("merge_waiting")
    if facts.protected_by:
        return Hold("protected", {"reason": f"{facts.protected_by} decides"})
    if facts.person_hold:
        return Hold("person_held", {"reason": facts.person_hold})
    if facts.site_hold:
        return Hold("site_held", {"reason": facts.site_hold})
    if facts.campaign_state != "running":
        return Hold("campaign_not_running", {"state": facts.campaign_state})
    if facts.mailbox_status != "active" and not facts.is_task:
        return Hold("mailbox_not_active", {"status": facts.mailbox_status})
    if facts.waits_behind_batch:
        return Hold("first_batch")
    if facts.meets_condition is None:
        return Hold("condition_unreadable")
    return None


def _is_ruled_out(facts: Facts, touches: Touches) -> Hold | None:
    """By the rules over all campaigns."""
    if facts.country_rule == "never":
        return Hold("country_rule")
    if facts.country_rule == "task" and not facts.is_task:
        return Hold("country_task")
    if facts.turn == NOT_YET:
        return Hold("colleague_first")
    campaign = touches.busy_with(facts.whom) if facts.whom else ""
    return Hold("busy_elsewhere", {"campaign": campaign}) if campaign else None


def _is_not_for_them(now: datetime, facts: Facts) -> Skip | Wait | None:
    """A condition counts when the step is due, not before: what it asks for may still happen."""
    if facts.is_task and facts.is_rehearsal:
        return Skip("task_in_rehearsal")
    if not facts.has_condition:
        return None
    if now < facts.due_at:
        return _not_due(facts)
    return None if facts.meets_condition else Skip(CONDITION)


def _not_due(facts: Facts) -> Wait:
    return Wait(facts.due_at, "not_due", {"due_at": facts.due_at.isoformat()})


def _place(now: datetime, facts: Facts, slots: SlotBook, touches: Touches) -> Send | Ask | Wait:
    due, latest = max(now, facts.due_at), now if facts.is_task else slots.horizon
    for rested, rule, values in _rests(facts, touches):
        if rested > latest:
            return Wait(rested, rule, values)
        due = max(due, rested)
    if due > latest:
        return _not_due(facts)
    due, rule = touches.free_from(facts.whom, due) if facts.whom else (due, "")
    if due > latest:
        return Wait(due, rule, _until(due))
    if facts.is_task or facts.needs_approval:
        return Ask("task" if facts.is_task else "approval", {"due_at": facts.due_at.isoformat()})
    return _slot_apart(due, facts, slots, touches)


def _rests(facts: Facts, touches: Touches) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    """Until when somebody is left alone, by which rule."""
    if facts.contacted_elsewhere_at and not facts.is_follow_up:
        contacted_at = facts.contacted_elsewhere_at
        yield contacted_at + CONTACTED_LATELY, "contacted_lately", {"contacted_at": contacted_at.isoformat()}
    if facts.site_answered_at and touches.apart.after_answer and facts.whom:
        until = facts.site_answered_at + touches.apart.after_answer
        yield until, "site_answered", _until(until)


def _until(at: datetime) -> dict[str, Any]:
    return {"until": at.isoformat()}


def _slot_apart(due: datetime, facts: Facts, slots: SlotBook, touches: Touches) -> Send | Wait:
    found = _slot(due, facts, slots)
    while isinstance(found, Send) and facts.whom:
        free, rule = touches.free_from(facts.whom, found.slot)
        if free == found.slot:
            break
        found = _slot(free, facts, slots) if free <= slots.horizon else Wait(free, rule, _until(free))
    return found


def _slot(due: datetime, facts: Facts, slots: SlotBook) -> Send | Wait:
    opening = facts.window.next_open(due)
    if opening > slots.horizon:
        rule, holiday = facts.window.closed_because(due)
        return Wait(opening, rule, {"opens_at": opening.isoformat(), "zone": facts.window.zone} | _named(holiday))
    slot = slots.first(window=facts.window, earliest=due, shares=facts.shares)
    if slot is None:
        until = slots.horizon + A_MOMENT  # not before: until then nobody gets a slot
        return Wait(until, _full(facts, slots, due), {"until": slots.horizon.date().isoformat()})
    return Send(slot, {"due_at": facts.due_at.isoformat(), "zone": facts.window.zone})


def _full(facts: Facts, slots: SlotBook, due: datetime) -> str:
    """Whose share is used up: the mailbox's cap, unless it has a slot for somebody else."""
    if slots.first(window=facts.window, earliest=due) is not None:
        for share in facts.shares:
            if slots.first(window=facts.window, earliest=due, shares=(share,)) is None:
                return f"{share[0]}_full"
    return "mailbox_full"


def _named(holiday: str) -> dict[str, Any]:
    return {"holiday": holiday} if holiday else {}
