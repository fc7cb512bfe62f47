"""Handing over: one worker owns a mailbox, claims a batch, composes it, and marks each message right before MAIL FROM.

No transaction is open while composing or talking to a server. What a killed worker leaves behind is settled by the
next owner of the mailbox: claimed goes back to planned, sending becomes uncertain and is never resent by itself.
"""

import time as monotonic_time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import structlog
from django.db.models import Q

from campaigns import batches, ledger, outcomes
from campaigns.batches import Job
from campaigns.models import Message
from campaigns.scheduling import MINUTE
from integrations import leases, sending
from integrations.adapters.smtp import SmtpConnection
from integrations.models import Mailbox
from integrations.ports import CredentialsRefused, Unreachable, Verdict

log = structlog.get_logger(__name__)

BATCH = 100
TICK_SECONDS = 5
MARK_SECONDS = 30  # a mark older than this before DATA is given back unsent
SERVER_DOWN = 5 * MINUTE


@dataclass
class Delivered:
    """What one run did; `owned` is False when another worker has the mailbox."""

    owned: bool = False
    settled: int = 0
    sent: int = 0
    refused: int = 0
    deferred: int = 0
    uncertain: int = 0
    withheld: int = 0
    cancelled: int = 0


def mailboxes_with_work(*, now: datetime) -> list[int]:
    """Mailboxes with a message whose slot has come, or with messages in a hand that may be dead."""
    due = Q(state=Message.State.PLANNED, send_at__lte=now)
    in_hand = Q(state__in=(Message.State.CLAIMED, Message.State.SENDING))
    return list(Message.objects.filter(due | in_hand).order_by("mailbox").values_list("mailbox", flat=True).distinct())


def deliver(*, mailbox_id: int, now: datetime, owner: str, limit: int | None = None) -> Delivered:
    """Hands over what is due from this mailbox, within its cap and gap. Returns at once when another worker owns it."""
    done = Delivered()
    token = leases.take(mailbox_id=mailbox_id, owner=owner)
    if token is None:
        return done
    done.owned = True
    try:
        with leases.kept_alive(mailbox_id=mailbox_id, token=token):
            done.settled = len(ledger.settle(mailbox_id=mailbox_id, token=token))
            mailbox = Mailbox.objects.get(pk=mailbox_id)
            _work(mailbox, token=token, now=now, limit=limit, done=done)
    finally:
        ledger.release(mailbox_id=mailbox_id, token=token)
        leases.release(mailbox_id=mailbox_id, token=token)
    return done


def _work(mailbox: Mailbox, *, token: int, now: datetime, limit: int | None, done: Delivered) -> None:
    connection = SmtpConnection(account=sending.smtp_account(mailbox))
    remaining = _allowance(mailbox, now) if limit is None else min(limit, _allowance(mailbox, now))
    try:
        while remaining > 0:
            ids = ledger.claim(mailbox_id=mailbox.pk, token=token, now=now, limit=min(BATCH, remaining))
            if not ids:
                return
            remaining -= len(ids)
            for job in batches.prepare(message_ids=ids, token=token, now=now):
                if job.composed is None:
                    done.cancelled += 1
                elif not _hand_over(job, connection, mailbox=mailbox, token=token, now=now, done=done):
                    return
    finally:
        connection.close()


def _allowance(mailbox: Mailbox, now: datetime) -> int:
    """How many messages the cap and the gap allow in this run; counted from the ledger, by one owner at a time."""
    today = datetime.combine(now.date(), time(0), UTC)
    begun, last = ledger.begun_since(mailbox_id=mailbox.pk, since=today)
    left = mailbox.daily_cap - begun
    if not mailbox.gap_seconds:
        return left
    if last is not None and now < last + timedelta(seconds=mailbox.gap_seconds):
        return 0
    return min(left, max(1, TICK_SECONDS // mailbox.gap_seconds))


def _hand_over(
    job: Job, connection: SmtpConnection, *, mailbox: Mailbox, token: int, now: datetime, done: Delivered
) -> bool:
    """One message from mark to outcome. False ends the run: the server or the account does not work."""
    composed = job.composed
    assert composed is not None
    if not connection.is_open and not _open(connection, mailbox, token=token, now=now):
        done.deferred += 1
        return False
    message = composed.message
    began = monotonic_time.clock_gettime(monotonic_time.CLOCK_BOOTTIME)  # counts through a suspended machine
    if not ledger.mark(
        message_id=message.pk, token=token, now=now, subject=composed.subject, text=composed.text, html=composed.html
    ):
        done.withheld += 1
        return True
    outcome = connection.send(
        envelope_from=mailbox.from_address,
        recipient=message.recipient,
        data=composed.data,
        proceed=_younger_than(began, MARK_SECONDS),
    )
    outcomes.apply(job=job, outcome=outcome, token=token, now=now, mailbox=mailbox)
    _count(outcome.verdict, done)
    return outcome.verdict == Verdict.ACCEPTED or not outcomes.pauses_mailbox(outcome)


def _open(connection: SmtpConnection, mailbox: Mailbox, *, token: int, now: datetime) -> bool:
    """Opens the connection; what keeps it shut is the mailbox's trouble, not a message's."""
    try:
        connection.open()
    except CredentialsRefused as error:
        mailbox.pause(reason=str(error))
        log.warning("mailbox_paused", mailbox_id=mailbox.pk, reason=str(error))
    except Unreachable as error:
        ledger.postpone(mailbox_id=mailbox.pk, token=token, now=now, until=now + SERVER_DOWN)
        log.warning("mail_server_unreachable", mailbox_id=mailbox.pk, reason=str(error))
    else:
        return True
    return False


def _younger_than(began: float, seconds: float) -> Callable[[], bool]:
    return lambda: monotonic_time.clock_gettime(monotonic_time.CLOCK_BOOTTIME) - began < seconds


def _count(verdict: Verdict, done: Delivered) -> None:
    name = {
        Verdict.ACCEPTED: "sent",
        Verdict.REFUSED: "refused",
        Verdict.DEFERRED: "deferred",
        Verdict.UNKNOWN: "uncertain",
        Verdict.WITHHELD: "withheld",
    }[verdict]
    setattr(done, name, getattr(done, name) + 1)
