"""A live audience: whoever matches the segment later comes in too, once a UTC day, so many and no more."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from campaigns import enrolling
from campaigns.models import Campaign, Enrollment
from outreach.lib.retrying import retried
from prospects import segments
from prospects.models import Prospect

DAY = timedelta(days=1)


def grow(*, now: datetime) -> int:
    """Enrols the new people of every live audience that has not grown today; returns how many.

    Safe twice, and safe late: a day that was missed is not made up for.
    """
    due = Q(live_grown_on=None) | Q(live_grown_on__lt=now.date())
    live = Campaign.objects.filter(due, state=Campaign.State.RUNNING, audience_is_live=True, rehearsal_of=None)
    return sum(_grow(pk, now) for pk in live.order_by("id").values_list("id", flat=True))


@retried
@transaction.atomic
def _grow(campaign_id: int, now: datetime) -> int:
    """The day is noted first, and only by one: whoever else comes waits for this transaction and finds it noted."""
    due = Q(live_grown_on=None) | Q(live_grown_on__lt=now.date())
    mine = Campaign.objects.filter(due, pk=campaign_id, state=Campaign.State.RUNNING, audience_is_live=True)
    if not mine.update(live_grown_on=now.date()):
        return 0
    campaign = Campaign.objects.select_related("segment", "mailbox").get(pk=campaign_id)
    try:
        ids = list(coming(campaign=campaign, now=now).values_list("id", flat=True)[: campaign.live_daily_cap])
    except segments.BadFilter:  # its page says so, with the words of the filter
        return 0
    return enrolling.enroll(campaign=campaign, prospects=Prospect.objects.filter(pk__in=ids), now=now, by=None)


def coming(*, campaign: Campaign, now: datetime) -> QuerySet[Prospect]:
    """Whoever would come in next, in this order: whom we have known longest first. Raises segments.BadFilter."""
    inside = Enrollment.objects.filter(campaign=campaign).values("prospect")
    members = segments.members(segment=campaign.segment, now=now)
    return enrolling.reachable(campaign=campaign, prospects=members).exclude(pk__in=inside).order_by("id")


def next_day(*, campaign: Campaign, now: datetime) -> date | None:
    """The UTC day on which the audience grows next; None when it does not."""
    if not campaign.audience_is_live or campaign.state != Campaign.State.RUNNING:
        return None
    return (now + DAY).date() if campaign.live_grown_on == now.date() else now.date()
