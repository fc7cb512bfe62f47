"""The raw mails from and about a person: shown by an export, emptied by an erasure."""

from collections.abc import Collection
from typing import Any

from django.db.models import Q

from integrations.models import InboundEvent, Mailbox, MailboxEvent
from outreach.lib import personal
from outreach.lib.personal import Mention, Words

MENTIONS = (
    Mention(InboundEvent, whole=("raw", "error"), where=Q(applied_at__isnull=False)),
    Mention(Mailbox, words=("status_reason", "poll_error", "send_error")),  # what a server said, recipients and all
    Mention(MailboxEvent, words=("status_reason",)),
)
# About people who work here: what we write as.
OURS = frozenset({"from_name", "from_address", "smtp_username", "imap_username"})
COLLEAGUES = {"Mailbox": OURS, "MailboxEvent": OURS | {"pgh_context"}}
NOBODY = Words([])


def is_arriving(*, words: Words) -> bool:
    """Whether a mail that names the person was stored and is not applied yet."""
    return Mention(InboundEvent, whole=("raw",), where=Q(applied_at=None)).rows(words).exists()


def erase(*, inbound_ids: Collection[int], words: Words = NOBODY) -> None:
    """Empties these mails and every other applied one that names the person; that they came stays known."""
    InboundEvent.objects.filter(pk__in=inbound_ids).update(raw=b"", error="")
    for mention in MENTIONS:
        personal.take_out(mention, words)


def shown(*, inbound_ids: Collection[int], words: Words) -> list[dict[str, Any]]:
    """These mails as they came, and every other applied one that names the person."""
    named = MENTIONS[0].rows(words).values_list("pk", flat=True)
    return personal.shown(InboundEvent.objects.filter(pk__in={*inbound_ids, *named}))
