"""Who a launch would enrol and who it leaves out, as a sum that adds up; it agrees with `enrolling.enroll`."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, CharField, Count, Q, QuerySet, Value, When
from django.utils import timezone

from campaigns.deciding import CONTACTED_LATELY
from campaigns.models import Campaign, Enrollment
from prospects import segments, suppression
from prospects.models import Prospect, Site

WRITTEN = "written"
EVERYBODY = "segment"
ELSEWHERE = "elsewhere"
LOOKED_AT = 5_000  # people under way elsewhere, at most: the warning is the same with more
UNDER_WAY = (Campaign.State.RUNNING, Campaign.State.PAUSED)
WORDS = {
    "no-address": "have no address",
    "suppressed": "are on the suppression list",
    "person-stopped": "must not be written to",
    "site-stopped": "belong to a site that must not be written to",
    "enrolled": "are in this campaign already",
    "demo": "are invented people of the demo world, and this mailbox is real",
    "protected": "are protected: they wait until who looks after them was asked",
    "lately": "were written to lately by other means, and wait until two weeks after that",
}
ONE = {
    "no-address": "has no address",
    "suppressed": "is on the suppression list",
    "site-stopped": "belongs to a site that must not be written to",
    "enrolled": "is in this campaign already",
    "demo": "is an invented person of the demo world, and this mailbox is real",
    "protected": "is protected, and waits until who looks after them was asked",
    "lately": "was written to lately by other means, and waits until two weeks after that",
}

ALL = 2**31  # a limit that cuts nothing off: it makes the database sort each person once, then count


@dataclass(frozen=True)
class LeftOut:
    """How many people are left out by one reason, and the words that follow "… people"."""

    reason: str
    words: str
    count: int


@dataclass(frozen=True)
class Audience:
    """`in_segment` is `written` and all that is left out; each person counts under the first reason that fits.

    Those who are protected or were written to lately are enrolled as well, and wait.
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
    members = segments.members(segment=campaign.segment).order_by()
    sorted_once = members.annotate(becomes=_becomes(campaign, suppression.is_named())).values("becomes")[:ALL]
    wanted = {reason.replace("-", "_"): reason for reason in (WRITTEN, *WORDS)}
    counting = {name: Count("becomes", filter=Q(becomes=reason)) for name, reason in wanted.items()}
    counts = sorted_once.aggregate(**counting)
    by_reason = {reason: counts[name] for name, reason in wanted.items()}
    left_out = tuple(LeftOut(reason, _words(reason, n), n) for reason in WORDS if (n := by_reason[reason]))
    return Audience(in_segment=sum(by_reason.values()), written=by_reason[WRITTEN], left_out=left_out)


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
    return members.alias(becomes=_becomes(campaign, Q(suppression.names_them()))).filter(becomes=reason)


def elsewhere(*, campaign: Campaign) -> Elsewhere:
    """How many of those who will be written to are under way in another campaign; they are not left out.

    One query, which looks at no more than LOOKED_AT people under way. Raises segments.BadFilter.
    """
    members = segments.members(segment=campaign.segment).order_by()
    becomes = _becomes(campaign, Q(suppression.names_them()))
    under_way = members.filter(pk__in=_elsewhere(campaign)).annotate(becomes=becomes)
    written = Count("becomes", filter=Q(becomes=WRITTEN))
    counts = under_way.values("becomes")[:LOOKED_AT].aggregate(looked_at=Count("becomes"), written=written)
    return Elsewhere(count=counts["written"], is_all=counts["looked_at"] < LOOKED_AT)


def _elsewhere(campaign: Campaign) -> QuerySet[Any]:
    """The ids of everybody under way in another campaign."""
    active = Enrollment.objects.filter(state=Enrollment.State.ACTIVE).exclude(campaign=campaign)
    return active.filter(campaign__rehearsal_of=None, campaign__state__in=UNDER_WAY).values("prospect")


def _becomes(campaign: Campaign, is_suppressed: Q) -> Case:
    """The one thing that becomes of a person of the segment; the condition depends on how many are asked about."""
    enrolled = Enrollment.objects.filter(campaign=campaign).values("prospect")
    reasons = [
        When(email="", then=Value("no-address")),
        When(is_suppressed, then=Value("suppressed")),
        When(stopped_at__isnull=False, then=Value("person-stopped")),
        When(site__in=Site.objects.filter(stopped_at__isnull=False), then=Value("site-stopped")),
        When(pk__in=enrolled, then=Value("enrolled")),
    ]
    if not campaign.mailbox.is_demo:
        reasons.append(When(is_demo=True, then=Value("demo")))
    guarded = Q(protected_at__isnull=False) | Q(site__in=Site.objects.filter(protected_at__isnull=False))
    reasons.append(When(guarded, then=Value("protected")))
    reasons.append(When(contacted_elsewhere_at__gt=timezone.now() - CONTACTED_LATELY, then=Value("lately")))
    return Case(*reasons, default=Value(WRITTEN), output_field=CharField())
