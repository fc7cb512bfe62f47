"""Everything that keeps a campaign from being launched, all at once."""

from campaigns import drafting, reaching, senders
from campaigns.models import Campaign
from integrations.models import Mailbox
from outreach.lib.errors import Problem
from prospects import segments, suppression


def check(*, campaign: Campaign) -> tuple[Problem, ...]:
    """Returns one Problem for each thing that is wrong, in the order a person would mend them; empty when ready."""
    reachable = reaching.problems(campaign=campaign)
    return (*_state(campaign), *_sender(campaign), *reachable, *_sequence(campaign), *_audience(campaign))


def of_sequence(*, campaign: Campaign) -> tuple[Problem, ...]:
    """The same of what a new version of a launched campaign's sequence needs: its steps, and who they speak for."""
    sender = [problem for problem in _sender(campaign) if problem.field == "program"]
    return (*sender, *_sequence(campaign))


def _state(campaign: Campaign) -> list[Problem]:
    if campaign.state == Campaign.State.DRAFT:
        return []
    return [Problem("state", f"Only a draft can be launched; this campaign is {campaign.get_state_display().lower()}.")]


def _sender(campaign: Campaign) -> list[Problem]:
    problems = []
    for mailbox in senders.of(campaign):
        if mailbox.status != Mailbox.Status.ACTIVE:
            problems.append(Problem("mailbox", f"The mailbox {mailbox} is {mailbox.get_status_display().lower()}."))
        if mailbox.verified_at is None:
            problems.append(Problem("mailbox", f"The mailbox {mailbox} was never checked: run its check first."))
        if mailbox.is_demo != campaign.mailbox.is_demo:
            problems.append(Problem("mailbox", f"The mailbox {mailbox} can't be used beside {campaign.mailbox}."))
    if not campaign.program.postal_address.strip():
        problems.append(Problem("program", f"The program {campaign.program} has no postal address."))
    return problems


def _sequence(campaign: Campaign) -> list[Problem]:
    """What the steps say now, published or not: a launch publishes the drafts."""
    contents = drafting.contents(campaign=campaign)
    if not contents:
        return [Problem("steps", "The sequence has no step.")]
    return [
        Problem(f"steps[{content.step.position}]", f"Step {content.step.position}: {problem.message}")
        for content in contents
        for problem in drafting.problems(content)
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
