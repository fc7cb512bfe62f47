"""Who a launch would enrol and who it leaves out, as a sum that adds up; it agrees with `enrolling.enroll`."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from campaigns import blanks, drafting, goals
from campaigns.deciding import CONTACTED_LATELY
from campaigns.models import Campaign, CountryRule, Enrollment
from campaigns.rules import waiting
from prospects import counting, segments, suppression
from prospects.models import Prospect, Site
from templates.models import Channel

WRITTEN = "written"
LACKING = "lacking"
WANTED = "wanted"  # written to, or lacking
EVERYBODY = "segment"
ELSEWHERE = "elsewhere"
SAME_SITE = "same-site"
LOOKED_AT = 1_000  # people under way elsewhere, at most: the warning is the same with more
WORDS = {
    "no-address": "have no address",
    "suppressed": "are on the suppression list",
    "person-stopped": "must not be written to",
    "site-stopped": "belong to a site that must not be written to",
    "country": "live where nobody is written to, by your rules",
    "enrolled": "are in this campaign already",
    "demo": "are invented people of the demo world, and this mailbox is real",
    "partner": "have joined the program already",
    "lacking": "lack something that the first mail says without a default: nothing is sent to them",
    "protected": "are protected: they wait until who looks after them was asked",
    "held": "are on hold, and wait until somebody releases them",
    "lately": "were written to lately by other means, and wait until two weeks after that",
    "busy": "are in another campaign, themselves or somebody of their site, and wait until that has ended",
    "touched": "were written to lately, or somebody of their site was or answered: they wait, as your rules say",
    "same-site": "wait until the one person of their site who comes first was written to and did not answer",
    "country-task": "live where only a person's own message is allowed, by your rules: mails to them wait",
}
ONE = {
    "no-address": "has no address",
    "suppressed": "is on the suppression list",
    "site-stopped": "belongs to a site that must not be written to",
    "country": "lives where nobody is written to, by your rules",
    "enrolled": "is in this campaign already",
    "demo": "is an invented person of the demo world, and this mailbox is real",
    "partner": "has joined the program already",
    "lacking": "lacks something that the first mail says without a default: nothing is sent to them",
    "protected": "is protected, and waits until who looks after them was asked",
    "held": "is on hold, and waits until somebody releases them",
    "lately": "was written to lately by other means, and waits until two weeks after that",
    "busy": "is in another campaign, or somebody of their site is, and waits until that has ended",
    "touched": "was written to lately, or somebody of their site was or answered: they wait, as your rules say",
    "same-site": "waits until the one person of their site who comes first was written to and did not answer",
    "country-task": "lives where only a person's own message is allowed, by your rules: mails to them wait",
}


@dataclass(frozen=True)
class LeftOut:
    """How many people are left out by one reason, and the words that follow "… people"."""

    reason: str
    words: str
    count: int


@dataclass(frozen=True)
class Audience:
    """`in_segment` is `written` and all that is left out; each person counts under the first reason that fits.

    Those who are on hold, are protected, were written to lately or wait by a rule are enrolled as well; so are those
    who lack something, whose way ends where their first mail can't be composed, unless it was filled in until then.
    """

    in_segment: int
    written: int
    left_out: tuple[LeftOut, ...]

    @property
    def wanted(self) -> int:
        """Who would be written to if nothing was lacking about anybody."""
        return self.written + sum(part.count for part in self.left_out if part.reason == LACKING)


@dataclass(frozen=True)
class Elsewhere:
    """How many will be written to while under way in another campaign: all of them, or at least so many."""

    count: int
    is_all: bool


class UnknownReason(Exception):
    """There is no such part of an audience."""


def add_up(*, campaign: Campaign) -> Audience:
    """The sum over the campaign's segment as it is now, in a fixed number of queries. Raises segments.BadFilter."""
    members = segments.members(segment=campaign.segment)
    reasons = _reasons(campaign, suppression.is_named(), lack=_lack(campaign))
    counts = counting.by_reason(members, reasons, otherwise=WRITTEN)
    if campaign.one_per_site and counts.get(WRITTEN):
        _one_of_each_site(counts, _becoming(members, reasons, WRITTEN))
    left_out = tuple(LeftOut(reason, _words(reason, n), n) for reason in WORDS if (n := counts.get(reason, 0)))
    return Audience(in_segment=sum(counts.values()), written=counts.get(WRITTEN, 0), left_out=left_out)


def _one_of_each_site(counts: dict[str, int], written: QuerySet[Prospect]) -> None:
    """Moves those who are not the first of their site from the one number to the other."""
    first = written.order_by().aggregate(sites=Count("site", distinct=True), alone=Count("pk", filter=Q(site=None)))
    later = counts[WRITTEN] - first["sites"] - first["alone"]
    counts[WRITTEN] -= later
    counts[SAME_SITE] = counts.get(SAME_SITE, 0) + later


def _becoming(members: QuerySet[Prospect], reasons: dict[str, Q], reason: str) -> QuerySet[Prospect]:
    found = members.alias(becomes=counting.first_of(reasons, otherwise=WRITTEN)).filter(becomes=reason)
    if reason == WRITTEN:
        return found
    return found.filter(reasons.get(reason, Q(pk=None)))  # once more: alone, a condition finds its few people quickly


def _words(reason: str, count: int) -> str:
    return ONE.get(reason, WORDS[reason]) if count == 1 else WORDS[reason]


def people(*, campaign: Campaign, reason: str) -> QuerySet[Prospect]:
    """The people behind one number: a reason, `written`, those of them who are `elsewhere`, or the whole `segment`;
    or `wanted`, who would be written to if nothing was lacking about anybody.

    Raises UnknownReason, and segments.BadFilter.
    """
    members = segments.members(segment=campaign.segment)
    if reason == EVERYBODY:
        return members
    if reason == ELSEWHERE:
        return people(campaign=campaign, reason=WRITTEN).filter(pk__in=_elsewhere(campaign))
    if reason not in (WRITTEN, WANTED, *WORDS):
        raise UnknownReason(reason)
    reasons = _reasons(campaign, Q(suppression.names_them()), lack=Q(pk=None) if reason == WANTED else _lack(campaign))
    reason = WRITTEN if reason == WANTED else reason
    found = _becoming(members, reasons, reason)
    if not campaign.one_per_site or reason not in (WRITTEN, SAME_SITE):
        return found
    written = found if reason == WRITTEN else _becoming(members, reasons, WRITTEN)
    first = Q(site=None) | Q(pk__in=waiting.first_of_sites(written).values("pk"))
    if reason == WRITTEN:
        return found.filter(first)
    return members.filter(Q(pk__in=found.order_by().values("pk")) | Q(pk__in=written.exclude(first).values("pk")))


def elsewhere(*, campaign: Campaign) -> Elsewhere:
    """How many of those who will be written to are under way in another campaign; they are not left out.

    It looks at no more than LOOKED_AT people under way. Raises segments.BadFilter.
    """
    members = segments.members(segment=campaign.segment).order_by()
    reasons = _reasons(campaign, Q(suppression.names_them()), lack=_lack(campaign))
    becomes = counting.first_of(reasons, otherwise=WRITTEN)
    under_way = members.filter(pk__in=_elsewhere(campaign)).annotate(becomes=becomes)
    written = Count("becomes", filter=Q(becomes=WRITTEN))
    counts = under_way.values("becomes")[:LOOKED_AT].aggregate(looked_at=Count("becomes"), written=written)
    return Elsewhere(count=counts["written"], is_all=counts["looked_at"] < LOOKED_AT)


def _elsewhere(campaign: Campaign) -> QuerySet[Any]:
    """The ids of everybody under way in another campaign."""
    active = Enrollment.objects.filter(state=Enrollment.State.ACTIVE).exclude(campaign=campaign)
    return active.filter(campaign__rehearsal_of=None, campaign__state__in=waiting.UNDER_WAY).values("prospect")


def _reasons(campaign: Campaign, is_suppressed: Q, *, lack: Q) -> dict[str, Q]:
    """Why somebody is left out, the first that fits first; how suppressions are looked up depends on for how many."""
    enrolled = Enrollment.objects.filter(campaign=campaign).values("prospect")
    reasons = {
        "no-address": Q(email=""),
        "suppressed": is_suppressed,
        "person-stopped": Q(stopped_at__isnull=False),
        "site-stopped": Q(site__in=Site.objects.filter(stopped_at__isnull=False)),
        "country": _lives_where(CountryRule.Rule.NEVER),
        "enrolled": Q(pk__in=enrolled),
        "demo": Q(is_demo=True),
        "partner": Q(pk__in=goals.partners(campaign)),
        LACKING: lack,
        "held": _marked("held_at"),
        "protected": _marked("protected_at"),
        "lately": Q(contacted_elsewhere_at__gt=timezone.now() - CONTACTED_LATELY),
        "country-task": _lives_where(CountryRule.Rule.TASK),
        **waiting.reasons(campaign, now=timezone.now()),
    }
    if campaign.mailbox.is_demo:
        reasons.pop("demo")
    return reasons


def _lack(campaign: Campaign) -> Q:
    """Who is to get a first mail that can't be composed for them, unless a person looks at it before it goes."""
    version = campaign.live_version() if campaign.launched_at else None
    first = next(iter(drafting.contents(campaign=campaign, version=version)), None)
    if first is None or first.step.needs_approval or first.step.channel == Channel.TASK:
        return Q(pk=None)
    condition = first.step.condition
    found = blanks.speechless(first)
    return found & segments.compile(condition, now=timezone.now()) if condition else found


def _lives_where(rule: str) -> Q:
    return Q(country__in=CountryRule.objects.filter(rule=rule).values("country"))


def _marked(mark: str) -> Q:
    """A mark of their own, or of their site."""
    return Q(**{f"{mark}__isnull": False}) | Q(site__in=Site.objects.filter(**{f"{mark}__isnull": False}))
