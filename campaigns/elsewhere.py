"""Answers that reached us by other means, a call or another address: kept and counted as the answer they are."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import User
from campaigns import stopping
from campaigns.models import Event, Message, Reply
from integrations.ports import ReplyClass
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import retried
from outreach.lib.text import printable
from prospects.models import Prospect

SAID = (ReplyClass.POSITIVE, ReplyClass.QUESTION, ReplyClass.NEGATIVE, ReplyClass.OTHER)
LONGEST = 5_000


class UnknownAnswer(DomainError):
    """What they said is one of `SAID`."""

    title = "Say what they answered"


@dataclass(frozen=True)
class Heard:
    """How many campaigns the person left, and the message that the answer counts for; None when none was sent."""

    ended: int
    message: Message | None


def last_mail(*, prospect: Prospect) -> Message | None:
    """The newest mail that a campaign sent to this person; rehearsals are no mail to them. One query."""
    sent = Message.objects.filter(prospect=prospect, state=Message.State.SENT, campaign__rehearsal_of=None)
    return sent.select_related("mailbox", "prospect", "campaign").order_by("-handed_over_at", "-id").first()


@retried
@transaction.atomic
def heard(*, prospect: Prospect, reply_class: str, words: str = "", by: User | None, now: datetime) -> Heard:
    """They answered elsewhere: their campaigns end, and the answer counts for the newest mail that was sent to them.

    Without such a mail there is nothing that it could count for. The second time for one mail keeps nothing new.
    Raises UnknownAnswer.
    """
    if reply_class not in SAID:
        raise UnknownAnswer(problems=[Problem("reply_class", "Choose what they said.")])
    stopping.lock_open(prospect=prospect)
    message = last_mail(prospect=prospect)
    if message is not None:
        _keep(message, ReplyClass(reply_class), words, by, now)
    return Heard(stopping.stop_enrollments(prospect=prospect, reason="replied"), message)


def _keep(message: Message, reply_class: ReplyClass, words: str, by: User | None, now: datetime) -> None:
    event, created = Event.record_once(
        kind=Event.Kind.REPLIED,
        message=message,
        occurred_at=now,
        detail={"class": str(reply_class), "elsewhere": True},
        dedupe_key=f"elsewhere:{message.pk}",
    )
    if created:
        who = f", noted by {by}" if by else ""
        Reply.objects.create(
            prospect_id=message.prospect_id,
            message=message,
            event=event,
            sender=message.prospect.email,
            text=f"(Not by mail{who}.) {printable(words, keep=chr(10))[:LONGEST]}".strip(),
            reply_class=reply_class,
            received_at=now,
            read_at=DatabaseClock(),
        )
