"""What the steps of a campaign need to know about a person, and how many of its people do not have it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Count, F, Q, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Trim
from django.db.models.lookups import Exact

from campaigns import audience, composing, drafting
from campaigns.drafting import Content
from campaigns.models import Campaign
from prospects.models import Prospect
from templates import linting, rendering
from templates.context import CUSTOM, VARIABLES
from templates.engine import BadSource
from templates.models import TemplateVersion

PREFIX = "lacks-"
MOST = 50  # variables of a campaign that are counted: one query answers for all of them
FIELDS = {"first_name": "first name", "last_name": "last name", "full_name": "name", "job_title": "job title"}


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


def needed(content: Content) -> frozenset[str]:
    """The person's variables that a step can't be said without, each tried by itself while all others have a value.

    Nothing for a text that can't be rendered at all: `drafting.problems` says why. The sender's variables are not the
    person's. A variable that only a condition asks for is judged as if every other value were there.
    """
    version = TemplateVersion(subject=content.subject, text=content.text, html=content.html)
    try:
        names = linting.variables(subject=content.subject, text=content.text, html=content.html)
    except BadSource:
        return frozenset()
    if not _renders(version, names):
        return frozenset()
    asked = sorted(names - composing.SENDERS_WORDS)[:MOST]
    return frozenset(name for name in asked if not _renders(version, names - {name}))


def count(*, campaign: Campaign) -> tuple[Lacking, ...]:
    """How many of those who will be written to lack each thing that is needed; only what somebody lacks, by step.

    One query over the audience, and none when the steps need nothing. Raises segments.BadFilter.
    """
    steps = _steps(campaign)
    if not steps:
        return ()
    counting = {f"lack_{place}": Count("pk", filter=_is_empty(name)) for place, name in enumerate(steps)}
    written = audience.people(campaign=campaign, reason=audience.WRITTEN).order_by()
    found = written.filter(any_empty(steps)).aggregate(**counting)  # cheap: it spares most the rules of an audience
    return tuple(
        Lacking(step=step, variable=name, words=words(name), people=found[f"lack_{place}"])
        for place, (name, step) in enumerate(steps.items())
        if found[f"lack_{place}"]
    )


def people(*, campaign: Campaign, variable: str) -> QuerySet[Prospect]:
    """Those who will be written to and lack this. Raises segments.BadFilter."""
    return audience.people(campaign=campaign, reason=audience.WRITTEN).filter(_is_empty(variable))


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
    first = {name: None for content in contents for name in sorted(needed(content))}
    others = {name: None for content in contents for name in sorted(_named(content) - composing.SENDERS_WORDS)}
    return tuple(first | others)[:MOST]


def _named(content: Content) -> frozenset[str]:
    try:
        return linting.variables(subject=content.subject, text=content.text, html=content.html)
    except BadSource:
        return frozenset()


def any_empty(names: Iterable[str]) -> Q:
    """Whoever lacks one of these variables, of which there is at least one."""
    return reduce(or_, (_is_empty(name) for name in names))


def value(*, prospect: Prospect, variable: str) -> str:
    """What one of the person's variables says; "" when it is empty. `site` is looked at."""
    root, _, own = variable.partition(".")
    if root == CUSTOM:
        held = prospect.custom.get(own)
        return "" if held is None else str(held).strip()
    return str(getattr(prospect, variable) or "").strip()


def words(name: str) -> str:
    """A variable as people call it: “first name”, or their own column in quotes."""
    root, _, own = name.partition(".")
    return f"“{own}”" if root == CUSTOM and own else FIELDS.get(name, name)


def _steps(campaign: Campaign) -> dict[str, int]:
    """What is needed, and the first step that needs it; in the order of the steps."""
    first: dict[str, int] = {}
    for content in drafting.contents(campaign=campaign):
        for name in sorted(needed(content)):
            first.setdefault(name, content.step.position)
    return dict(list(first.items())[:MOST])


def _renders(version: TemplateVersion, names: frozenset[str]) -> bool:
    """Whether the message can be said when these, and nothing else, have a value."""
    values: dict[str, str | dict[str, str]] = {name: "x" for name in names if name in VARIABLES}
    values[CUSTOM] = {name.partition(".")[2]: "x" for name in names if name not in VARIABLES}
    try:
        rendering.render(version, values)
    except rendering.RenderError:
        return False
    return True


def _is_empty(name: str) -> Q:
    """The same as `composing.values_for` having nothing to say."""
    root, _, own = name.partition(".")
    if root == CUSTOM:
        held = Coalesce(KeyTextTransform(own, CUSTOM), Value("", TextField()))
        return Q(Exact(Trim(held), Value("")))
    if name == "site":
        return Q(site=None)
    if name == "full_name":
        return Q(first_name="", last_name="")
    return Q(Exact(Trim(F(name)), Value("")))
