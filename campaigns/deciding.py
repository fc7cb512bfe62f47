"""What happens to one enrollment now: one pure function, no clock and no database inside.

The planner stores its answers, `explaining` asks it again for the present, the tests run it over histories.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from campaigns.scheduling import CAMPAIGN, DOMAIN, Share, SlotBook, Window

LOOK_AGAIN = timedelta(minutes=15)
CONDITION = "condition"
CONTACTED_LATELY = timedelta(days=14)  # so long nobody hears from us first whom we wrote to by other means


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


def decide(*, now: datetime, facts: Facts, slots: SlotBook) -> Verdict:
    """Stops come before goals, goals before holds, holds before skipping and waiting.

    A Send names the first free slot inside the window; what a person has to do first takes none.
    """
    ends = _must_stop(facts) or (Finish(facts.goal) if facts.goal else None)
    return ends or _must_hold(facts) or _is_not_for_them(now, facts) or _place(now, facts, slots)


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
    return None


def _must_hold(facts: Facts) -> Hold | None:
    if facts.demo_person_in_real_mailbox:
        return Hold("demo_person")
    if facts.merge_waits:
        return Hold("merge_waiting")
    if facts.protected_by:
        return Hold("protected", {"reason": f"ask {facts.protected_by} first"})
    if facts.person_hold:
        return Hold("person_held", {"reason": facts.person_hold})
    if facts.site_hold:
        return Hold("site_held", {"reason": facts.site_hold})
    if facts.campaign_state != "running":
        return Hold("campaign_not_running", {"state": facts.campaign_state})
    if facts.mailbox_status != "active" and not facts.is_task:
        return Hold("mailbox_not_active", {"status": facts.mailbox_status})
    if facts.meets_condition is None:
        return Hold("condition_unreadable")
    return None


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


def _place(now: datetime, facts: Facts, slots: SlotBook) -> Send | Ask | Wait:
    due, latest = max(now, facts.due_at), now if facts.is_task else slots.horizon
    if facts.contacted_elsewhere_at and not facts.is_follow_up:
        rested = facts.contacted_elsewhere_at + CONTACTED_LATELY
        if rested > latest:
            return Wait(rested, "contacted_lately", {"contacted_at": facts.contacted_elsewhere_at.isoformat()})
        due = max(due, rested)
    if due > latest:
        return _not_due(facts)
    if facts.is_task or facts.needs_approval:
        return Ask("task" if facts.is_task else "approval", {"due_at": facts.due_at.isoformat()})
    return _slot(due, facts, slots)


def _slot(due: datetime, facts: Facts, slots: SlotBook) -> Send | Wait:
    opening = facts.window.next_open(due)
    if opening > slots.horizon:
        rule, holiday = facts.window.closed_because(due)
        return Wait(opening, rule, {"opens_at": opening.isoformat(), "zone": facts.window.zone} | _named(holiday))
    slot = slots.first(window=facts.window, earliest=due, shares=facts.shares)
    if slot is None:
        return Wait(slots.horizon, _full(facts, slots, due), {"until": slots.horizon.date().isoformat()})
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
