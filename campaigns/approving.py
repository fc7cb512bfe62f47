"""What waits for a person: texts to read and approve, and tasks to do. One by one, oldest first."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from campaigns import advancing, composing, gate, planning, rows, skipping, tracking, wording
from campaigns.calendars import place_of
from campaigns.composing import CannotCompose, SenderIncomplete
from campaigns.models import Campaign, Enrollment, Message, PersonalText
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from outreach.lib.text import printable
from templates.linting import MAX_SUBJECT

LONGEST = 20_000
FARTHEST = timedelta(days=60)  # a place farther away is none
AWAITS_PERSON = "awaits_person"  # the gate's clause that a person's word lifts
RELATED = ("campaign__program", "prospect__site", "prospect__owner", "step", "mailbox", "template_version__template")


class NotWaiting(DomainError):
    """It was approved, done, left out or stopped meanwhile."""

    status = 409
    title = "This does not wait any more"


class InvalidText(DomainError):
    """A text that can't be sent as it is."""

    title = "The text can't be sent"


class CannotGoOut(DomainError):
    """Something holds it; it goes on waiting."""

    status = 409
    title = "It can't go out now"


@dataclass(frozen=True)
class Words:
    """What would be said; `problem` is why nothing can be, as a sentence."""

    subject: str = ""
    text: str = ""
    problem: str = ""


def waiting(*, owner: User | None = None) -> QuerySet[Message]:
    """Everything that waits, oldest first, of campaigns that run; of one owner's people, if one is given."""
    found = Message.objects.filter(state=Message.State.PLANNED, campaign__state=Campaign.State.RUNNING)
    found = found.exclude(awaits="").select_related(*RELATED).order_by("planned_at", "id")
    return found if owner is None else found.filter(prospect__owner=owner)


def words_of(message: Message) -> Words:
    """What this message would say now. A fixed number of queries."""
    batch = rows.load(message_ids=[message.pk])
    try:
        said = composing.words(message=batch.messages[0], batch=batch)
    except (CannotCompose, SenderIncomplete) as error:
        return Words(problem=str(error))
    return Words(said.subject, said.text)


@transaction.atomic
def write(*, message: Message, subject: str, text: str, by: User | None, now: datetime) -> None:
    """Keeps what is said to this one person instead of the template's words. Raises NotWaiting, InvalidText.

    A mail keeps its link to say no, and the sender's postal address.
    """
    locked = _locked(message)
    subject, text = " ".join(printable(subject).split()), printable(text.replace("\r\n", "\n"), keep="\n")
    if problems := _problems(locked, subject, text):
        raise InvalidText(problems=problems)
    said = words_of(locked)
    if (subject, text) == (said.subject, said.text):
        return
    kept = {"subject": subject, "text": text, "written_by": by, "written_at": now}
    PersonalText.objects.update_or_create(message=locked, defaults=kept)


def _problems(message: Message, subject: str, text: str) -> list[Problem]:
    found = []
    if not text.strip():
        found.append(Problem("text", "It says nothing."))
    if len(text) > LONGEST or len(subject) > MAX_SUBJECT:
        field, most = ("text", LONGEST) if len(text) > LONGEST else ("subject", MAX_SUBJECT)
        found.append(Problem(field, f"This is longer than {most:,} characters."))
    if message.awaits == Message.Awaits.TASK:
        return found
    if tracking.unsubscribe_url(public_id=message.public_id) not in text:
        found.append(Problem("text", "The link by which they can say no is missing: leave it in."))
    address = message.campaign.program.postal_address
    if " ".join(address.split()) not in " ".join(text.split()):
        found.append(Problem("text", f"The postal address is missing: {address}."))
    return found


def approve(*, message: Message, by: User | None, now: datetime) -> datetime:
    """Gives it its place, by the same decision that plans every other message; returns the slot (UTC).

    Raises NotWaiting, and CannotGoOut with what holds it.
    """
    with planning.alone():
        locked = _locked(message, awaits=Message.Awaits.APPROVAL)
        slot = planning.place_of(enrollment_id=locked.enrollment_id, now=now, until=now + FARTHEST)
        if not isinstance(slot, datetime):
            raise CannotGoOut(f"It can't go out now: {wording.words(slot)}. It goes on waiting here.")
        why = {**locked.why, "slot": slot.isoformat(), "approved_by": str(by), "approved_at": now.isoformat()}
        Message.objects.filter(pk=locked.pk).update(awaits="", send_at=slot, why=why)
    return slot


@transaction.atomic
def done(*, message: Message, by: User | None, now: datetime) -> None:
    """A person has done the task: the ledger keeps the words, and the way goes on from now.

    Raises NotWaiting, and CannotGoOut when somebody had said no or stopped it: then it must not be done.
    """
    locked = _locked(message, awaits=Message.Awaits.TASK)
    if held := set(gate.refusals(message_ids=[locked.pk])[locked.pk]) - {AWAITS_PERSON, "mailbox_not_active"}:
        why = "; ".join(wording.words(name) for name in sorted(held))
        raise CannotGoOut(f"This must not be done now: {why}.")
    said = words_of(locked)
    Message.objects.filter(pk=locked.pk).update(
        state=Message.State.SENT,
        marked_at=DatabaseClock(),
        handed_over_at=now,
        attempts=1,
        subject=said.subject,
        text=said.text,
        why={**locked.why, "done_by": str(by)},
    )
    place = place_of(locked.prospect, locked.campaign)
    step = advancing.next_of(message_id=locked.pk)
    list(Enrollment.objects.filter(pk=locked.enrollment_id).select_for_update().values_list("pk"))
    advancing.move_on([(locked.enrollment_id, advancing.onward(step, place=place, at=now))], handed_over=True)


def leave_out(*, message: Message, by: User | None, now: datetime) -> None:
    """Not for this person: they go on to the next step. Raises NotWaiting."""
    reason = f"by {by}" if by else "by a person"
    waits = Message.objects.filter(pk=message.pk).exclude(awaits="").exists()
    if not waits or not skipping.leave_out(message_ids=[message.pk], reason=reason, now=now):
        raise NotWaiting(_GONE)


_GONE = "Somebody approved it, did it, left it out or stopped it meanwhile."


def _locked(message: Message, *, awaits: str = "") -> Message:
    """The row as it is now, locked in a transaction. Raises NotWaiting."""
    found = Message.objects.select_for_update().filter(pk=message.pk, state=Message.State.PLANNED).exclude(awaits="")
    held = (found.filter(awaits=awaits) if awaits else found).values_list("pk", flat=True).first()
    if held is None:
        raise NotWaiting(_GONE)
    # Read once it is locked: until then its step may have become that of a new version.
    return Message.objects.select_related("campaign__program", "prospect", "step", "enrollment").get(pk=held)
