"""What the end of a hand-over changes: the ledger, the enrollment, and whom or what it stops."""

import sys
from contextlib import nullcontext
from datetime import UTC, datetime, time, timedelta

import structlog
from django.db import transaction

from campaigns import advancing, candidates, ledger, planning, scheduling, stopping
from campaigns.batches import Job
from campaigns.ledger import Ended
from campaigns.models import Event, Message
from campaigns.scheduling import Quota, SlotBook
from integrations.models import Mailbox
from integrations.ports import Fault, Outcome, Verdict
from outreach.lib.faults import fault
from outreach.lib.retrying import retried
from prospects.models import Suppression

log = structlog.get_logger(__name__)

GAVE_UP = "gave_up"
PERMANENT = 500
FARTHEST = timedelta(days=30)  # beyond it a share that is used up for so long counts no more
RATE_LIMITED = "4.7.28"  # Gmail: our sending rate


@retried
@transaction.atomic
def apply(*, job: Job, outcome: Outcome, token: int, now: datetime, mailbox: Mailbox) -> bool:
    """Records the outcome of one hand-over and its consequences in one transaction.

    What the server took may be recorded with the next mark instead (see `ended`). False when the mailbox was paused by
    it: nothing more goes out through it.
    """
    match outcome.verdict:
        case Verdict.ACCEPTED:
            ledger.end(ended=[ended(job=job, outcome=outcome, now=now)], token=token)
        case Verdict.UNKNOWN:
            ledger.record(message_id=job.message.pk, token=token, state=Message.State.UNCERTAIN, outcome=outcome)
        case Verdict.DEFERRED | Verdict.WITHHELD:
            _deferred(job, outcome, token, now, mailbox)
        case Verdict.REFUSED:
            _refused(job, outcome, token, now, mailbox)
    fault("in_outcome")
    if not _pauses_mailbox(job, outcome):
        return True
    mailbox.pause(reason=f"{outcome.code} {outcome.reply}")
    log.warning("mailbox_paused", mailbox_id=mailbox.pk, code=outcome.code, status=outcome.status)
    return False


def _pauses_mailbox(job: Job, outcome: Outcome) -> bool:
    """True for what is our account's or our reputation's fault; a temporary 4.7.x is mostly greylisting and is not."""
    if outcome.verdict == Verdict.REFUSED:
        return _is_ours(job, outcome)
    return outcome.verdict == Verdict.DEFERRED and (outcome.fault == Fault.MAILBOX or outcome.status == RATE_LIMITED)


def _deferred(job: Job, outcome: Outcome, token: int, now: datetime, mailbox: Mailbox) -> None:
    wait = scheduling.retry_after(attempts=job.message.attempts + 1)
    if wait is not None:
        at = next_place(job=job, mailbox=mailbox, earliest=now + max(wait, outcome.retry_after), now=now)
        _words(job.message.pk, outcome)
        ledger.give_back(message_id=job.message.pk, token=token, send_at=at)
    elif ledger.record(message_id=job.message.pk, token=token, state=Message.State.REFUSED, outcome=outcome):
        stopping.end_enrollments(enrollment_ids=[job.message.enrollment_id], reason=GAVE_UP)


def next_place(*, job: Job, mailbox: Mailbox, earliest: datetime, now: datetime, has_begun: bool = True) -> datetime:
    """When a message that was not taken is tried again: in its window, and within its domain's share and its campaign's
    limit of that day. One whose hand-over `has_begun` takes of today's already.

    Of a limited campaign nobody else gives places until the end of this transaction; call it before any row is changed.
    """
    message = job.message
    if mailbox.domain_cap is None and job.daily_limit is None:
        return job.window.next_open(earliest)
    limits = {} if job.daily_limit is None else {message.campaign_id: job.daily_limit}
    with planning.alone() if limits else nullcontext():
        quotas = _quotas(mailbox, limits, since=datetime.combine(now.date(), time(0), UTC))
    shares = candidates.shares_of(message.recipient, message.campaign_id)
    for kind, name in shares if has_begun else ():
        quotas[kind].take(name, now.date(), count=-1)
    book = SlotBook(
        cap_on=scheduling.always(sys.maxsize), gap=timedelta(0), taken=(), horizon=earliest + FARTHEST, quotas=quotas
    )
    return book.first(window=job.window, earliest=earliest, shares=shares) or job.window.next_open(earliest)


def _quotas(mailbox: Mailbox, limits: dict[int, int], *, since: datetime) -> dict[str, Quota]:
    limited = [] if mailbox.domain_cap is None else [mailbox.pk]
    domains = candidates.taken_domains(mailbox_ids=limited, since=since).get(mailbox.pk, {})
    return {
        scheduling.DOMAIN: Quota(scheduling.the_same(mailbox.domain_cap), domains),
        scheduling.CAMPAIGN: candidates.campaign_quota(limits=limits, since=since),
    }


@retried
@transaction.atomic
def move_on(*, job: Job, mailbox: Mailbox, now: datetime) -> None:
    """A message of a limited campaign whose day is over takes a place of another: today's too, when there is one."""
    later = next_place(job=job, mailbox=mailbox, earliest=now, now=now, has_begun=False)
    ledger.put_off(message_id=job.message.pk, send_at=later)


def _words(message_id: int, outcome: Outcome) -> None:
    """What the server said of an attempt stays readable while the message waits for the next."""
    Message.objects.filter(pk=message_id).update(
        smtp_phase=outcome.phase,
        smtp_code=outcome.code,
        smtp_status=outcome.status[:12],
        smtp_reply=outcome.reply[:500],
    )


def _is_ours(job: Job, outcome: Outcome) -> bool:
    """A refusal by policy is our fault the first time; the second time, a day later, it is about this recipient."""
    refused_before = job.message.smtp_code >= PERMANENT
    return outcome.fault == Fault.MAILBOX or (outcome.fault == Fault.POLICY and not refused_before)


def _refused(job: Job, outcome: Outcome, token: int, now: datetime, mailbox: Mailbox) -> None:
    if _is_ours(job, outcome):  # the row waits until somebody has looked at the mailbox
        later = next_place(job=job, mailbox=mailbox, earliest=now + scheduling.DAY, now=now)
        _words(job.message.pk, outcome)
        ledger.give_back(message_id=job.message.pk, token=token, send_at=later)
        return
    if not ledger.record(message_id=job.message.pk, token=token, state=Message.State.REFUSED, outcome=outcome):
        return
    if outcome.fault == Fault.RECIPIENT:
        message = Message.objects.select_related("campaign", "prospect").get(pk=job.message.pk)
        bounced_for_good(message=message, now=now, detail={"code": outcome.code, "reply": outcome.reply})
    else:
        stopping.end_enrollments(enrollment_ids=[job.message.enrollment_id], reason="refused")


def bounced_for_good(*, message: Message, now: datetime, detail: dict[str, object]) -> None:
    """The address takes no mail: an event, a suppression, and the end of the person's enrollments.

    A rehearsal says nothing about the person, and only ends.
    """
    if message.campaign.rehearsal_of_id:
        stopping.end_enrollments(enrollment_ids=[message.enrollment_id], reason="bounced")
        return
    Event.record_once(
        kind=Event.Kind.BOUNCED,
        message=message,
        occurred_at=now,
        detail={"permanent": True, **detail},
        dedupe_key=f"bounce:{message.pk}:hard",
    )
    stopping.suppress(
        kind=Suppression.Kind.ADDRESS,
        value=message.recipient,
        reason=Suppression.Reason.BOUNCED,
        source=f"message {message.public_id}",
        prospect=message.prospect,
    )


def ended(*, job: Job, outcome: Outcome, now: datetime) -> Ended:
    """What `ledger.mark` and `ledger.end` write of a message that the server took."""
    onward = advancing.onward(job.next_step, place=job.place, at=now)
    return Ended(job.message.pk, outcome, onward.next_step_key, onward.due_at, onward.look_at)
