"""Drafts that somebody began: what is written of each, and that it is not launched."""

from dataclasses import dataclass

from django.db.models import Prefetch

from campaigns import drafting
from campaigns.models import Arm, Campaign, Step

MOST = 3


@dataclass(frozen=True)
class Unfinished:
    """A draft, how many steps it has, and how many of these say something."""

    campaign: Campaign
    steps: int
    written: int

    @property
    def so_far(self) -> str:
        """How far it is: "2 steps written"."""
        if not self.written:
            return "nothing written yet"
        if self.written < self.steps:
            return f"{self.written} of {self.steps} steps written"
        return "1 step written" if self.steps == 1 else f"{self.steps} steps written"


def drafts() -> list[Unfinished]:
    """The three newest drafts, the newest first. A fixed number of queries."""
    found = list(Campaign.objects.filter(rehearsal_of=None, state=Campaign.State.DRAFT).order_by("-id")[:MOST])
    arms = Prefetch("arms", Arm.objects.select_related("template_version__template").order_by("name"))
    steps = Step.objects.filter(sequence_version__campaign__in=found).select_related("draft", "sequence_version")
    says: dict[int, list[bool]] = {campaign.pk: [] for campaign in found}
    for step in steps.prefetch_related(arms):
        says[step.sequence_version.campaign_id].append(not drafting.content_of(step).says_nothing)
    return [Unfinished(campaign, len(says[campaign.pk]), sum(says[campaign.pk])) for campaign in found]


def any_launched() -> bool:
    """Whether a campaign was ever launched here. One query."""
    return Campaign.objects.filter(rehearsal_of=None, launched_at__isnull=False).exists()
