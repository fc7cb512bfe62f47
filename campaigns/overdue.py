"""What was due while nothing was sent: set aside when sending works again, and released by a person, spread out."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection
from django.db.models import Count, QuerySet

from campaigns.models import Message

log = structlog.get_logger(__name__)

OVERDUE_AFTER = timedelta(hours=6)
FINE = timedelta(minutes=1)  # so exactly it is noted when a mailbox was looked at

# What the mailbox was looked at for in vain was held by something else (a pause, a cap, an unread answer), and goes on
# by itself when that is over. So do rehearsals, and what a person had stopped.
_SET_ASIDE = """
UPDATE campaigns_message SET overdue_at = %(now)s
 WHERE id IN (SELECT m.id FROM campaigns_message m
                JOIN campaigns_campaign c ON c.id = m.campaign_id JOIN integrations_mailbox b ON b.id = m.mailbox_id
               WHERE m.mailbox_id = %(mailbox)s AND m.state = 'planned' AND m.overdue_at IS NULL
                 AND m.send_at <= %(late)s
                 AND m.send_at > coalesce((SELECT r.looked_at FROM campaigns_mailboxround r
                                            WHERE r.mailbox_id = %(mailbox)s), '-infinity')
                 AND c.state = 'running' AND c.rehearsal_of_id IS NULL AND b.status = 'active'
                 AND NOT EXISTS (SELECT 1 FROM campaigns_sendingcontrol x WHERE x.stopped_at IS NOT NULL)
               ORDER BY m.id FOR UPDATE OF m SKIP LOCKED)
"""
_LOOKED = """
INSERT INTO campaigns_mailboxround (mailbox_id, looked_at) VALUES (%(mailbox)s, %(now)s)
    ON CONFLICT (mailbox_id) DO UPDATE SET looked_at = excluded.looked_at
 WHERE campaigns_mailboxround.looked_at < %(now)s - %(fine)s OR campaigns_mailboxround.looked_at > %(now)s
"""


def set_aside(*, mailbox_id: int, now: datetime) -> int:
    """Before a claim: what fell due more than 6 hours ago, while nobody looked, is not sent until it is released.

    Only what its campaign and its mailbox would have sent. Returns how many.
    """
    values: dict[str, Any] = {"mailbox": mailbox_id, "now": now, "late": now - OVERDUE_AFTER, "fine": FINE}
    with connection.cursor() as cursor:
        cursor.execute(_SET_ASIDE, values)
        count: int = cursor.rowcount
        cursor.execute(_LOOKED, values)
    if count:
        log.warning("overdue_set_aside", mailbox_id=mailbox_id, count=count)
    return count


def counted() -> dict[int, int]:
    """How many messages of each mailbox are set aside. One query."""
    rows = waiting().values("mailbox").order_by().annotate(count=Count("id"))
    return {row["mailbox"]: row["count"] for row in rows}


def waiting() -> QuerySet[Message]:
    """What is set aside and waits to be released."""
    return Message.objects.filter(state=Message.State.PLANNED, overdue_at__isnull=False)
