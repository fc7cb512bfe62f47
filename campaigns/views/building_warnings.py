"""What to mind before a launch that does not keep anybody from it, in words and with the people it is about."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse

from campaigns import audience, lacking
from campaigns.lacking import Lacking
from campaigns.models import Campaign
from outreach.lib import words
from prospects import segments
from prospects.models import Prospect

SAID = {
    audience.EVERYBODY: "are in the segment",
    audience.WRITTEN: "will be written to",
    audience.ELSEWHERE: "are under way in another campaign",
    **audience.WORDS,
}


@dataclass(frozen=True)
class Caution:
    """One thing to mind, and where its people are listed."""

    sentence: str
    link: str


def of(campaign: Campaign, *, written: int | None = None) -> list[Caution]:
    """What the people lack and where else they are; nothing while their segment can't be read (a problem says so).

    `written`, how many will be written to, is counted when it is needed and not given.
    """
    try:
        lacks = lacking.count(campaign=campaign)
        if lacks and written is None:
            written = audience.add_up(campaign=campaign).written
        return [*(_lacks(campaign, found, written or 0) for found in lacks), *elsewhere(campaign)]
    except segments.BadFilter:
        return []


def elsewhere(campaign: Campaign) -> list[Caution]:
    """Whoever is under way in another campaign. Raises segments.BadFilter."""
    count = audience.elsewhere(campaign=campaign)
    if not count:
        return []
    number = f"{count:,}" if count <= audience.MOST_ELSEWHERE else f"More than {audience.MOST_ELSEWHERE:,}"
    who = "1 of these people is" if count == 1 else f"{number} of these people are"
    sentence = f"{who} under way in another campaign: they would get the messages of both."
    return [Caution(sentence, _link(campaign, audience.ELSEWHERE))]


def _lacks(campaign: Campaign, found: Lacking, written: int) -> Caution:
    have = "has" if found.people == 1 else "have"
    sentence = (
        f"{found.people:,} of {words.people(written)} {have} no {found.words}, which step {found.step} needs: "
        f"give a default ({{{{ {found.variable} | default: '…' }}}}), fill it in, "
        "or they are left out of this campaign at that step."
    )
    return Caution(sentence, _link(campaign, found.reason))


def _link(campaign: Campaign, reason: str) -> str:
    return reverse("campaign-audience-people", args=[campaign.public_id, reason])


def people(campaign: Campaign, reason: str) -> tuple[QuerySet[Prospect], str]:
    """The people behind a number or a warning, and what they do or lack, in words.

    Raises audience.UnknownReason and segments.BadFilter.
    """
    if reason.startswith(lacking.PREFIX):
        variable = lacking.variable(campaign=campaign, reason=reason)
        return lacking.people(campaign=campaign, variable=variable), f"have no {lacking.words(variable)}"
    return audience.people(campaign=campaign, reason=reason), SAID[reason]
