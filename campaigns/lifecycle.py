"""From a draft to a running campaign: create, add steps, check, launch, pause, resume."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from accounts.models import User
from campaigns import calendars, drafting, errands, filling, preflight, releasing, senders, tracking
from campaigns.conditions import Rule
from campaigns.drafting import FIVE, NINE, InvalidCampaign, NotEditable
from campaigns.models import Arm, Campaign, CampaignErrand, Enrollment, Goal, SequenceVersion, Step
from campaigns.models.campaign import DelayUnit, workdays
from campaigns.rules import waking
from integrations.models import Mailbox
from outreach.lib.errors import DomainError, Problem
from prospects.models import Program, Segment
from templates.models import Template

AT_ANY_TIME = {  # what can be changed of a launched campaign
    *("skip_holidays", "quiet_dates", "goals", "daily_limit", "more_mailboxes"),
    *("one_per_site", "audience_is_live", "live_daily_cap"),
}
LAUNCHED = (Campaign.State.RUNNING, Campaign.State.PAUSED)

__all__ = ["FIVE", "NINE", "InvalidCampaign", "NotEditable"]  # drafting's, which refuses by them too


class NotReady(DomainError):
    """The pre-flight check found problems; all of them are in `problems`."""

    status = 409


class StillRunning(DomainError):
    """Somebody is still on the way through this campaign."""

    status = 409


@dataclass(frozen=True)
class Launch:
    """What a launch did so far; a tick goes on until `is_done`."""

    enrolled: int
    is_done: bool


@transaction.atomic
def create_campaign(
    *,
    name: str,
    program: Program,
    segment: Segment,
    mailbox: Mailbox,
    time_zone: str = "UTC",
    skip_holidays: bool = True,
    quiet_dates: Sequence[date] = (),
    goals: Sequence[str] = tuple(Goal.values),
    daily_limit: int | None = None,
    more_mailboxes: Sequence[Mailbox] = (),
    by: User | None,
    is_demo: bool = False,
    **more: object,
) -> Campaign:
    """A draft with an empty sequence; `more` is of AT_ANY_TIME. Raises InvalidCampaign, senders.NotTogether."""
    _check_zone(time_zone)
    _check_mailbox(mailbox)
    campaign = Campaign.objects.create(
        name=name,
        program=program,
        segment=segment,
        mailbox=mailbox,
        time_zone=time_zone,
        skip_holidays=skip_holidays,
        quiet_dates=_quiet(list(quiet_dates)),
        goals=list(goals),
        daily_limit=daily_limit,
        created_by=by,
        is_demo=is_demo,
        **more,
    )
    SequenceVersion.objects.create(campaign=campaign, number=1)
    senders.set_further(campaign=campaign, mailboxes=more_mailboxes)
    return campaign


@transaction.atomic
def change_campaign(*, campaign: Campaign, now: datetime, **fields: object) -> Campaign:
    """Changes what a draft says of itself; of a launched campaign only what AT_ANY_TIME names.

    What is planned for a day that is quiet from now on, or has no room any more, gets another slot; whoever waits for
    a first message is shared out anew among the mailboxes. Raises NotEditable, InvalidCampaign, senders.NotTogether.
    """
    if isinstance(fields.get("time_zone"), str):
        _check_zone(str(fields["time_zone"]))
    if isinstance(chosen := fields.get("mailbox"), Mailbox) and chosen.pk != campaign.mailbox_id:
        _check_mailbox(chosen)
    if isinstance(days := fields.get("quiet_dates"), list):
        fields["quiet_dates"] = _quiet(days)
    open_in = (Campaign.State.DRAFT, *(LAUNCHED if fields.keys() <= AT_ANY_TIME else ()))
    rows, further = Campaign.objects.filter(pk=campaign.pk, state__in=open_in), fields.pop("more_mailboxes", None)
    if fields.get("audience_is_live") and not campaign.audience_is_live:
        fields["live_grown_on"] = now.date()  # who comes in is shown the day before
    if not (rows.update(**fields) if fields else further is None or rows.exists()):
        raise NotEditable(
            "This campaign was launched: only days off, goals, the daily limit, further mailboxes and who comes next "
            "can be changed, until it is archived."
        )
    campaign.refresh_from_db()
    if isinstance(further, Iterable):
        senders.set_further(campaign=campaign, mailboxes=list(further))
        senders.share_out(campaign=campaign, now=now)
    if campaign.state in LAUNCHED:
        releasing.move_closed(campaign=campaign, now=now)
        releasing.move_crowded(campaign=campaign, now=now)
        if fields.get("one_per_site") is False:
            waking.wake(rules=["colleague_first"], now=now, campaign_id=campaign.pk)
    return campaign


def _quiet(days: list[date]) -> list[date]:
    if len(set(days)) > calendars.MOST_QUIET:
        raise InvalidCampaign("", [Problem("quiet_dates", f"More than {calendars.MOST_QUIET} quiet dates.")])
    return sorted(set(days))


def _check_mailbox(mailbox: Mailbox) -> None:
    if mailbox.status == Mailbox.Status.RETIRED:
        words = f"{mailbox.from_address} is retired: nothing is sent from it."
        raise InvalidCampaign("", [Problem("mailbox", words)])


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidCampaign("", [Problem("time_zone", f"“{name}” is not a time zone like Europe/Berlin.")]) from error


@transaction.atomic
def add_step(
    *,
    campaign: Campaign,
    template: Template,
    delay: int = 0,
    delay_unit: str = DelayUnit.DAYS,
    window_start: time = NINE,
    window_end: time = FIVE,
    weekdays: list[int] | None = None,
    condition: Rule | None = None,
    needs_approval: bool = False,
    by: User | None,
) -> Step:
    """Appends a step that says the template's newest version. Raises NotEditable, InvalidCampaign."""
    weekdays = workdays() if weekdays is None else weekdays
    drafting.check_timing(delay_unit=delay_unit, window_start=window_start, window_end=window_end, weekdays=weekdays)
    drafting.check_condition(condition or {})
    version = drafting.editable_version(campaign)
    last = version.steps.aggregate(last=Max("position"))["last"] or 0
    step = Step.objects.create(
        sequence_version=version,
        key=drafting.new_key(),
        position=last + 1,
        channel=template.channel,
        delay=delay,
        delay_unit=delay_unit,
        window_start=window_start,
        window_end=window_end,
        weekdays=sorted(set(weekdays)),
        condition=condition or {},
        needs_approval=needs_approval,
    )
    Arm.objects.create(step=step, template_version=template.current_version())
    return step


def remove_step(*, step: Step) -> None:
    """Takes a step out of a draft's sequence. Raises NotEditable."""
    drafting.remove_step(step=step)


def launch(
    *,
    campaign: Campaign,
    now: datetime,
    by: User | None,
    first_batch: int | None = None,
    seconds: float = errands.TO_THE_END,
) -> Launch:
    """Publishes what was drafted, freezes the sequence, starts, and enrols the segment as it is now within `seconds`; a
    tick goes on with the rest, and nobody is written to until all of them are in.

    With a `first_batch` so many people get their first message; the others wait for `first_batches.release`. Raises
    NotReady with everything that is wrong; then nothing has changed.
    """
    _start(campaign, now=now, by=by, first_batch=first_batch)
    filling.go_on(seconds=seconds, campaign=campaign)
    asked = CampaignErrand.objects.filter(campaign=campaign, kind=filling.KIND).latest("id")
    return Launch(enrolled=asked.done["enrolled"], is_done=asked.finished_at is not None)


@transaction.atomic
def _start(campaign: Campaign, *, now: datetime, by: User | None, first_batch: int | None) -> None:
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    campaign.refresh_from_db()
    problems = preflight.check(campaign=campaign)
    if problems:
        raise NotReady("The campaign is not ready to launch.", problems)
    drafting.publish(campaign=campaign, by=by)
    version = campaign.current_version()
    SequenceVersion.objects.filter(pk=version.pk, published_at=None).update(published_at=now)
    tracking.register_links(version=version)
    Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.DRAFT).update(
        state=Campaign.State.RUNNING,
        launched_at=now,
        launched_by=by,
        state_reason="",
        live_grown_on=now.date(),
        first_batch=first_batch,
    )
    campaign.refresh_from_db()
    filling.ask(campaign=campaign, now=now, by=by)


def pause(*, campaign: Campaign, reason: str = "", by: User | None) -> bool:
    """Holds every message of the campaign at the gate, from this commit on. False when it was not running."""
    who = reason or (f"paused by {by}" if by else "paused")
    return _change_state(campaign, Campaign.State.RUNNING, Campaign.State.PAUSED, who)


def resume(*, campaign: Campaign, by: User | None) -> bool:
    """Goes on where a pause stopped. False when it was not paused."""
    return _change_state(campaign, Campaign.State.PAUSED, Campaign.State.RUNNING, f"resumed by {by}" if by else "")


def archive(*, campaign: Campaign, by: User | None) -> bool:
    """Puts a draft, a paused or an ended campaign away; nothing of it moves any more. False when it was away before.

    Raises StillRunning while people are on their way through it.
    """
    on_the_way = Enrollment.objects.filter(campaign=OuterRef("pk"), state=Enrollment.State.ACTIVE)
    resting = [Campaign.State.DRAFT, Campaign.State.PAUSED]
    rows = Campaign.objects.filter(pk=campaign.pk)
    ended = rows.filter(~Exists(on_the_way), state=Campaign.State.RUNNING)
    archived = {"state": Campaign.State.ARCHIVED, "state_reason": f"archived by {by}"[:200] if by else "archived"}
    changed = rows.filter(state__in=resting).update(**archived) or ended.update(**archived)
    campaign.refresh_from_db()
    if campaign.state == Campaign.State.RUNNING:
        raise StillRunning("People are still on their way through this campaign: pause it first, then archive it.")
    return bool(changed)


def restore(*, campaign: Campaign, by: User | None) -> bool:
    """Takes an archived campaign back: a draft as a draft, any other paused. False when it was not archived."""
    back = Campaign.State.PAUSED if campaign.launched_at else Campaign.State.DRAFT
    return _change_state(campaign, Campaign.State.ARCHIVED, back, f"restored by {by}" if by else "restored")


def _change_state(campaign: Campaign, old: str, new: str, reason: str) -> bool:
    changed = Campaign.objects.filter(pk=campaign.pk, state=old).update(state=new, state_reason=reason[:200])
    campaign.refresh_from_db()
    return bool(changed)
