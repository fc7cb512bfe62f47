"""Copies of what we sent, in our mailboxes' Sent folders: a copy proves a hand-over, a missing one proves nothing."""

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from django.core.cache import cache

from integrations import sending
from integrations.adapters import imap
from integrations.models import Mailbox
from integrations.ports import IntegrationError

log = structlog.get_logger(__name__)

REST = 50  # seconds, where copies were seen: once a minute
REST_ELSEWHERE = 3600  # seconds: most servers that keep no copies never will
AT_ONCE = 20  # mailboxes


def due(*, mailbox_ids: Collection[int]) -> list[int]:
    """Which of these mailboxes to look into now, those with copies first; one that can't be read waits for the poll."""
    readable = Mailbox.objects.filter(pk__in=mailbox_ids, poll_error="").exclude(imap_host="")
    rows = readable.order_by("copies_seen_at", "id").values_list("id", flat=True)  # NULL is last
    return [pk for pk in rows if not cache.get(_resting(pk))][:AT_ONCE]


def find(*, mailbox_id: int, message_ids: Sequence[str], now: datetime) -> set[str]:
    """Which of these Message-IDs have a copy in the mailbox's Sent folder. One login; then the mailbox rests.

    Empty while it rests, and when its server fails: that leaves a line in the log and raises nothing.
    """
    mailbox = Mailbox.objects.get(pk=mailbox_id)
    rest = REST if mailbox.copies_seen_at else REST_ELSEWHERE
    if not message_ids or not cache.add(_resting(mailbox_id), True, timeout=rest):
        return set()
    try:
        found = imap.copies(sending.imap_account(mailbox), message_ids)
    except IntegrationError as error:
        log.warning("sent_folder_not_searched", mailbox_id=mailbox_id, error=str(error))
        return set()
    if found:
        Mailbox.objects.filter(pk=mailbox_id).update(copies_seen_at=now)
    return found


def _resting(mailbox_id: int) -> str:
    return f"copies-rest:{mailbox_id}"
