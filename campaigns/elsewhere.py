"""Answers that reached us by other means, a call or another address: kept and counted as the answer they are."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from campaigns import answers, goals, labelling, stopping
from campaigns.models import Event, Message, Reply
from campaigns.rules import colleagues
from integrations.ports import ReplyClass
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import retried
from outreach.lib.text import printable
from prospects import notes
from prospects.models import Note, Prospect

SAID = (ReplyClass.POSITIVE, ReplyClass.QUESTION, ReplyClass.NEGATIVE, ReplyClass.OTHER)
LONGEST = 5_000


class UnknownAnswer(DomainError):
    """What they said is one of `SAID`."""

    title = "Say what they answered"


@dataclass(frozen=True)
class Answered:
    """How many campaigns the person left, and the message that the answer counts for; None when none was sent."""

    ended: int
    message: Message | None


def last_mail(*, prospect: Prospect) -> Message | None:
    """The newest mail that a campaign sent to this person, by any of their rows; rehearsals are no mail to them.

    One query.
    """
    lives_on = prospect.person_id or prospect.pk
    rows = Prospect.objects.filter(Q(pk=lives_on) | Q(person=lives_on))  # with whom was merged into them
    sent = Message.objects.filter(prospect__in=rows, state=Message.State.SENT, campaign__rehearsal_of=None)
    return sent.select_related("mailbox", "prospect", "campaign").order_by("-handed_over_at", "-id").first()


@retried
@transaction.atomic
def answered(*, prospect: Prospect, reply_class: str, words: str = "", by: User | None, now: datetime) -> Answered:
    """They answered elsewhere: their campaigns end, and the answer counts for the newest mail that was sent to them.

    Without such a mail there is nothing that it could count for: it is kept as a note. Of several answers for one mail
    the last counts, and what was said besides the first is a note too; the same answer twice is one. For the others of
    their site it is what an answer by mail is. Raises UnknownAnswer.
    """
    if reply_class not in SAID:
        raise UnknownAnswer(problems=[Problem("reply_class", "Choose what they said.")])
    said, words = ReplyClass(reply_class), printable(words, keep="\n")[:LONGEST]
    colleagues.lock_open(prospect=prospect)
    message = last_mail(prospect=prospect)
    if message is None:
        _note(prospect, said, words, by)
    elif not _keep(message, said, words, by, now):
        _say_anew(prospect, message, said, words, by, now)
    ended = stopping.stop_enrollments(prospect=prospect, reason=goals.REPLIED)
    if message is not None:
        goals.judge_answer(message=message, reply_class=said)
    colleagues.answered(prospect=prospect, now=now)
    return Answered(ended, message)


def _keep(message: Message, said: ReplyClass, words: str, by: User | None, now: datetime) -> bool:
    """False when an answer was kept for this mail before."""
    event, created = Event.record_once(
        kind=Event.Kind.REPLIED,
        message=message,
        occurred_at=now,
        detail={"class": str(said), "elsewhere": True},
        dedupe_key=_key(message),
    )
    if created:
        who = f", noted by {by}" if by else ""
        Reply.objects.create(
            prospect_id=message.prospect_id,
            message=message,
            event=event,
            sender=message.prospect.email,
            text=f"(Not by mail{who}.) {words}".strip(),
            reply_class=said,
            received_at=now,
            read_at=DatabaseClock(),
        )
    return created


def _say_anew(
    prospect: Prospect, message: Message, said: ReplyClass, words: str, by: User | None, now: datetime
) -> None:
    reply = Reply.objects.get(event__dedupe_key=_key(message))
    is_other = labelling.relabel(reply=reply, reply_class=said, by=by, now=now)
    if is_other or words not in reply.text:
        _note(prospect, said, words, by)


def _key(message: Message) -> str:
    return f"elsewhere:{message.pk}"


def _note(prospect: Prospect, said: ReplyClass, words: str, by: User | None) -> None:
    text = f"Answered elsewhere: {answers.KINDS[said].words.lower()}.\n{words}".strip()
    newest = Note.objects.filter(prospect=prospect).order_by("-id").values_list("text", flat=True).first()
    if newest != text:
        notes.add_note(prospect=prospect, text=text, by=by)
