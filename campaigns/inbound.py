"""The inbound tick: raw mail in, events and consequences out. Each mail in its own transaction, once."""

from datetime import datetime

import structlog
from django.db import Error, transaction
from django.db.models import F, QuerySet

from campaigns import goals, matching, outcomes, reconciling, replies, stopping
from campaigns.matching import Match
from campaigns.models import Enrollment, Event, Message
from campaigns.rules import colleagues
from integrations import privacy as inbound_privacy
from integrations import reading
from integrations.models import InboundEvent
from integrations.ports import BounceKind, IncomingMail, MailKind
from outreach.lib.faults import fault
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import is_away
from prospects import addresses, identity
from prospects.models import Suppression

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 5

RAISES_TO = {  # the lattice of Message.Outcome: what each one may replace
    Message.Outcome.DELIVERED: (Message.Outcome.NONE,),
    Message.Outcome.BOUNCED_SOFT: (Message.Outcome.NONE, Message.Outcome.DELIVERED),
    Message.Outcome.BOUNCED: (Message.Outcome.NONE, Message.Outcome.DELIVERED, Message.Outcome.BOUNCED_SOFT),
    Message.Outcome.COMPLAINED: (
        Message.Outcome.NONE,
        Message.Outcome.DELIVERED,
        Message.Outcome.BOUNCED_SOFT,
        Message.Outcome.BOUNCED,
    ),
}


REPORTED = {
    BounceKind.HARD: Message.Outcome.BOUNCED,
    BounceKind.SOFT: Message.Outcome.BOUNCED_SOFT,
    BounceKind.DELIVERED: Message.Outcome.DELIVERED,
}
ENDS_REHEARSAL = {
    MailKind.COMPLAINT: "complained",
    MailKind.UNSUBSCRIBE: "unsubscribed",
    MailKind.REPLY: "replied",
}


def apply_waiting(*, now: datetime, limit: int = 500) -> int:
    """Applies up to `limit` waiting mails, oldest first, and returns how many. Safe to run twice at once.

    Raises what the database raises: then nothing is lost, and the next run goes on with the same mail.
    """
    applied = 0
    while applied < limit and (inbound := _begin_next()):
        fault("after_begin")
        try:
            applied += _apply_once(inbound, now=now)
        except Error as error:
            if is_away(error):  # not the mail's fault: the attempt does not count
                InboundEvent.objects.filter(pk=inbound.pk).update(attempts=F("attempts") - 1)
            raise
    return applied


def _begin_next() -> InboundEvent | None:
    """The oldest waiting mail, with one more attempt committed: one that kills its reader is not read for ever."""
    waiting = InboundEvent.objects.filter(applied_at=None).order_by("stored_at", "id")
    with transaction.atomic():
        inbound = waiting.select_for_update(skip_locked=True).first()
        if inbound is not None:
            inbound.attempts += 1
            inbound.save(update_fields=["attempts"])
    return inbound


def _apply_once(inbound: InboundEvent, *, now: datetime) -> bool:
    with transaction.atomic():
        mine = InboundEvent.objects.select_for_update(skip_locked=True).filter(pk=inbound.pk, applied_at=None)
        if not mine.values_list("pk").first():  # another run has it, or had it
            return False
        if inbound.attempts > MOST_ATTEMPTS:
            error = f"Given up: {MOST_ATTEMPTS} readers ended without a word."
        else:
            error = _apply_or_park(inbound, now=now)
        fault("in_apply")
        mine.update(applied_at=DatabaseClock(), error=error)
    fault("after_apply")
    return True


def _apply_or_park(inbound: InboundEvent, *, now: datetime) -> str:
    """Parks a mail that can't be applied, with its bytes and the reason, so that the next one goes on.

    A person's answer stops what we send even then. A database that is away or ends a deadlock is not the mail's fault.
    """
    found = None
    try:
        with transaction.atomic():
            mail = reading.read(bytes(inbound.raw))
            found = matching.find(mail=mail, mailbox_id=inbound.mailbox_id)
            if found is not None:
                apply(inbound=inbound, mail=mail, found=found, now=now)
            elif mail.sender and addresses.is_forgotten([identity.key_for("address", mail.sender)]):
                inbound_privacy.erase(inbound_ids=[inbound.pk])
    except Exception as error:  # whatever strangers send must not stop the mail behind it
        if is_away(error):
            raise
        log.exception("inbound_parked", inbound_id=inbound.pk)
        if found is not None and mail.kind in (MailKind.REPLY, MailKind.UNSUBSCRIBE):
            _stop(found.message, "replied")
        return f"{type(error).__name__}: {error}"[:2000].replace("\x00", "")
    return ""


def apply(*, inbound: InboundEvent, mail: IncomingMail, found: Match, now: datetime) -> None:
    """Does what a mail about one of our messages means."""
    message = found.message
    is_answer = mail.kind in (MailKind.REPLY, MailKind.UNSUBSCRIBE) and not message.campaign.rehearsal_of_id
    (colleagues if is_answer else stopping).lock_open(prospect=message.prospect)
    if found.proven:
        reconciling.proven_sent(message=message)
    if message.campaign.rehearsal_of_id:
        _rehearsed(mail, message)
    elif message.prospect.erased_at:
        _forgotten(inbound, mail, message)
    else:
        _apply(inbound, mail, message, now)


def _rehearsed(mail: IncomingMail, message: Message) -> None:
    """What comes back to a rehearsal ends it for the person who was played, and is no fact about anybody."""
    if mail.kind == MailKind.BOUNCE and mail.bounce in REPORTED:
        raise_outcome(message, REPORTED[mail.bounce])
    if mail.kind == MailKind.COMPLAINT:
        raise_outcome(message, Message.Outcome.COMPLAINED)
    reason = "bounced" if mail.bounce == BounceKind.HARD else ENDS_REHEARSAL.get(mail.kind)
    if reason is not None:
        _stop(message, reason)
        over = Enrollment.objects.filter(pk=message.enrollment_id, state=Enrollment.State.FINISHED)
        over.update(state=Enrollment.State.STOPPED, stop_reason=reason)  # after its last step it is still told


def _forgotten(inbound: InboundEvent, mail: IncomingMail, message: Message) -> None:
    """Of somebody who was erased only the ledger's outcome counts; the mail itself is not kept here a second time."""
    if mail.kind == MailKind.BOUNCE and mail.bounce in REPORTED:
        raise_outcome(message, REPORTED[mail.bounce])
    if mail.kind == MailKind.COMPLAINT:
        raise_outcome(message, Message.Outcome.COMPLAINED)
    inbound_privacy.erase(inbound_ids=[inbound.pk])


def _stop(message: Message, reason: str) -> None:
    """Ends what the message's person is in; of a rehearsal only itself."""
    if message.campaign.rehearsal_of_id:
        stopping.end_enrollments(enrollment_ids=[message.enrollment_id], reason=reason)
    else:
        stopping.stop_enrollments(prospect=message.prospect, reason=reason)


def _apply(inbound: InboundEvent, mail: IncomingMail, message: Message, now: datetime) -> None:
    match mail.kind:
        case MailKind.BOUNCE:
            _bounce(inbound, mail, message, now)
        case MailKind.COMPLAINT:
            _complaint(inbound, mail, message, now)
        case MailKind.AUTO_REPLY:
            returns = mail.return_date.isoformat() if mail.return_date else None
            _event(Event.Kind.AUTO_REPLIED, inbound, mail, message, now, {"return_date": returns})
        case MailKind.UNSUBSCRIBE:
            replies.record(inbound=inbound, mail=mail, message=message, now=now)
            stopping.unsubscribe(message=message, source="reply", now=now)
            colleagues.answered(prospect=message.prospect, now=now)
        case MailKind.REPLY:
            replies.record(inbound=inbound, mail=mail, message=message, now=now)
            _stop(message, goals.REPLIED)
            goals.judge_answer(message=message, reply_class=mail.reply_class or "")
            colleagues.answered(prospect=message.prospect, now=now)


def _bounce(inbound: InboundEvent, mail: IncomingMail, message: Message, now: datetime) -> None:
    detail: dict[str, object] = {"status": mail.status, "diagnostic": mail.diagnostic}
    match mail.bounce:
        case BounceKind.HARD:
            raise_outcome(message, Message.Outcome.BOUNCED)
            outcomes.bounced_for_good(message=message, now=now, detail=detail)
        case BounceKind.SOFT:
            raise_outcome(message, Message.Outcome.BOUNCED_SOFT)
            _event(Event.Kind.BOUNCED, inbound, mail, message, now, {"permanent": False, **detail})
        case BounceKind.DELAYED:
            _event(Event.Kind.DELAYED, inbound, mail, message, now, detail)
        case BounceKind.DELIVERED:
            raise_outcome(message, Message.Outcome.DELIVERED)
            _event(Event.Kind.DELIVERED, inbound, mail, message, now, detail)


def _complaint(inbound: InboundEvent, mail: IncomingMail, message: Message, now: datetime) -> None:
    raise_outcome(message, Message.Outcome.COMPLAINED)
    _event(Event.Kind.COMPLAINED, inbound, mail, message, now, {})
    stopping.suppress(
        kind=Suppression.Kind.ADDRESS,
        value=message.recipient,
        reason=Suppression.Reason.COMPLAINED,
        source=f"message {message.public_id}",
        prospect=message.prospect,
    )


def raise_outcome(message: Message, outcome: Message.Outcome) -> bool:
    """Moves the outcome up the lattice, never down: the result is the same in whatever order the events come."""
    lower: QuerySet[Message] = Message.objects.filter(pk=message.pk, outcome__in=RAISES_TO[outcome])
    return bool(lower.update(outcome=outcome))


def _event(
    kind: Event.Kind,
    inbound: InboundEvent,
    mail: IncomingMail,
    message: Message,
    now: datetime,
    detail: dict[str, object],
) -> None:
    Event.record_once(
        kind=kind,
        message=message,
        inbound=inbound,
        occurred_at=mail.sent_at or now,
        by_machine=True,
        detail=detail,
        dedupe_key=matching.dedupe_key(kind=kind, mail=mail, message=message, inbound=inbound),
    )
