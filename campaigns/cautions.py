"""What to mind before a launch that does not keep anybody from it, in words, with the people it is about."""

from dataclasses import dataclass

from campaigns import audience, lacking
from campaigns.audience import Audience
from campaigns.lacking import Lacking
from campaigns.models import Campaign
from outreach.lib import words
from prospects import segments


@dataclass(frozen=True)
class Caution:
    """One thing to mind: the field it is about, and the part of the audience whose people it is about."""

    field: str
    message: str
    reason: str
    people: int


def of(*, campaign: Campaign, added_up: Audience | None = None) -> list[Caution]:
    """What the people lack and where else they are; nothing while their segment can't be read (a problem says so).

    The sum of the audience is added up when it is needed and not given.
    """
    try:
        lacks = lacking.count(campaign=campaign)
        if not lacks:
            return elsewhere(campaign=campaign)
        wanted = (added_up or audience.add_up(campaign=campaign)).wanted
        return [*(_lacks(found, wanted) for found in lacks), *elsewhere(campaign=campaign)]
    except segments.BadFilter:
        return []


def elsewhere(*, campaign: Campaign) -> list[Caution]:
    """Whoever is under way in another campaign. Raises segments.BadFilter."""
    found = audience.elsewhere(campaign=campaign)
    if not found.count:
        return []
    number = f"{found.count:,}" if found.is_all else f"At least {found.count:,}"
    who = "1 of these people is" if found.count == 1 else f"{number} of these people are"
    sentence = f"{who} under way in another campaign: they would get the messages of both."
    return [Caution("segment", sentence, audience.ELSEWHERE, found.count)]


def _lacks(found: Lacking, wanted: int) -> Caution:
    have = "has" if found.people == 1 else "have"
    sentence = (
        f"{found.people:,} of {words.people(wanted)} {have} no {found.words}, which step {found.step} needs: "
        f"give a default ({{{{ {found.variable} | default: '…' }}}}), fill it in, "
        "or they are left out of this campaign at that step."
    )
    return Caution(f"steps[{found.step}]", sentence, found.reason, found.people)
