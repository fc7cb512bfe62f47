"""Messages that may kill their worker: tried alone after a death, and parked after the third time alone.

What was claimed when a worker died comes back as a suspect: any of the batch may have killed it (out of memory, say).
Before the next claim each is written alone, with nothing on the wire, and counted before that; whoever lets its worker
live is no suspect any more, and is claimed as ever. So only the one that kills comes to three more, and waits behind
the gate until a person tries it again. A mail on the wire when its worker dies is uncertain anyway.
"""

from datetime import datetime

import structlog
from django.db import connection
from django.db.models import QuerySet

from accounts.models import User
from campaigns import batches
from campaigns.gate import PARKED_AFTER
from campaigns.models import Message
from outreach.lib import draining
from outreach.lib.faults import fault
from prospects.models import Prospect

log = structlog.get_logger(__name__)

_SUSPECTED = 1

# While its worker still owns the mailbox: one that was overtaken counts nothing.
_COUNT = """
UPDATE campaigns_message m SET worker_deaths = worker_deaths + 1
  FROM integrations_mailbox b
 WHERE m.id = %s AND m.state = 'planned' AND m.worker_deaths > 0
   AND b.id = m.mailbox_id AND b.lease_token = %s AND b.lease_until > clock_timestamp()
"""


def try_out(*, mailbox_id: int, token: int, now: datetime) -> None:
    """Writes each suspect of a mailbox alone, for its owner, before anything is claimed; nothing is sent or cancelled.

    What kills this process on the way stays counted for the next. Ends early when the worker is asked to end.
    """
    mine = Message.objects.filter(mailbox=mailbox_id, state=Message.State.PLANNED, worker_deaths__gt=0)
    suspected = mine.filter(worker_deaths__lt=PARKED_AFTER).order_by("worker_deaths", "send_at", "id")
    for pk in list(suspected.values_list("id", flat=True)):
        if draining.asked.is_set():
            return
        if not _count(pk, token):
            continue
        fault("after_count")
        batches.try_out(message_id=pk, now=now)
        Message.objects.filter(pk=pk).update(worker_deaths=0)
        fault("after_trial")


def _count(pk: int, token: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [pk, token])
        return bool(cursor.rowcount)


def parked() -> QuerySet[Message]:
    """Messages that killed three workers and are not sent until somebody tries them again."""
    dead = Message.objects.filter(worker_deaths__gt=0, worker_deaths__gte=PARKED_AFTER)  # the index asks the first
    return dead.filter(state=Message.State.PLANNED, campaign__rehearsal_of=None)


def release(*, prospect: Prospect, by: User | None) -> int:
    """Tries the parked messages to a person again, as suspects: alone first. Returns how many."""
    count = parked().filter(prospect=prospect).update(worker_deaths=_SUSPECTED)
    if count:
        log.info("parked_released", prospect_id=prospect.pk, count=count, by=by.pk if by else None)
    return count
