"""What the end of a hand-over changes: the ledger, the enrollment, and whom or what it stops."""

import sys
from collections import Counter
from datetime import UTC, datetime, time, timedelta

import structlog
from django.db import transaction

from campaigns import advancing, candidates, facts, ledger, scheduling, stopping
from campaigns.batches import Job
from campaigns.ledger import Ended
from campaigns.models import Event, Message
from campaigns.scheduling import SlotBook
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
        _words(job.message.pk, outcome)
        at = next_place(job=job, mailbox=mailbox, earliest=now + max(wait, outcome.retry_after), now=now)
        ledger.give_back(message_id=job.message.pk, token=token, send_at=at)
    elif ledger.record(message_id=job.message.pk, token=token, state=Message.State.REFUSED, outcome=outcome):
        stopping.end_enrollments(enrollment_ids=[job.message.enrollment_id], reason=GAVE_UP)


def next_place(*, job: Job, mailbox: Mailbox, earliest: datetime, now: datetime) -> datetime:
    """When a message that was not taken is tried again: in its window, and within its domain's share of that day."""
    domain = facts.domain_of(job.message.recipient)
    if mailbox.domain_cap is None:
        return job.window.next_open(earliest)
    today = datetime.combine(now.date(), time(0), UTC)
    taken = Counter(candidates.taken_domains(mailbox_ids=[mailbox.pk], since=today).get(mailbox.pk, {}))
    taken[now.date(), domain] -= 1  # itself
    book = SlotBook(
        cap_on=scheduling.always(sys.maxsize),
        gap=timedelta(0),
        taken=(),
        horizon=earliest + FARTHEST,
        domain_cap=mailbox.domain_cap,
        domains=taken,
    )
    return book.first(window=job.window, earliest=earliest, domain=domain) or job.window.next_open(earliest)


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
        _words(job.message.pk, outcome)
        later = next_place(job=job, mailbox=mailbox, earliest=now + scheduling.DAY, now=now)
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
