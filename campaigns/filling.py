"""Whoever a launch is for comes into the campaign: an errand, one piece of people after the other.

Until all of them are in nobody of the campaign is planned (`turns`), so that it is decided over everybody who comes
first: at a site, or in a first batch.
"""

from datetime import datetime

import structlog
from django.db import transaction

from accounts.models import User
from campaigns import counting, enrolling, errands
from campaigns.models import Campaign, CampaignErrand
from campaigns.rules import lining_up
from outreach.lib.retrying import retried
from prospects import segments
from prospects.models import Prospect, Segment, Site

log = structlog.get_logger(__name__)

KIND = CampaignErrand.Kind.LAUNCH
PIECE, SITES = 5_000, 2_000
LAUNCHED = (Campaign.State.RUNNING, Campaign.State.PAUSED)


def ask(*, campaign: Campaign, now: datetime, by: User | None) -> None:
    """Asks for it, in the transaction of the launch: for whoever its segment names as it is now."""
    errands.ask_of(campaign, kind=KIND, now=now, by=by, filter=campaign.segment.filter, last=0, enrolled=0)


def go_on(*, seconds: float = errands.SLICE, campaign: Campaign | None = None) -> None:
    """Goes on with a launch that was asked for, or with this campaign's, for these seconds."""
    errands.go_on_of(campaign, kind=KIND, piece=_piece, seconds=seconds)


@retried
@transaction.atomic
def _piece(errand: CampaignErrand, until: float) -> bool:
    """The next people of the segment; then the sites, whose first is looked at first; False when all is done."""
    errand.refresh_from_db(fields=["done"])  # what a piece that failed noted is not so
    enrolling.begin()
    campaign = Campaign.objects.select_related("mailbox").get(pk=errand.campaign_id)
    if campaign.state not in LAUNCHED or not (_enroll(errand, campaign) or _line_up(errand, campaign)):
        errands.finish(errand)
        counting.recount_campaign(campaign=campaign, now=errand.asked_at)
        log.info("campaign_filled", campaign_id=campaign.pk, enrolled=errand.done["enrolled"])
        return False
    return True


def _enroll(errand: CampaignErrand, campaign: Campaign) -> bool:
    """The next people; False when no more come."""
    wanted = Segment(filter=errand.done["filter"])
    people = segments.members(segment=wanted, now=errand.asked_at).filter(pk__gt=errand.done["last"])
    reachable = enrolling.reachable(campaign=campaign, prospects=people).order_by("id")
    ids = list(reachable.values_list("id", flat=True)[:PIECE])
    if ids:
        these = Prospect.objects.filter(pk__in=ids)
        count = enrolling.put_in(campaign=campaign, prospects=these, now=errand.asked_at, by=errand.asked_by)
        errands.keep(errand, last=ids[-1], enrolled=errand.done["enrolled"] + count)
    return len(ids) == PIECE


def _line_up(errand: CampaignErrand, campaign: Campaign) -> bool:
    if not campaign.one_per_site:
        return False
    after = errand.done.get("site", 0)
    sites = list(Site.objects.filter(pk__gt=after).order_by("id").values_list("id", flat=True)[:SITES])
    if sites:
        lining_up.line_up(campaign_id=campaign.pk, now=errand.asked_at, after=after, upto=sites[-1])
        errands.keep(errand, site=sites[-1])
    return bool(sites)
