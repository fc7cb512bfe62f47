"""Which of our messages an incoming mail is about."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from campaigns.models import Message
from integrations.models import InboundEvent
from integrations.ports import IncomingMail, MailKind
from outreach.lib import signing
from prospects import identity

HANDED_OVER = Q(
    state__in=(
        Message.State.SENDING,
        Message.State.SENT,
        Message.State.UNCERTAIN,
        Message.State.ABANDONED,
        Message.State.REFUSED,
    )
) | Q(why__has_key="again")  # a person said that it was not, and this mail may know better


@dataclass(frozen=True)
class Match:
    """The message a mail is about; `proven` when the mail names its Message-ID, which nobody can forge."""

    message: Message
    proven: bool


def find(*, mail: IncomingMail, mailbox_id: int | None) -> Match | None:
    """The newest message whose Message-ID the mail names; for a person's answer without one, the last to that address.

    A report of a machine must name our Message-ID (reliability rule A6). A person's answer that comes from another
    program and quotes nothing still stops what we send to that address: stopping too much is safe. It proves nothing.
    """
    ids = (*mail.candidates, mail.message_id)
    named = _related(Message.objects.filter(HANDED_OVER, message_id__in=ids))
    best = {message.message_id: message for message in named}
    itself = best.get(mail.message_id)
    if itself is not None and itself.campaign.rehearsal_of_id:  # rehearsed to the mailbox's own address: no answer
        return None
    for candidate in mail.candidates:
        if candidate in best:
            return Match(best[candidate], proven=True)
    if mail.kind not in (MailKind.REPLY, MailKind.UNSUBSCRIBE) or not mail.sender:
        return None
    to_sender = Message.objects.filter(HANDED_OVER, mailbox=mailbox_id, recipient_key=identity.address_key(mail.sender))
    if mail.sent_at is not None:  # a first look into a full mailbox finds letters from before our time
        to_sender = to_sender.filter(handed_over_at__lte=mail.sent_at)
    message = _related(to_sender).order_by("-handed_over_at", "-id").first()
    return Match(message, proven=False) if message else None


def _related(messages: QuerySet[Message]) -> QuerySet[Message]:
    return messages.select_related("prospect__site", "enrollment", "campaign", "step")


def dedupe_key(*, kind: str, mail: IncomingMail, message: Message, inbound: InboundEvent) -> str:
    """The same mail about the same message, in two folders or two mailboxes, is one event."""
    return f"{kind}:{message.pk}:" + signing.keyed_hash("inbound", mail.message_id or inbound.digest)
