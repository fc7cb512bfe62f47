"""Bringing in new mail: each one stored once, the cursor moved in the same transaction."""

import hashlib
from datetime import timedelta

import structlog
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q

from integrations import sending
from integrations.adapters import imap
from integrations.models import InboundEvent, Mailbox
from integrations.ports import CredentialsRefused, IntegrationError
from outreach.lib import locks
from outreach.lib.faults import fault
from outreach.lib.models import DatabaseClock

log = structlog.get_logger(__name__)

SOURCE = "imap"
EVERY = timedelta(seconds=60)
REST_AFTER_LOSS = 60  # seconds
REST_AFTER_REFUSAL = 900  # seconds: a wrong password tried every minute locks accounts
LOCK = 0x504F4C4C  # the first half of the advisory lock, the mailbox is the second


def due() -> list[int]:
    """The mailboxes to poll now, the longest unpolled first: each a minute after its last complete poll, a demo mailbox
    at every tick. A mailbox that failed rests longer; a retired one is still read, for answers come late.
    """
    waiting = Mailbox.objects.exclude(imap_host="").filter(
        Q(is_demo=True) | Q(polled_at__isnull=True) | Q(polled_at__lt=DatabaseClock() - EVERY)
    )
    ids = waiting.order_by("polled_at", "id").values_list("id", flat=True)
    return [pk for pk in ids if not cache.get(_resting(pk))]


def poll_if_due(*, mailbox_id: int) -> int:
    """`poll`, unless the mailbox was looked into meanwhile or rests: wake-ups pile up behind a slow server."""
    return poll(mailbox=Mailbox.objects.get(pk=mailbox_id)) if mailbox_id in due() else 0


def poll(*, mailbox: Mailbox) -> int:
    """Stores what is new in the mailbox and says how many mails that were; 0 when another poller is at it.

    Each batch and its cursor are one transaction, and none is open while the server is asked. `polled_at` moves only
    after a complete run. A server that fails leaves a sentence in `poll_error` and raises nothing.
    """
    with locks.held(LOCK, mailbox.pk % 2**31) as alone:
        if not alone:
            return 0
        mailbox.refresh_from_db()
        stored = 0
        try:
            for batch in imap.fetch_new(
                sending.imap_account(mailbox), uidvalidity=mailbox.imap_uidvalidity, last_uid=mailbox.imap_last_uid
            ):
                stored += _store(mailbox, batch)
                fault("after_store")
        except IntegrationError as error:
            _failed(mailbox, error)
        else:
            Mailbox.objects.filter(pk=mailbox.pk).update(polled_at=DatabaseClock(), poll_error="")
        return stored


def _store(mailbox: Mailbox, batch: imap.Batch) -> int:
    if batch.uidvalidity != mailbox.imap_uidvalidity:
        mailbox.imap_uidvalidity, mailbox.imap_last_uid = batch.uidvalidity, 0
    events = [
        InboundEvent(
            source=SOURCE,
            mailbox=mailbox,
            uidvalidity=batch.uidvalidity,
            uid=uid,
            digest=hashlib.sha256(raw).hexdigest(),
            raw=raw,
        )
        for uid, raw in batch.mails
    ]
    mailbox.imap_last_uid = max([mailbox.imap_last_uid, *(uid for uid, _ in batch.mails)])
    with transaction.atomic():
        InboundEvent.objects.bulk_create(events, ignore_conflicts=True)
        fault("in_store")
        Mailbox.objects.filter(pk=mailbox.pk).update(
            imap_uidvalidity=mailbox.imap_uidvalidity, imap_last_uid=mailbox.imap_last_uid
        )
    return len(events)


def _failed(mailbox: Mailbox, error: IntegrationError) -> None:
    rest = REST_AFTER_REFUSAL if isinstance(error, CredentialsRefused) else REST_AFTER_LOSS
    log.warning("poll_failed", mailbox_id=mailbox.pk, error=str(error))
    Mailbox.objects.filter(pk=mailbox.pk).update(poll_error=str(error)[:500])
    if not mailbox.is_demo:
        cache.set(_resting(mailbox.pk), True, timeout=rest)


def _resting(mailbox_id: int) -> str:
    return f"poll-rest:{mailbox_id}"
