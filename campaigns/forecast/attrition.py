"""How many people get no more after a message: they answered, opted out, or their address does not exist."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from campaigns.models import Campaign, Message

ENOUGH = 100  # messages, before what came of them is believed
EARLIER = 5  # campaigns that are learned from, the newest
ASSUMED = 0.05  # where nothing was sent yet
SEEN, BEFORE, GUESS = "campaign", "earlier", "assumed"

# After its last message nobody is left to stop. A first message that was refused is no hand-over, and one all the same.
_LEARNED = """
SELECT coalesce(sum(least(way.got, way.steps - 1)), 0), count(*) FILTER (WHERE way.ended AND way.got < way.steps)
  FROM (SELECT greatest(e.steps_handed_over, 1) AS got, e.state <> 'active' AND e.stop_reason <> '' AS ended,
               (SELECT count(*) FROM campaigns_step s WHERE s.sequence_version_id = e.sequence_version_id) AS steps
          FROM campaigns_enrollment e
         WHERE e.campaign_id = ANY(%(campaigns)s)
           AND (e.steps_handed_over > 0
                OR e.state <> 'active' AND EXISTS (SELECT 1 FROM campaigns_message m
                                                    WHERE m.enrollment_id = e.id AND m.state = ANY(%(begun)s)))) way
"""


@dataclass(frozen=True)
class Leaving:
    """The share of people who get no more after each message but the last, and where that is known from: SEEN in this
    campaign, BEFORE in earlier ones, or a GUESS.
    """

    share: float
    source: str


def learned(campaign: Campaign) -> Leaving:
    """As this campaign shows, else as the newest ones before it do, else as assumed. Three queries at most."""
    if campaign.launched_at is not None and (share := _share([campaign.pk])) is not None:
        return Leaving(share, SEEN)
    launched = Campaign.objects.filter(rehearsal_of=None, is_demo=campaign.is_demo, launched_at__isnull=False)
    newest = launched.exclude(pk=campaign.pk).order_by("-launched_at", "-id").values_list("pk", flat=True)
    if (share := _share(list(newest[:EARLIER]))) is not None:
        return Leaving(share, BEFORE)
    return Leaving(ASSUMED, GUESS)


def _share(campaign_ids: Collection[int]) -> float | None:
    """None while too little was sent to tell."""
    if not campaign_ids:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_LEARNED, {"campaigns": list(campaign_ids), "begun": list(Message.BEGUN)})
        messages, ended = cursor.fetchone()
    return ended / int(messages) if messages >= ENOUGH else None
