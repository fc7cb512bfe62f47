"""How many people get no more after a message: they answered, opted out, or their address does not exist."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from campaigns.models import Campaign, Message

ENOUGH = 100  # messages, before what came of them is believed
EARLIER = 5  # campaigns that are learned from, the newest
ASSUMED = 0.05  # where nothing was sent yet, after any message
SEEN, BEFORE, GUESS = "campaign", "earlier", "assumed"

# After its last message nobody is left to stop. A first message that was refused is no hand-over, and one all the same.
# Whoever stopped because of the first did so after it, though the next may have left before that was heard.
_OF_FIRST = """e.state <> 'active' AND EXISTS (
    SELECT 1 FROM campaigns_message m JOIN campaigns_event v ON v.message_id = m.id
     WHERE m.enrollment_id = e.id AND NOT m.is_follow_up
       AND v.kind IN ('bounced', 'replied', 'unsubscribed', 'complained'))"""
_LEARNED = f"""
SELECT count(*) FILTER (WHERE way.steps > 1), count(*) FILTER (WHERE way.ended AND way.got = 1 AND way.steps > 1),
       coalesce(sum(greatest(least(way.got, way.steps - 1) - 1, 0)), 0),
       count(*) FILTER (WHERE way.ended AND way.got > 1 AND way.got < way.steps)
  FROM (SELECT CASE WHEN {_OF_FIRST} THEN 1 ELSE greatest(e.steps_handed_over, 1) END AS got,
               e.state <> 'active' AND e.stop_reason <> '' AS ended,
               (SELECT count(*) FROM campaigns_step s WHERE s.sequence_version_id = e.sequence_version_id) AS steps
          FROM campaigns_enrollment e
         WHERE e.campaign_id = ANY(%(campaigns)s)
           AND (e.steps_handed_over > 0
                OR e.state <> 'active' AND EXISTS (SELECT 1 FROM campaigns_message m
                                                    WHERE m.enrollment_id = e.id AND m.state = ANY(%(begun)s)))) way
"""  # noqa: S608


@dataclass(frozen=True)
class Leaving:
    """The share of people who get no more after their first message, which finds the dead addresses, and after each
    later one but the last; known from this campaign (SEEN), from earlier ones (BEFORE), or a GUESS.
    """

    first: float
    later: float
    source: str


def learned(campaign: Campaign) -> Leaving:
    """As this campaign shows, else as the newest ones before it do, else as assumed. Three queries at most."""
    if campaign.launched_at is not None and (shares := _shares([campaign.pk])) is not None:
        return Leaving(*shares, SEEN)
    launched = Campaign.objects.filter(rehearsal_of=None, is_demo=campaign.is_demo, launched_at__isnull=False)
    newest = launched.exclude(pk=campaign.pk).order_by("-launched_at", "-id").values_list("pk", flat=True)
    if (shares := _shares(list(newest[:EARLIER]))) is not None:
        return Leaving(*shares, BEFORE)
    return Leaving(ASSUMED, ASSUMED, GUESS)


def _shares(campaign_ids: Collection[int]) -> tuple[float, float] | None:
    """After a first message and after a later one; None while too little was sent to tell."""
    if not campaign_ids:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_LEARNED, {"campaigns": list(campaign_ids), "begun": list(Message.BEGUN)})
        first, ended, later, ended_later = map(int, cursor.fetchone())
    if not first or first + later < ENOUGH:
        return None
    if later < ENOUGH // 4:  # of these too little is known yet
        return ended / first, ended / first
    return ended / first, ended_later / later
