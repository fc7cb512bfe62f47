"""What the steps of a campaign need to know about a person, and how many of its people do not have it."""

from dataclasses import dataclass

from django.db.models import Count, QuerySet

from campaigns import audience, blanks, drafting
from campaigns.models import Campaign
from prospects.models import Prospect

PREFIX = "lacks-"
MOST = 50  # variables of a campaign that are counted: one query answers for all of them


@dataclass(frozen=True)
class Lacking:
    """So many `people` have no such value; `step` is the first that can't be said without it."""

    step: int
    variable: str
    words: str
    people: int

    @property
    def reason(self) -> str:
        """The part of the audience that these people are, as it stands in an address."""
        return slug(self.variable)


def count(*, campaign: Campaign) -> tuple[Lacking, ...]:
    """How many of those who would be written to lack each thing that is needed; only what somebody lacks, by step.

    One query over the audience, and none when the steps need nothing. Raises segments.BadFilter.
    """
    steps = _steps(campaign)
    if not steps:
        return ()
    counting = {f"lack_{place}": Count("pk", filter=blanks.is_empty(name)) for place, name in enumerate(steps)}
    wanted = audience.people(campaign=campaign, reason=audience.WANTED).order_by()
    found = wanted.filter(blanks.any_empty(steps)).aggregate(
        **counting
    )  # cheap: it spares most the rules of an audience
    return tuple(
        Lacking(step=step, variable=name, words=blanks.words(name), people=found[f"lack_{place}"])
        for place, (name, step) in enumerate(steps.items())
        if found[f"lack_{place}"]
    )


def people(*, campaign: Campaign, variable: str) -> QuerySet[Prospect]:
    """Those who would be written to and lack this. Raises segments.BadFilter."""
    return audience.people(campaign=campaign, reason=audience.WANTED).filter(blanks.is_empty(variable))


def variable(*, campaign: Campaign, reason: str) -> str:
    """The variable that a part of the audience is about. Raises audience.UnknownReason when no step needs it."""
    found = next((name for name in _steps(campaign) if slug(name) == reason), None)
    if found is None:
        raise audience.UnknownReason(reason)
    return found


def slug(name: str) -> str:
    """The name that a variable has in an address: ASCII, as a slug is."""
    plain = name if name.isascii() else f"{name.encode('punycode').decode()}-"  # its own, as no other ends so
    return PREFIX + plain.replace(".", "-")


def used_by(*, campaign: Campaign) -> tuple[str, ...]:
    """The person's variables that the campaign's steps use at all: first those they can't be said without, by step."""
    contents = drafting.contents(campaign=campaign)
    first = {name: None for content in contents for name in sorted(blanks.needed(content))}
    others = {name: None for content in contents for name in sorted(blanks.named(content))}
    return tuple(first | others)[:MOST]


def _steps(campaign: Campaign) -> dict[str, int]:
    """What is needed, and the first step that needs it; in the order of the steps."""
    first: dict[str, int] = {}
    for content in drafting.contents(campaign=campaign):
        for name in sorted(blanks.needed(content)):
            first.setdefault(name, content.step.position)
    return dict(list(first.items())[:MOST])
