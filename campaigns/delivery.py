"""Handing over: one worker owns a mailbox, claims a batch, composes it, and marks each message right before MAIL FROM.

No transaction is open while composing or talking to a server. What a killed worker leaves behind is settled by the
next owner of the mailbox: claimed goes back to planned, sending becomes uncertain and is never resent by itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from time import CLOCK_BOOTTIME, clock_gettime

import structlog
from django.db.models import Q

from campaigns import batches, ledger, outcomes
from campaigns.batches import Job
from campaigns.composing import Composed
from campaigns.models import Message
from campaigns.scheduling import MINUTE
from integrations import leases, sending
from integrations.adapters.smtp import SmtpConnection
from integrations.models import Mailbox
from integrations.ports import CredentialsRefused, Fault, Outcome, Phase, Unreachable, Verdict

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

BATCH = 100
RUN_SECONDS = 45  # then the next tick goes on: a run is far shorter than any time limit of a task
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


def monotonic() -> float:
    """Seconds that also pass while the machine is suspended."""
    return clock_gettime(CLOCK_BOOTTIME)


def _running_from(now: datetime) -> Clock:
    """Business time during a run: a slow server's minutes count against windows, gaps and days."""
    began = monotonic()
    return lambda: now + timedelta(seconds=monotonic() - began)


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
            _work(mailbox, token=token, clock=_running_from(now), limit=limit, done=done)
    finally:
        ledger.release(mailbox_id=mailbox_id, token=token)
        leases.release(mailbox_id=mailbox_id, token=token)
    return done


def _work(mailbox: Mailbox, *, token: int, clock: Clock, limit: int | None, done: Delivered) -> None:
    """Batch after batch until nothing is due, the allowance is used up, or the run has lasted long enough."""
    connection = SmtpConnection(account=sending.smtp_account(mailbox))
    until, claimed = monotonic() + RUN_SECONDS, 0
    try:
        while monotonic() < until:
            most = BATCH if limit is None else min(BATCH, limit - claimed)
            ids = _claim(mailbox, token=token, now=clock(), most=max(0, most))
            claimed += len(ids)
            jobs = batches.prepare(message_ids=ids, token=token, now=clock())
            if not ids or not _hand_over_all(
                jobs, connection, mailbox=mailbox, token=token, clock=clock, until=until, done=done
            ):
                return
    finally:
        connection.close()


def _hand_over_all(
    jobs: Iterable[Job],
    connection: SmtpConnection,
    *,
    mailbox: Mailbox,
    token: int,
    clock: Clock,
    until: float,
    done: Delivered,
) -> bool:
    """False ends the run: the server or the account does not work, or it has lasted long enough."""
    for job in jobs:
        now = clock()
        if monotonic() > until:
            return False
        if job.composed is None:
            done.cancelled += 1
        elif not job.window.is_open(now):
            ledger.give_back(message_id=job.message.pk, token=token, send_at=job.window.next_open(now))
        elif not _hand_over(job, job.composed, connection, mailbox=mailbox, token=token, now=now, done=done):
            return False
    return True


def _claim(mailbox: Mailbox, *, token: int, now: datetime, most: int) -> list[int]:
    """Rehearsals first, which wait for no cap and no gap; then what both allow."""
    if rehearsed := ledger.claim_rehearsals(mailbox_id=mailbox.pk, token=token, now=now, limit=most):
        return rehearsed
    allowed = max(0, min(most, _allowance(mailbox, now)))
    return ledger.claim(mailbox_id=mailbox.pk, token=token, now=now, limit=allowed)


def _allowance(mailbox: Mailbox, now: datetime) -> int:
    """How many messages the cap and the gap allow now; counted from the ledger, by one owner at a time.

    With a gap it is one at most: a gap shorter than the tick is as long as the tick.
    """
    today = datetime.combine(now.date(), time(0), UTC)
    left = mailbox.daily_cap - ledger.begun_since(mailbox_id=mailbox.pk, since=today)
    if not mailbox.gap_seconds:
        return left
    gap = timedelta(seconds=mailbox.gap_seconds) - timedelta(microseconds=1)
    return 0 if ledger.begun_since(mailbox_id=mailbox.pk, since=now - gap) else min(left, 1)


def _hand_over(
    job: Job,
    composed: Composed,
    connection: SmtpConnection,
    *,
    mailbox: Mailbox,
    token: int,
    now: datetime,
    done: Delivered,
) -> bool:
    """One message from mark to outcome. False ends the run: the server or the account does not work."""
    if not connection.is_open and not _open(connection, mailbox, token=token, now=now):
        done.deferred += 1
        return False
    message = composed.message
    began = monotonic()
    if not ledger.mark(
        message_id=message.pk, token=token, now=now, subject=composed.subject, text=composed.text, html=composed.html
    ):
        done.withheld += 1
        return True
    try:
        outcome = connection.send(
            envelope_from=mailbox.from_address,
            recipient=message.recipient,
            data=composed.data,
            proceed=lambda: monotonic() - began < MARK_SECONDS,
        )
    except ValueError as error:  # said before anything was sent: the envelope can't be
        outcome = Outcome(Verdict.REFUSED, Phase.MAIL, reply=str(error)[:500], fault=Fault.CONTENT)
    _count(outcome.verdict, done)
    return outcomes.apply(job=job, outcome=outcome, token=token, now=now, mailbox=mailbox)


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


def _count(verdict: Verdict, done: Delivered) -> None:
    name = {
        Verdict.ACCEPTED: "sent",
        Verdict.REFUSED: "refused",
        Verdict.DEFERRED: "deferred",
        Verdict.UNKNOWN: "uncertain",
        Verdict.WITHHELD: "withheld",
    }[verdict]
    setattr(done, name, getattr(done, name) + 1)
