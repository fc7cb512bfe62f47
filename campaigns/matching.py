"""Which of our messages an incoming mail is about."""

from django.db.models import QuerySet

from campaigns.models import Message
from integrations.models import InboundEvent, Mailbox
from integrations.ports import IncomingMail, MailKind
from outreach.lib import signing
from prospects import identity

HANDED_OVER = (
    Message.State.SENDING,
    Message.State.SENT,
    Message.State.UNCERTAIN,
    Message.State.ABANDONED,
    Message.State.REFUSED,
)


def find(*, mail: IncomingMail, mailbox: Mailbox | None) -> Message | None:
    """The newest message whose Message-ID the mail names; for a person's answer without one, the last to that address.

    A report of a machine must name our Message-ID, which nobody can forge (reliability rule A6). A person's answer that
    comes from another program and quotes nothing still stops what we send to that address: stopping too much is safe.
    """
    by_id = _related(Message.objects.filter(message_id__in=mail.candidates, state__in=HANDED_OVER))
    best = {message.message_id: message for message in by_id}
    for candidate in mail.candidates:
        if candidate in best:
            return best[candidate]
    if mail.kind not in (MailKind.REPLY, MailKind.UNSUBSCRIBE) or mailbox is None:
        return None
    try:
        key = identity.address_key(mail.sender)
    except identity.BadAddress:
        return None
    to_sender = Message.objects.filter(mailbox=mailbox, recipient_key=key, state__in=HANDED_OVER)
    return _related(to_sender).order_by("-handed_over_at", "-id").first()


def _related(messages: QuerySet[Message]) -> QuerySet[Message]:
    return messages.select_related("prospect__site", "enrollment", "campaign", "step")


def dedupe_key(*, kind: str, mail: IncomingMail, inbound: InboundEvent) -> str:
    """The same mail in two folders or two mailboxes is one event."""
    return f"{kind}:" + signing.keyed_hash("inbound", mail.message_id or inbound.digest)
