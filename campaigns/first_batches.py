"""A launch may let a first few people go and wait for a word: the others stay where they are until then."""

from collections import Counter
from datetime import datetime

import structlog
from django.db import connection, transaction

from accounts.models import User
from campaigns.models import Campaign, Enrollment

log = structlog.get_logger(__name__)

# How many of them have a message or had one; what was cancelled before it left frees its place.
_LEFT = """
SELECT c.id, greatest(0, c.first_batch - (SELECT count(DISTINCT m.enrollment_id) FROM campaigns_message m
                                           WHERE m.campaign_id = c.id AND m.state <> 'cancelled'))
  FROM campaigns_campaign c
 WHERE c.first_batch IS NOT NULL AND c.released_at IS NULL AND c.state IN ('running', 'paused')
"""


def left() -> Counter[int]:
    """By campaign that waits for a word, how many more people of its first batch can get their first message.

    A campaign that is not named waits for nobody. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LEFT)
        return Counter(dict(cursor.fetchall()))


@transaction.atomic
def release(*, campaign: Campaign, now: datetime, by: User | None) -> bool:
    """Lets everybody else of the campaign go. False when nobody waited for that."""
    waiting = Campaign.objects.filter(pk=campaign.pk, first_batch__isnull=False, released_at=None)
    if not waiting.update(released_at=now):
        return False
    new = Enrollment.objects.filter(campaign=campaign, state=Enrollment.State.ACTIVE, steps_handed_over=0)
    ids = list(new.filter(look_at__gt=now).order_by("id").select_for_update().values_list("id", flat=True))
    Enrollment.objects.filter(pk__in=ids).update(look_at=now)
    campaign.refresh_from_db(fields=["released_at"])
    log.info("first_batch_released", campaign_id=campaign.pk, by=by and by.pk)
    return True
