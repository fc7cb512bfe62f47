"""What to mind before a launch, as the builder shows it: each with the page that lists its people."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse

from campaigns import audience, blanks, cautions, lacking
from campaigns.audience import Audience
from campaigns.cautions import Caution
from campaigns.drafting import Content
from campaigns.models import Campaign, Step
from prospects.models import Prospect

SAID = {
    audience.EVERYBODY: "are in the segment",
    audience.WRITTEN: "will be written to",
    audience.WANTED: "would be written to if nothing was lacking about them",
    audience.ELSEWHERE: "are under way in another campaign",
    **audience.WORDS,
}


@dataclass(frozen=True)
class Warned:
    """One thing to mind, and where its people are listed."""

    sentence: str
    link: str
    field: str = ""


def of(campaign: Campaign, *, added_up: Audience | None = None) -> list[Warned]:
    """Everything to mind; see `cautions.of`."""
    return [_warned(campaign, caution) for caution in cautions.of(campaign=campaign, added_up=added_up)]


def elsewhere(campaign: Campaign) -> list[Warned]:
    """Whoever is under way in another campaign. Raises segments.BadFilter."""
    return [_warned(campaign, caution) for caution in cautions.elsewhere(campaign=campaign)]


def _warned(campaign: Campaign, caution: Caution) -> Warned:
    link = reverse("campaign-audience-people", args=[campaign.public_id, caution.reason])
    return Warned(caution.message, link, caution.field)


def by_step(contents: Sequence[Content], said: Sequence[Warned]) -> list[tuple[Step, list[Warned]]]:
    """Each step with what is to be minded about it, to stand beside its text."""
    steps = [content.step for content in contents]
    return [(step, [each for each in said if each.field == f"steps[{step.position}]"]) for step in steps]


def people(campaign: Campaign, reason: str) -> tuple[QuerySet[Prospect], str]:
    """The people behind a number or a warning, and what they do or lack, in words.

    Raises audience.UnknownReason and segments.BadFilter.
    """
    if reason.startswith(lacking.PREFIX):
        variable = lacking.variable(campaign=campaign, reason=reason)
        return lacking.people(campaign=campaign, variable=variable), f"have no {blanks.words(variable)}"
    return audience.people(campaign=campaign, reason=reason), SAID[reason]
