"""What a new campaign starts with, so that writing can begin at once."""

import json
import re
from dataclasses import dataclass
from zoneinfo import available_timezones

from django.db import transaction

from accounts.models import User
from campaigns import drafting, lifecycle, senders
from campaigns.conditions import Rule
from campaigns.models import Arm, Campaign, SequenceVersion, Step, StepDraft
from integrations.models import Mailbox
from outreach.lib.errors import DomainError, Problem
from prospects.models import Program, Prospect, Segment

EVERYBODY = "Everybody"
UTC = "UTC"
COPY = re.compile(r" \(copy(?: \d+)?\)$")
LONGEST_NAME = 100


class NothingToStartWith(DomainError):
    """A campaign needs a program, a mailbox and people first; `problems` names what is missing."""

    status = 409


@dataclass(frozen=True)
class Start:
    """What a campaign can be made of; None or False where something must be added first."""

    program: Program | None
    mailbox: Mailbox | None
    has_people: bool

    @property
    def is_complete(self) -> bool:
        """Whether a campaign can be made now."""
        return bool(self.program and self.mailbox and self.has_people)


def start() -> Start:
    """The program used last, the first active mailbox (a real one before the demo's), and whether anybody is there."""
    used = Campaign.objects.filter(rehearsal_of=None).order_by("-id").values_list("program", flat=True).first()
    programs = Program.objects.filter(pk=used) if used else Program.objects.all()
    active = Mailbox.objects.filter(status=Mailbox.Status.ACTIVE)
    return Start(
        program=programs.order_by("-id").first(),
        mailbox=active.defer("smtp_password", "imap_password", "service_key").order_by("is_demo", "id").first(),
        has_people=Prospect.objects.exists(),
    )


def free_name(wanted: str = "") -> str:
    """A campaign name that nobody has: the wanted one or, with a number behind it, the next; else "Campaign 3"."""
    if not wanted:
        wanted = f"Campaign {Campaign.objects.filter(rehearsal_of=None).count() + 1}"
    wanted = wanted[: LONGEST_NAME - 6]
    taken = set(Campaign.objects.filter(name__startswith=wanted).values_list("name", flat=True))
    numbers = (f"{wanted} {number}" for number in range(2, len(taken) + 3))
    return next(name for name in (wanted, *numbers) if name not in taken)


@transaction.atomic
def begin(*, name: str, segment: Segment | None = None, time_zone: str = "", by: User | None) -> Campaign:
    """A draft with sensible defaults and one blank step. Raises NothingToStartWith, InvalidCampaign.

    Its clock is that of `by`; of whoever never chose one it is `time_zone` (the browser's), when that is known.
    """
    found = start()
    if not (found.program and found.mailbox and found.has_people):
        raise NothingToStartWith("Add a program, a mailbox and some prospects first.")
    if Campaign.objects.filter(name=name).exists():
        raise drafting.InvalidCampaign("", [Problem("name", "There is a campaign of this name already.")])
    campaign = lifecycle.create_campaign(
        name=name,
        program=found.program,
        mailbox=found.mailbox,
        segment=segment or _newest_segment(by),
        time_zone=_clock(by, time_zone),
        by=by,
    )
    drafting.add_step(campaign=campaign, by=by)
    return campaign


def _clock(by: User | None, browsers: str) -> str:
    own = by.time_zone if by else UTC
    return browsers if own == UTC and browsers in available_timezones() else own


def _newest_segment(by: User | None) -> Segment:
    newest = Segment.objects.order_by("-id").first()
    return newest or Segment.objects.create(name=EVERYBODY, filter={}, created_by=by)


@transaction.atomic
def duplicate(*, campaign: Campaign, by: User | None) -> Campaign:
    """A new draft "Name (copy)" for the same people: the same steps in their timing, with what they say now.

    A copy of a copy is "Name (copy 2)".
    """
    copy = lifecycle.create_campaign(
        name=_copy_name(campaign.name),
        program=campaign.program,
        segment=campaign.segment,
        mailbox=campaign.mailbox,
        time_zone=campaign.time_zone,
        skip_holidays=campaign.skip_holidays,
        quiet_dates=campaign.quiet_dates,
        goals=campaign.goals,
        daily_limit=campaign.daily_limit,
        more_mailboxes=[each for each in senders.further(campaign) if each.status != Mailbox.Status.RETIRED],
        is_demo=campaign.is_demo,
        one_per_site=campaign.one_per_site,
        audience_is_live=campaign.audience_is_live,
        live_daily_cap=campaign.live_daily_cap,
        by=by,
    )
    version = copy.current_version()
    runs = campaign.live_version() if campaign.launched_at else None  # what is being written for it is no part of it
    for content in drafting.contents(campaign=campaign, version=runs):
        _copy(content, version)
    return copy


def _copy_name(name: str) -> str:
    stem = COPY.sub("", name)[: LONGEST_NAME - 14]
    taken = set(Campaign.objects.filter(name__startswith=f"{stem} (copy").values_list("name", flat=True))
    numbers = (f"{stem} (copy {number})" for number in range(2, len(taken) + 3))
    return next(wanted for wanted in (f"{stem} (copy)", *numbers) if wanted not in taken)


def _about(condition: Rule, campaign: Campaign, other: Campaign) -> Rule:
    """What a condition asks of its own campaign, a copy asks of itself."""
    said: Rule = json.loads(json.dumps(condition).replace(str(campaign.public_id), str(other.public_id)))
    return said


def _copy(content: drafting.Content, version: SequenceVersion) -> None:
    kept = ("position", "channel", "needs_approval", "delay", "delay_unit", "window_start", "window_end", "weekdays")
    same = {name: getattr(content.step, name) for name in kept}
    condition = _about(content.step.condition, content.step.sequence_version.campaign, version.campaign)
    step = Step.objects.create(sequence_version=version, key=drafting.new_key(), condition=condition, **same)
    if content.draft:
        StepDraft.objects.create(step=step, subject=content.subject, text=content.text, html=content.html)
    for arm in content.step.arms.all():
        Arm.objects.create(step=step, name=arm.name, template_version=arm.template_version)
