"""From a draft to a running campaign: create, add steps, check, launch, pause, resume."""

import uuid
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from campaigns import enrolling, preflight, tracking
from campaigns.models import Arm, Campaign, SequenceVersion, Step
from campaigns.models.campaign import DelayUnit, workdays
from integrations.models import Mailbox
from outreach.lib.errors import DomainError, Problem
from prospects.models import Program, Segment
from templates.models import Template

NINE, FIVE = time(9), time(17)


class InvalidCampaign(DomainError):
    """A field of a campaign or step has a value that can't be."""


class NotEditable(DomainError):
    """The sequence was launched: its steps no longer change."""

    status = 409


class NotReady(DomainError):
    """The pre-flight check found problems; all of them are in `problems`."""

    status = 409


@dataclass(frozen=True)
class Launch:
    """What a launch did."""

    enrolled: int


@transaction.atomic
def create_campaign(
    *,
    name: str,
    program: Program,
    segment: Segment,
    mailbox: Mailbox,
    time_zone: str = "UTC",
    by: User | None,
    is_demo: bool = False,
) -> Campaign:
    """A draft with an empty sequence. Raises InvalidCampaign."""
    _check_zone(time_zone)
    campaign = Campaign.objects.create(
        name=name,
        program=program,
        segment=segment,
        mailbox=mailbox,
        time_zone=time_zone,
        created_by=by,
        is_demo=is_demo,
    )
    SequenceVersion.objects.create(campaign=campaign, number=1)
    return campaign


def change_campaign(*, campaign: Campaign, **fields: object) -> Campaign:
    """Changes name, program, segment, mailbox or time_zone of a draft. Raises NotEditable, InvalidCampaign."""
    if isinstance(fields.get("time_zone"), str):
        _check_zone(str(fields["time_zone"]))
    changed = Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.DRAFT).update(**fields) if fields else 1
    if not changed:
        raise NotEditable("This campaign was launched: only a draft can be changed.")
    campaign.refresh_from_db()
    return campaign


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
    by: User | None,
) -> Step:
    """Appends a step that says the template's newest version. Raises NotEditable, InvalidCampaign."""
    weekdays = workdays() if weekdays is None else weekdays
    _check_step(delay_unit, window_start, window_end, weekdays)
    version = _editable_version(campaign)
    last = version.steps.aggregate(last=Max("position"))["last"] or 0
    step = Step.objects.create(
        sequence_version=version,
        key=uuid.uuid4().hex[:12],
        position=last + 1,
        channel=template.channel,
        delay=delay,
        delay_unit=delay_unit,
        window_start=window_start,
        window_end=window_end,
        weekdays=sorted(set(weekdays)),
    )
    Arm.objects.create(step=step, template_version=template.current_version())
    return step


def _check_step(delay_unit: str, window_start: time, window_end: time, weekdays: list[int]) -> None:
    problems = []
    if delay_unit not in DelayUnit.values:
        problems.append(Problem("delay_unit", f"One of {', '.join(DelayUnit.values)}."))
    if window_end != time(0) and window_end <= window_start:
        problems.append(Problem("window_end", "The window ends before it starts; 00:00 means midnight."))
    if not weekdays or not set(weekdays) <= set(range(1, 8)):
        problems.append(Problem("weekdays", "At least one day, from 1 (Monday) to 7 (Sunday)."))
    if problems:
        raise InvalidCampaign("", problems)


@transaction.atomic
def remove_step(*, step: Step) -> None:
    """Takes a step out of a draft's sequence. Raises NotEditable."""
    version = _editable_version(step.sequence_version.campaign)
    step.delete()
    for position, remaining in enumerate(version.steps.order_by("position"), start=1):
        if remaining.position != position:
            Step.objects.filter(pk=remaining.pk).update(position=position)


def _editable_version(campaign: Campaign) -> SequenceVersion:
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    version = campaign.current_version()
    if version.published_at:
        raise NotEditable("This campaign was launched: its steps no longer change.")
    return version


@transaction.atomic
def launch(*, campaign: Campaign, now: datetime, by: User | None) -> Launch:
    """Freezes the sequence, enrols the segment and starts. Raises NotReady with everything that is wrong."""
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    campaign.refresh_from_db()
    problems = preflight.check(campaign=campaign)
    if problems:
        raise NotReady("The campaign is not ready to launch.", problems)
    version = campaign.current_version()
    SequenceVersion.objects.filter(pk=version.pk, published_at=None).update(published_at=now)
    tracking.register_links(version=version)
    Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.DRAFT).update(
        state=Campaign.State.RUNNING, launched_at=now, launched_by=by, state_reason=""
    )
    campaign.refresh_from_db()
    return Launch(enrolled=enrolling.enroll_segment(campaign=campaign, now=now, by=by))


def pause(*, campaign: Campaign, reason: str = "", by: User | None) -> bool:
    """Holds every message of the campaign at the gate, from this commit on. False when it was not running."""
    who = reason or (f"paused by {by}" if by else "paused")
    return _change_state(campaign, Campaign.State.RUNNING, Campaign.State.PAUSED, who)


def resume(*, campaign: Campaign, by: User | None) -> bool:
    """Goes on where a pause stopped. False when it was not paused."""
    return _change_state(campaign, Campaign.State.PAUSED, Campaign.State.RUNNING, f"resumed by {by}" if by else "")


def _change_state(campaign: Campaign, old: str, new: str, reason: str) -> bool:
    changed = Campaign.objects.filter(pk=campaign.pk, state=old).update(state=new, state_reason=reason[:200])
    campaign.refresh_from_db()
    return bool(changed)
