"""Answering as the person who was written to, where a practice mailbox makes that possible."""

import uuid
from datetime import datetime

from campaigns.models import Message
from integrations import mime, sending
from integrations.ports import IntegrationError, OutgoingMail
from outreach.lib.errors import DomainError, Problem


class CannotAnswer(DomainError):
    """An invented answer can't be put into the mailbox; the message says why."""

    status = 409


def answer(*, message: Message, text: str, now: datetime) -> None:
    """Answers a mail as who got it, through the practice mailbox's IMAP server; `message` comes with mailbox, prospect.

    Raises CannotAnswer for a real mailbox (there one answers by mail) and when the server does not take it.
    """
    if not message.mailbox.is_demo:
        raise CannotAnswer("Answer from your own mail program: only a practice mailbox takes answers here.")
    if not text.strip():
        raise CannotAnswer("An answer says something.", [Problem("text", "An answer says something.")])
    try:
        sending.put_in_inbox(mailbox=message.mailbox, raw=_reply(message, text, now))
    except IntegrationError as error:
        raise CannotAnswer(str(error)) from error


def _reply(message: Message, text: str, now: datetime) -> bytes:
    """What a mail program would send back."""
    quoted = "\n".join(f"> {line}".rstrip() for line in message.text.splitlines())
    head = f"On {now:%d/%m/%Y %H:%M}, {message.mailbox.from_name} wrote:"
    return mime.build(
        OutgoingMail(
            message_id=f"<{uuid.uuid4().hex}@{message.recipient.rpartition('@')[2]}>",
            from_name=message.prospect.full_name,
            from_address=message.recipient,
            to_name=message.mailbox.from_name,
            to_address=message.mailbox.from_address,
            subject=f"Re: {message.subject}",
            text=f"{text.strip()}\n\n{head}\n{quoted}\n",
            date=now,
            in_reply_to=message.message_id,
            references=(message.message_id,),
        )
    )
