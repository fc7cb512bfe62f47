"""Holding the ledger against what the receiving server wrote down: its log is the truth, never our database."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.models import Campaign, Enrollment, Event, Goal, Message, Step
from outreach.demo import behaviour
from outreach.demo.behaviour import ANSWERS, Habit
from outreach.demo.records import Accepted, Performed, Records
from prospects.models import Prospect, Suppression

State = Message.State
HANDED_OVER = (State.SENT, State.UNCERTAIN, State.ABANDONED, State.SENDING)
SAYS_NO = (Event.Kind.REPLIED, Event.Kind.UNSUBSCRIBED, Event.Kind.COMPLAINED)
GRACE = timedelta(seconds=5)
ENDS = (State.SENT, State.REFUSED, State.CANCELLED, State.UNCERTAIN, State.ABANDONED)


@dataclass(frozen=True)
class Findings:
    """The counts of the story and, in words, each promise that was broken."""

    counts: Mapping[str, int]
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Person:
    """What ledger and log know about one recipient."""

    address: str
    habit: Habit
    enrollment: Enrollment
    messages: tuple[Message, ...]
    events: frozenset[str]
    suppressed_for: frozenset[str]
    stopped_at: datetime | None
    copies: tuple[Accepted, ...]

    @property
    def is_unsure(self) -> bool:
        """Whether a message is uncertain: the rest of this person's story waits for evidence."""
        return any(message.state in (State.UNCERTAIN, State.ABANDONED) for message in self.messages)


@dataclass(frozen=True)
class Facts:
    """Everything a check reads, loaded once. The log is read before the ledger and after it: sending may go on."""

    steps: int
    people: list[Person]
    log: list[Accepted]
    performed: list[Performed]
    by_message_id: dict[str, Message]
    logged_by_now: frozenset[str]


def check(*, campaign: Campaign, records: Records, seed: int, is_over: bool = True) -> Findings:
    """Compares one campaign with the receiving log of its world.

    `is_over` says that the story has been told to its end: nothing may be open, and everybody's known behaviour must
    have led to its known end.
    """
    facts = _load(campaign, records, seed, grace=timedelta(0) if is_over else GRACE)
    doubles, late = list(_doubles(facts)), list(_sent_after_stop(facts))
    broken = [*doubles, *late, *_not_in_both(facts)]
    if is_over:
        broken += [*_left_open(facts), *_wrong_ends(facts)]
    return Findings(counts=_counts(facts, len(doubles), len(late)), broken=tuple(broken))


def _load(campaign: Campaign, records: Records, seed: int, *, grace: timedelta) -> Facts:
    log, performed = _about(campaign, records.accepted()), records.done()
    copies, events, messages = defaultdict(list), defaultdict(list), defaultdict(list)
    for copy in log:
        copies[copy.recipient].append(copy)
    for event in Event.objects.filter(message__campaign=campaign).order_by("id"):
        events[event.prospect_id].append(event)
    ledger = list(Message.objects.filter(campaign=campaign).order_by("id"))
    for message in ledger:
        messages[message.enrollment_id].append(message)
    enrollments = list(Enrollment.objects.filter(campaign=campaign).select_related("prospect").order_by("id"))
    stops = _suppressions(enrollment.prospect for enrollment in enrollments)
    people = [
        _person(enrollment, messages[enrollment.pk], events[enrollment.prospect_id], stops, copies, seed, grace)
        for enrollment in enrollments
    ]
    steps = Step.objects.filter(sequence_version__campaign=campaign).values("key").distinct().count()
    return Facts(
        steps=steps,
        people=people,
        log=log,
        performed=performed,
        by_message_id={message.message_id: message for message in ledger},
        logged_by_now=frozenset(copy.message_id for copy in records.accepted()),
    )


def _about(campaign: Campaign, log: list[Accepted]) -> list[Accepted]:
    """The log without what other campaigns sent through the demo mailbox: somebody may try their own there."""
    ids = {copy.message_id for copy in log}
    others = Message.objects.filter(message_id__in=ids).exclude(campaign=campaign)
    elsewhere = set(others.values_list("message_id", flat=True))
    return [copy for copy in log if copy.message_id not in elsewhere]


def _suppressions(prospects: Iterable[Prospect]) -> dict[str, Suppression]:
    keys = {key for prospect in prospects for key in prospect.contact_keys}
    return {stop.key: stop for stop in Suppression.objects.filter(key__in=keys)}


def _person(
    enrollment: Enrollment,
    messages: list[Message],
    events: list[Event],
    suppressions: Mapping[str, Suppression],
    copies: Mapping[str, list[Accepted]],
    seed: int,
    grace: timedelta,
) -> Person:
    """`grace` is how long after an answer was read its stop may take to be committed, when others send meanwhile."""
    prospect = enrollment.prospect
    address = prospect.email.lower()
    found = [suppressions[key] for key in prospect.contact_keys if key in suppressions]
    stops = [stop.created_at for stop in found]
    stops += [event.created_at + grace for event in events if _says_no(event)]
    stops += [prospect.stopped_at] if prospect.stopped_at else []
    if enrollment.state == Enrollment.State.STOPPED and enrollment.ended_at:
        stops.append(enrollment.ended_at)
    return Person(
        address=address,
        habit=behaviour.temperament(address, seed).habit,
        enrollment=enrollment,
        messages=tuple(messages),
        events=frozenset(event.kind for event in events),
        suppressed_for=frozenset(stop.reason for stop in found),
        stopped_at=min(stops, default=None),
        copies=tuple(copies.get(address, ())),
    )


def _says_no(event: Event) -> bool:
    """Whether this must have stopped what we send, whatever our own facts of a stop say."""
    return event.kind in SAYS_NO or (event.kind == Event.Kind.BOUNCED and bool(event.detail.get("permanent")))


def _doubles(facts: Facts) -> Iterator[str]:
    """No person gets the same step twice: by Message-ID, and never more mails than there are steps."""
    for (recipient, message_id), copies in Counter((copy.recipient, copy.message_id) for copy in facts.log).items():
        if copies > 1:
            yield f"{recipient} received {message_id} {copies} times."
    for person in facts.people:
        if len({copy.message_id for copy in person.copies}) > facts.steps:
            yield f"{person.address} received {len(person.copies)} mails of a sequence of {facts.steps}."


def _sent_after_stop(facts: Facts) -> Iterator[str]:
    """By the ledger's mark against the stop, and by the log against the moment our own page had said yes."""
    late = set()
    for person in facts.people:
        for message in person.messages:
            if person.stopped_at and message.marked_at and message.marked_at > person.stopped_at:
                late.add(message.message_id)
                yield f"{message.message_id} to {person.address} was marked after the person's stop."
    left = {fact.recipient: fact.at for fact in facts.performed if fact.habit == Habit.ONE_CLICK and fact.status == 200}
    for copy in facts.log:
        at = left.get(copy.recipient)
        if at is None or copy.at <= at or copy.message_id in late:
            continue
        known = facts.by_message_id.get(copy.message_id)
        if known is None or known.marked_at is None or known.marked_at > at:
            yield f"{copy.message_id} reached {copy.recipient} after they had unsubscribed."


def _not_in_both(facts: Facts) -> Iterator[str]:
    """What one side says was handed over, the other side knows."""
    for message in facts.by_message_id.values():
        if message.state == State.SENT and message.message_id not in facts.logged_by_now:
            yield f"{message.message_id} to {message.recipient} is sent in the ledger and was never received."
    for copy in facts.log:
        known = facts.by_message_id.get(copy.message_id)
        if known is None:
            yield f"{copy.message_id} was received by {copy.recipient} and is not in the ledger."
        elif known.state not in HANDED_OVER:
            yield f"{copy.message_id} was received by {copy.recipient} and is {known.state} in the ledger."


def _left_open(facts: Facts) -> Iterator[str]:
    """planned ever = sent + refused + cancelled + uncertain + abandoned, and nobody is left behind."""
    open_messages = sum(1 for message in facts.by_message_id.values() if message.state not in ENDS)
    if open_messages:
        yield f"{open_messages} messages are still open."
    waiting = sum(1 for p in facts.people if p.enrollment.state == Enrollment.State.ACTIVE and not p.is_unsure)
    if waiting:
        yield f"{waiting} people are still waiting for their next step."


def _wrong_ends(facts: Facts) -> Iterator[str]:
    """Everybody's known behaviour led to its known end."""
    for person in facts.people:
        expected = None if person.is_unsure else _wrong_end(person, facts.steps)
        if expected:
            yield f"{person.address} ({person.habit.value}): {expected}"


def _wrong_end(person: Person, steps: int) -> str | None:
    """What should have become of this person and did not; None when it did."""
    way = person.enrollment
    stopped = way.state == Enrollment.State.STOPPED or way.stop_reason == Goal.POSITIVE_REPLY
    everything = len(person.copies) == steps
    match person.habit:
        case Habit.UNKNOWN | Habit.REPORTED:
            right = (stopped or everything) and Suppression.Reason.BOUNCED in person.suppressed_for
            return None if right else "the address does not exist and was not suppressed as bounced."
        case Habit.ONE_CLICK | Habit.REMOVAL:
            right = (stopped or everything) and Suppression.Reason.UNSUBSCRIBED in person.suppressed_for
            return None if right else "asked us to stop and was not suppressed as unsubscribed."
        case habit if habit in ANSWERS:
            right = (stopped or everything) and Event.Kind.REPLIED in person.events
            return None if right else "answered, and that did not stop the sequence."
    if person.suppressed_for or stopped:
        return f"did nothing that stops us and was stopped ({person.enrollment.stop_reason})."
    if not everything:
        return f"should have received all {steps} mails and received {len(person.copies)}."
    event = {Habit.OUT_OF_OFFICE: Event.Kind.AUTO_REPLIED, Habit.CLICKER: Event.Kind.CLICKED}.get(person.habit)
    return None if event is None or event in person.events else f"no “{event}” was noted."


def _counts(facts: Facts, doubles: int, late: int) -> dict[str, int]:
    states = Counter(message.state for message in facts.by_message_id.values())
    opted_out = {Suppression.Reason.UNSUBSCRIBED, Suppression.Reason.DECLINED}
    return {
        "people": len(facts.people),
        "planned": len(facts.by_message_id),
        "sent": states[State.SENT],
        "refused": states[State.REFUSED],
        "cancelled": states[State.CANCELLED],
        "uncertain": states[State.UNCERTAIN] + states[State.ABANDONED],
        "pending": sum(count for state, count in states.items() if state not in ENDS),
        "received": len(facts.log),
        "bounced": sum(Event.Kind.BOUNCED in person.events for person in facts.people),
        "replied": sum(Event.Kind.REPLIED in person.events for person in facts.people),
        "unsubscribed": sum(bool(opted_out & person.suppressed_for) for person in facts.people),
        "out of office": sum(Event.Kind.AUTO_REPLIED in person.events for person in facts.people),
        "doubles": doubles,
        "sent after stop": late,
    }
