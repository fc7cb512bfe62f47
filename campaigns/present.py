"""What happens next for one person in each campaign they are in: planned and held, or the decision as of now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from campaigns import booking, deciding, facts, gate, lines, scheduling, verdict_words, wording
from campaigns.facts import Candidate
from campaigns.models import Campaign, Enrollment, Message, Step
from campaigns.rules import touched
from campaigns.rules.touching import Touches
from campaigns.scheduling import SlotBook
from campaigns.verdict_words import Before
from prospects.models import Prospect

MOST = 3
OPEN = {
    Message.State.PLANNED: "Planned for",
    Message.State.SENDING: "Being sent since",
    Message.State.UNCERTAIN: "We are not sure whether it was sent",
}


@dataclass(frozen=True)
class Next:
    """What comes next in one campaign: words, the instant they are about, and why; `waits` for somebody here.

    `parked` may be tried again (campaigns.suspects).
    """

    campaign: Campaign
    step: int
    words: str
    at: datetime | None = None
    why: str = ""
    waits: bool = False
    parked: bool = False


def of(*, prospect: Prospect, now: datetime) -> list[Next]:
    """At most three campaigns, the newest first. A fixed number of queries; nothing is written."""
    active = Enrollment.objects.filter(
        prospect=prospect, state=Enrollment.State.ACTIVE, campaign__rehearsal_of__isnull=True
    )
    ways = list(active.select_related("campaign").order_by("-id")[:MOST])
    books = booking.slot_books(now=now, mailbox_ids={way.mailbox_id for way in ways}) if ways else {}
    return list(of_ways(ways, books=books, now=now).values())


def of_many(*, ways: Sequence[Enrollment], now: datetime) -> dict[int, Next]:
    """The same for many enrollments that are under way, by key, as if their mailboxes had room at any time.

    A fixed number of queries, and two for each condition of their steps.
    """
    book = SlotBook(cap_on=scheduling.always(len(ways)), gap=timedelta(0), taken=(), horizon=scheduling.horizon(now))
    return of_ways(ways, books={way.mailbox_id: book for way in ways}, now=now)


def of_ways(ways: Sequence[Enrollment], *, books: Mapping[int, SlotBook], now: datetime) -> dict[int, Next]:
    """By key of the enrollment what comes next; `books` by mailbox, one without sends nothing."""
    if not ways:
        return {}
    found = Message.objects.filter(enrollment__in=ways, state__in=OPEN).select_related("step")
    messages = {message.enrollment_id: message for message in found}
    refused = gate.refusals(message_ids=[message.pk for message in messages.values()])
    known = {row.enrollment_id: row for row in facts.of([way.pk for way in ways], now=now)}
    steps = Step.objects.in_bulk([row.ledger.step_id for row in known.values()])
    before = verdict_words.before_of([way.pk for way in ways])
    touches = touched.load([row.facts.whom for row in known.values()])
    answers = {}
    for way in ways:
        if message := messages.get(way.pk):
            answers[way.pk] = _open(way, message, refused.get(message.pk, []))
        elif candidate := known.get(way.pk):
            step, passed = steps[candidate.ledger.step_id], before.get(way.pk)
            verdict = _verdict(candidate, books, touches, now)
            answers[way.pk] = _decided(way, candidate, verdict, step, passed, now)
        else:
            answers[way.pk] = Next(way.campaign, 0, "Nothing comes next")
    return answers


def _open(way: Enrollment, message: Message, refused: list[str]) -> Next:
    at = {
        Message.State.SENDING: message.handed_over_at,
        Message.State.UNCERTAIN: message.handed_over_at,
    }.get(Message.State(message.state), message.expected_at)
    held = message.state == Message.State.PLANNED and bool(refused)
    why = "held: " + "; ".join(wording.words(name) for name in refused) if held else ""
    waits = held or message.state == Message.State.UNCERTAIN
    words, parked = OPEN[Message.State(message.state)], held and "parked" in refused
    if message.state == Message.State.PLANNED and message.attempts:
        words = "Put off by their mail server, the next try is about"
    if message.awaits and held:
        words, why = "Waits for a person since", wording.words(message.awaits)
    return Next(way.campaign, message.step.position, words, at, why, waits, parked)


def _verdict(candidate: Candidate, books: Mapping[int, SlotBook], touches: Touches, now: datetime) -> deciding.Verdict:
    book = books.get(candidate.mailbox_id) or booking.closed_book(now=now)
    return deciding.decide(now=now, facts=candidate.facts, slots=book, touches=touches)


def _decided(
    way: Enrollment,
    candidate: Candidate,
    verdict: deciding.Verdict,
    step: Step,
    before: Before | None,
    now: datetime,
) -> Next:
    due_at = candidate.facts.due_at
    why = verdict_words.because(verdict.rule, step=step, before=before, due_at=due_at, now=now, clock=_clock(now))
    match verdict:
        case deciding.Send(slot=slot):
            return Next(way.campaign, step.position, "Will be planned for about", slot, why)
        case deciding.Wait(until=until):
            at = scheduling.opens_after(candidate.facts.window, until)
            return Next(way.campaign, step.position, "Waits until about", at, why)
        case deciding.Ask():
            return Next(way.campaign, step.position, "Will wait for a person", None, why)
        case deciding.Skip():
            return Next(way.campaign, step.position, "Will be left out", None, why)
        case deciding.Hold():
            return Next(way.campaign, step.position, "Held", None, why, waits=True)
        case deciding.Finish() | deciding.Stop():
            return Next(way.campaign, step.position, "Will end", None, why)


def _clock(now: datetime) -> lines.Clock:
    """Says an instant in the looker's zone: "today 15:36", "22 Nov 15:36"."""
    today = timezone.localtime(now).date()

    def said(at: datetime) -> str:
        local = timezone.localtime(at)
        return f"today {local:%H:%M}" if local.date() == today else f"{local.day} {local:%b %H:%M}"

    return said
