"""What needs a person now, each with its cure. When there is nothing, nothing is broken."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns import analytics, approving, obstacles, overdue, releasing, suspects
from campaigns.models import Campaign, Message
from campaigns.situation import MOST_WAITING, Situation
from integrations import outages
from integrations.models import Mailbox
from outreach.lib.words import number, people, rate
from prospects.models import ImportBatch

MOST = 100
MOST_OVERDUE = 10_000
FIRST_LOOK = timedelta(minutes=5)  # into a mailbox that was just added
IMPORTS_STAY = timedelta(days=3)  # a failed import is forgotten after that
FEW = 5


@dataclass(frozen=True)
class Need:
    """One thing in words; `cure` is the link to `route` (with `id`), `hint` says what to do without one.

    With `at_once` the cure is a button that posts there.
    """

    text: str
    cure: str = ""
    route: str = ""
    id: uuid.UUID | None = None
    hint: str = ""
    tone: str = "bad"
    takes_manager: bool = False
    at_once: bool = False


def of(*, seen: Situation, now: datetime) -> list[Need]:
    """Everything that waits for somebody, the worst first. Six queries.

    That all sending is stopped or held is none of them: every page says it above all else.
    """
    return [
        *_machinery(seen),
        *_overdue(),
        *_parked(),
        *(need for mailbox in seen.mailboxes for need in _mailbox(mailbox, blind=_is_blind(mailbox, seen, now))),
        *_tasks(),
        *(_unread(mailbox) for mailbox in seen.unread),
        *_uncertain(),
        *(_paused(campaign) for campaign in seen.campaigns if _was_paused_by_us(campaign)),
        *_endangered(seen.running),
        *_imports(now),
    ]


def _machinery(seen: Situation) -> Iterator[Need]:
    if seen.silent:
        yield Need(
            "The background work is silent: nothing is sent and no answer is read.",
            hint="It starts with the server; if it does not come back within a minute, restart Outreach.",
        )
    if seen.control.journal_failed_at:
        yield Need(
            "Opt-outs are only in the database: the disk beside it is full or can't be written to.",
            hint="They are kept, but a backup that is put back would not know them. Make room in the data folder; what "
            "is missing is then written by itself.",
        )
    if seen.answers_waiting:
        many = "100 or more" if seen.answers_waiting == MOST_WAITING else seen.answers_waiting
        what = "One mail that came in is" if many == 1 else f"{many} mails that came in are"
        hint = "Follow-ups wait until they are: an answer may be among them. This usually passes by itself."
        yield Need(f"{what} not sorted yet.", hint=hint, tone="warn")


def _overdue() -> Iterator[Need]:
    count = overdue.waiting()[:MOST_OVERDUE].count()
    if count:
        many = number(count) + (" or more" if count == MOST_OVERDUE else "")
        what = "1 mail was" if count == 1 else f"{many} mails were"
        hint = "They leave spread out, within windows, gaps and daily caps, and follow-ups not before answers are read."
        text = f"{what} due while nothing was sent."
        if releasing.is_under_way():
            yield Need(f"{text} They are being given new places.", hint=hint, tone="warn")
            return
        yield Need(text, "Release them", "sending-release", hint=hint, at_once=True)


def _tasks() -> Iterator[Need]:
    count = approving.waiting().select_related(None).order_by()[: MOST + 1].count()
    if count:
        many = f"More than {MOST}" if count > MOST else number(count)
        text = f"{many} {'message waits' if count == 1 else 'messages wait'} for somebody to approve or to do."
        yield Need(text, "Open the tasks", "tasks", tone="warn")


def _parked() -> Iterator[Need]:
    for message in suspects.parked().select_related("prospect").order_by("id")[:FEW]:
        yield Need(
            f"Sending broke off three times while the mail to {message.recipient} was written; it is held back now.",
            "Open person",
            "prospect",
            message.prospect.public_id,
            hint="Everybody else’s mails go on. Look for something huge or odd in what is known of them, then try it "
            "again on their page.",
        )


def _is_blind(mailbox: Mailbox, seen: Situation, now: datetime) -> bool:
    """A new one is read for the first time within a minute or two."""
    return mailbox.pk in seen.blind and (mailbox.polled_at or mailbox.created_at) < now - FIRST_LOOK


def _mailbox(mailbox: Mailbox, *, blind: bool) -> Iterator[Need]:
    """The first thing to mend of each mailbox: the rest follows from it, or shows when that is done."""
    where = ("Open mailbox", "mailbox", mailbox.public_id)
    if mailbox.status == Mailbox.Status.PAUSED:
        reason = f": {mailbox.status_reason}" if mailbox.status_reason else ""
        yield Need(f"The mailbox {mailbox.name} is paused{reason}", *where)
    elif outages.is_lasting(mailbox=mailbox):
        hint = "They wait, and it is tried again by itself. When it is put right, “Check it now” lets them go at once."
        yield Need(f"The mails of {mailbox.name} are not taken: {mailbox.send_error}", *where, hint=hint)
    elif mailbox.verified_at is None:
        yield Need(f"The mailbox {mailbox.name} was never checked.", "Check it", *where[1:], tone="warn")
    elif mailbox.poll_error:
        yield Need(f"{mailbox.name} can't be read: {mailbox.poll_error}", *where)
    elif blind:
        how_long = "for half an hour" if mailbox.polled_at else "yet"
        yield Need(f"{mailbox.name} was not read {how_long}: answers may be waiting there.", *where)


def _unread(mailbox: Mailbox) -> Need:
    hint = "Follow-ups to people it wrote to wait until it was. If its account is closed, say so on its page."
    text = f"{mailbox.name} is retired and can't be read: {mailbox.poll_error}"
    return Need(text, "Open mailbox", "mailbox", mailbox.public_id, hint=hint)


def _uncertain() -> Iterator[Need]:
    unsure = Message.objects.filter(state=Message.State.UNCERTAIN, campaign__rehearsal_of=None)
    count = unsure[:MOST].count()
    if count:
        many = "100 or more mails" if count == MOST else "1 mail" if count == 1 else f"{count} mails"
        yield Need(f"{many} we are not sure about.", "Look at them", "messages-uncertain", tone="warn")


def _was_paused_by_us(campaign: Campaign) -> bool:
    """A person's pause says so."""
    return campaign.state == Campaign.State.PAUSED and not campaign.state_reason.startswith("paused")


def _paused(campaign: Campaign) -> Need:
    reason = f": {campaign.state_reason}" if campaign.state_reason else "."
    return Need(f"{campaign.name} is paused{reason}", "Open campaign", "campaign", campaign.public_id, tone="warn")


def _endangered(running: Sequence[Campaign]) -> Iterator[Need]:
    found = analytics.reached([campaign.pk for campaign in running])
    for campaign in running:
        reached = found.get(campaign.pk, analytics.Reached())
        danger = obstacles.endangered(reached)
        if danger is None:
            continue
        many, what = reached.numbers.bounced, "bounced"
        hint = "Look at who bounced, and pause it if they come from one bad list."
        if danger.tone == "bad":
            many, what = reached.numbers.complained, "complained"
            hint = "Pause it before more people complain: mailbox providers count this."
        said = f"{campaign.name}: {rate(many, reached.written)} of the {people(reached.written)} written to {what}."
        yield Need(said, "Open campaign", "campaign", campaign.public_id, hint=hint, tone=danger.tone)


def _imports(now: datetime) -> Iterator[Need]:
    failed = ImportBatch.objects.filter(status=ImportBatch.Status.FAILED, created_at__gt=now - IMPORTS_STAY)
    for batch in failed.order_by("-id")[:FEW]:
        yield Need(
            f"The import of {batch.file_name} failed: {batch.error}",
            "Open import",
            "import",
            batch.public_id,
            tone="warn",
        )
