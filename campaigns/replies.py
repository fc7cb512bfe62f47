"""People's answers."""

from datetime import datetime

from campaigns import matching
from campaigns.models import Event, Message, Reply
from integrations.models import InboundEvent
from integrations.ports import IncomingMail
from outreach.lib.models import DatabaseClock


def record(*, inbound: InboundEvent, mail: IncomingMail, message: Message, now: datetime) -> Reply | None:
    """Keeps an answer in the person's own words; None when the same mail was kept before."""
    received_at = mail.sent_at or now
    event, created = Event.record_once(
        kind=Event.Kind.REPLIED,
        message=message,
        inbound=inbound,
        occurred_at=received_at,
        detail={"class": mail.reply_class or ""},
        dedupe_key=matching.dedupe_key(kind=Event.Kind.REPLIED, mail=mail, message=message, inbound=inbound),
    )
    if not created:
        return None
    return Reply.objects.create(
        prospect_id=message.prospect_id,
        message=message,
        event=event,
        sender=mail.sender[:254],
        subject=mail.subject,
        text=mail.own_words,
        reply_class=mail.reply_class or "",
        received_at=received_at,
    )


def mark_read(*, reply: Reply, read: bool = True) -> None:
    """Takes an answer off the list of unread ones, or puts it back."""
    Reply.objects.filter(pk=reply.pk).update(read_at=DatabaseClock() if read else None)
    reply.refresh_from_db(fields=["read_at"])
