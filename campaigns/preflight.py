"""Everything that keeps a campaign from being launched, all at once."""

from campaigns.models import Arm, Campaign
from integrations.models import Mailbox
from outreach.lib.errors import Problem
from prospects import segments, suppression
from templates import linting
from templates.models import TemplateVersion


def check(*, campaign: Campaign) -> tuple[Problem, ...]:
    """Returns one Problem for each thing that is wrong, in the order a person would mend them; empty when ready."""
    return (*_state(campaign), *_sender(campaign), *_sequence(campaign), *_audience(campaign))


def _state(campaign: Campaign) -> list[Problem]:
    if campaign.state == Campaign.State.DRAFT:
        return []
    return [Problem("state", f"Only a draft can be launched; this campaign is {campaign.get_state_display().lower()}.")]


def _sender(campaign: Campaign) -> list[Problem]:
    problems = []
    mailbox = campaign.mailbox
    if mailbox.status != Mailbox.Status.ACTIVE:
        problems.append(Problem("mailbox", f"The mailbox {mailbox} is {mailbox.get_status_display().lower()}."))
    if mailbox.verified_at is None:
        problems.append(Problem("mailbox", f"The mailbox {mailbox} was never checked: run its check first."))
    if not campaign.program.postal_address.strip():
        problems.append(Problem("program", f"The program {campaign.program} has no postal address."))
    return problems


def _sequence(campaign: Campaign) -> list[Problem]:
    arms = list(
        Arm.objects.filter(step__sequence_version=campaign.current_version())
        .select_related("step", "template_version__template")
        .order_by("step__position")
    )
    if not arms:
        return [Problem("steps", "The sequence has no step.")]
    problems = []
    if not arms[0].template_version.subject:
        problems.append(Problem("steps[1]", "The first step needs a subject."))
    for arm in arms:
        problems += _content(arm.step.position, arm.template_version)
    return problems


def _content(position: int, version: TemplateVersion) -> list[Problem]:
    wanted = {"unsubscribe_url": "unsubscribe link", "postal_address": "postal address"}
    parts = {"text": linting.variables(subject="", text=version.text)}
    if version.html:
        parts["HTML"] = linting.variables(subject="", text="", html=version.html)
    return [
        Problem(f"steps[{position}]", f"“{version.template}” has no {what} in its {part}: add {{{{ {name} }}}}.")
        for part, used in parts.items()
        for name, what in wanted.items()
        if name not in used
    ]


def _audience(campaign: Campaign) -> list[Problem]:
    try:
        members = segments.members(segment=campaign.segment)
    except segments.BadFilter as error:
        return [Problem("segment", f"The segment {campaign.segment} can't be read: {error}")]
    if not members.exclude(email="").exists():
        return [Problem("segment", f"Nobody with an address is in the segment {campaign.segment}.")]
    if not suppression.without_suppressed(members.exclude(email="")).exists():
        return [Problem("segment", f"Everybody in the segment {campaign.segment} is suppressed.")]
    return []
