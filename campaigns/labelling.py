"""What a person's answer says, when the machine read it wrongly: corrected by hand, and what follows from that."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Case, F, Q, When

from accounts.models import User
from campaigns import goals, matching, replies, staging, stopping
from campaigns.models import Event, Message, Reply
from integrations import reading
from integrations.ports import ReplyClass
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import retried
from prospects.models import Suppression

AUTOMATIC = "automatic"  # what `Reply.machine_class` says of an answer that was taken for an out-of-office


class CannotLabel(DomainError):
    """A class that there is not, or an answer that is gone."""

    title = "The answer can't be labelled so"


@retried
@transaction.atomic
def relabel(*, reply: Reply, reply_class: str, by: User | None, now: datetime) -> bool:
    """Says what an answer means; False when it was read so before. Raises CannotLabel.

    A no ends what the person is in, a wish to hear nothing more suppresses them, as if it had been read so when it came
    in. The other way nothing is lifted. How it was read first is kept, with who corrected it when.
    """
    label = _known(reply_class)
    was = ("", ReplyClass.OTHER) if label == ReplyClass.OTHER else (label,)
    if Reply.objects.filter(pk=reply.pk, reply_class__in=was).exists():
        return False
    _follow(label, reply, now)
    if reply.message is not None:
        goals.judge_answer(message=reply.message, reply_class=label)
    first = When(Q(relabelled_at=None), then=F("reply_class"))
    Reply.objects.filter(pk=reply.pk).update(
        machine_class=Case(first, default=F("machine_class")),
        reply_class=label,
        relabelled_at=DatabaseClock(),
        relabelled_by=by,
    )
    reply.refresh_from_db(fields=["machine_class", "reply_class", "relabelled_at", "relabelled_by"])
    staging.corrected(reply=reply, by=by, now=now)
    return True


@retried
@transaction.atomic
def was_a_person(*, event: Event, reply_class: str, by: User | None, now: datetime) -> Reply:
    """A mail that was taken for an automatic answer was a real one: kept in the person's words, with what follows.

    Doing it twice is doing it once; another class the second time corrects the first. Raises CannotLabel when its text
    was not kept.
    """
    label, message = _known(reply_class), event.message
    if event.kind != Event.Kind.AUTO_REPLIED or event.inbound is None or message is None:
        raise CannotLabel("The text of this mail was not kept. Say “They answered elsewhere” instead.")
    mail = replace(reading.read(bytes(event.inbound.raw)), reply_class=label)
    stopping.lock_open(prospect=message.prospect)
    reply = replies.record(inbound=event.inbound, mail=mail, message=message, now=now)
    if reply is None:
        key = matching.dedupe_key(kind=Event.Kind.REPLIED, mail=mail, message=message, inbound=event.inbound)
        reply = Reply.objects.get(event__dedupe_key=key)
        relabel(reply=reply, reply_class=label, by=by, now=now)
        return reply
    if label != ReplyClass.UNSUBSCRIBE:
        stopping.stop_enrollments(prospect=message.prospect, reason=goals.REPLIED)
    _follow(label, reply, now)
    goals.judge_answer(message=message, reply_class=label)
    Reply.objects.filter(pk=reply.pk).update(machine_class=AUTOMATIC, relabelled_at=DatabaseClock(), relabelled_by=by)
    return reply


def _known(reply_class: str) -> ReplyClass:
    if reply_class not in list(ReplyClass):
        raise CannotLabel(problems=[Problem("reply_class", "Choose what the answer says.")])
    return ReplyClass(reply_class)


def _follow(label: ReplyClass, reply: Reply, now: datetime) -> None:
    """What an answer of this class does when it comes in (`inbound.apply`); any other stopped by arriving."""
    message: Message | None = reply.message
    if label == ReplyClass.NEGATIVE:
        stopping.stop_enrollments(prospect=reply.prospect, reason="replied")
    elif label == ReplyClass.UNSUBSCRIBE and message is not None:
        stopping.unsubscribe(message=message, source="reply", now=now)
    elif label == ReplyClass.UNSUBSCRIBE:
        stopping.suppress(
            kind=Suppression.Kind.ADDRESS,
            value=reply.sender,
            reason=Suppression.Reason.DECLINED,
            source="reply",
            prospect=reply.prospect,
        )
