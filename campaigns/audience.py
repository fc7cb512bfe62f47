"""Who a launch would enrol and who it leaves out, as a sum that adds up; it agrees with `enrolling.enroll`."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from campaigns.deciding import CONTACTED_LATELY
from campaigns.models import Campaign, Enrollment
from prospects import counting, segments, suppression
from prospects.models import Prospect, Site

WRITTEN = "written"
EVERYBODY = "segment"
ELSEWHERE = "elsewhere"
LOOKED_AT = 1_000  # people under way elsewhere, at most: the warning is the same with more
UNDER_WAY = (Campaign.State.RUNNING, Campaign.State.PAUSED)
WORDS = {
    "no-address": "have no address",
    "suppressed": "are on the suppression list",
    "person-stopped": "must not be written to",
    "site-stopped": "belong to a site that must not be written to",
    "enrolled": "are in this campaign already",
    "demo": "are invented people of the demo world, and this mailbox is real",
    "protected": "are protected: they wait until who looks after them was asked",
    "held": "are on hold, and wait until somebody releases them",
    "lately": "were written to lately by other means, and wait until two weeks after that",
}
ONE = {
    "no-address": "has no address",
    "suppressed": "is on the suppression list",
    "site-stopped": "belongs to a site that must not be written to",
    "enrolled": "is in this campaign already",
    "demo": "is an invented person of the demo world, and this mailbox is real",
    "protected": "is protected, and waits until who looks after them was asked",
    "held": "is on hold, and waits until somebody releases them",
    "lately": "was written to lately by other means, and waits until two weeks after that",
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

    Those who are on hold, are protected or were written to lately are enrolled as well, and wait.
    """

    in_segment: int
    written: int
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Elsewhere:
    """How many will be written to while under way in another campaign: all of them, or at least so many."""

    count: int
    is_all: bool


class UnknownReason(Exception):
    """There is no such part of an audience."""


def add_up(*, campaign: Campaign) -> Audience:
    """The sum over the campaign's segment as it is now, in two queries. Raises segments.BadFilter."""
    members = segments.members(segment=campaign.segment)
    counts = counting.by_reason(members, _reasons(campaign, suppression.is_named()), otherwise=WRITTEN)
    left_out = tuple(LeftOut(reason, _words(reason, n), n) for reason in WORDS if (n := counts.get(reason, 0)))
    return Audience(in_segment=sum(counts.values()), written=counts.get(WRITTEN, 0), left_out=left_out)


def _words(reason: str, count: int) -> str:
    return ONE.get(reason, WORDS[reason]) if count == 1 else WORDS[reason]


def people(*, campaign: Campaign, reason: str) -> QuerySet[Prospect]:
    """The people behind one number: a reason, `written`, those of them who are `elsewhere`, or the whole `segment`.

    Raises UnknownReason, and segments.BadFilter.
    """
    members = segments.members(segment=campaign.segment)
    if reason == EVERYBODY:
        return members
    if reason == ELSEWHERE:
        return people(campaign=campaign, reason=WRITTEN).filter(pk__in=_elsewhere(campaign))
    if reason != WRITTEN and reason not in WORDS:
        raise UnknownReason(reason)
    reasons = _reasons(campaign, Q(suppression.names_them()))
    found = members.alias(becomes=counting.first_of(reasons, otherwise=WRITTEN)).filter(becomes=reason)
    if reason == WRITTEN:
        return found
    return found.filter(reasons.get(reason, Q(pk=None)))  # once more: alone, a condition finds its few people quickly


def elsewhere(*, campaign: Campaign) -> Elsewhere:
    """How many of those who will be written to are under way in another campaign; they are not left out.

    One query, which looks at no more than LOOKED_AT people under way. Raises segments.BadFilter.
    """
    members = segments.members(segment=campaign.segment).order_by()
    becomes = counting.first_of(_reasons(campaign, Q(suppression.names_them())), otherwise=WRITTEN)
    under_way = members.filter(pk__in=_elsewhere(campaign)).annotate(becomes=becomes)
    written = Count("becomes", filter=Q(becomes=WRITTEN))
    counts = under_way.values("becomes")[:LOOKED_AT].aggregate(looked_at=Count("becomes"), written=written)
    return Elsewhere(count=counts["written"], is_all=counts["looked_at"] < LOOKED_AT)


def _elsewhere(campaign: Campaign) -> QuerySet[Any]:
    """The ids of everybody under way in another campaign."""
    active = Enrollment.objects.filter(state=Enrollment.State.ACTIVE).exclude(campaign=campaign)
    return active.filter(campaign__rehearsal_of=None, campaign__state__in=UNDER_WAY).values("prospect")


def _reasons(campaign: Campaign, is_suppressed: Q) -> dict[str, Q]:
    """Why somebody is left out, the first that fits first; how suppressions are looked up depends on for how many."""
    enrolled = Enrollment.objects.filter(campaign=campaign).values("prospect")
    reasons = {
        "no-address": Q(email=""),
        "suppressed": is_suppressed,
        "person-stopped": Q(stopped_at__isnull=False),
        "site-stopped": Q(site__in=Site.objects.filter(stopped_at__isnull=False)),
        "enrolled": Q(pk__in=enrolled),
        "demo": Q(is_demo=True),
        "held": _marked("held_at"),
        "protected": _marked("protected_at"),
        "lately": Q(contacted_elsewhere_at__gt=timezone.now() - CONTACTED_LATELY),
    }
    if campaign.mailbox.is_demo:
        reasons.pop("demo")
    return reasons


def _marked(mark: str) -> Q:
    """A mark of their own, or of their site."""
    return Q(**{f"{mark}__isnull": False}) | Q(site__in=Site.objects.filter(**{f"{mark}__isnull": False}))
