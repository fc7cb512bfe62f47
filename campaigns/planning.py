"""The planner: fills the free slots of each mailbox up to the end of tomorrow and leaves the rest untouched.

One planner at a time; it loads what the decisions need in a fixed number of queries, asks the pure `decide()`, and
writes ledger rows and enrollment updates in sets. Stops that come while it works are caught at the gate.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

import structlog
from django.db import connection, transaction

from campaigns import (
    booking,
    candidates,
    composing,
    conditions,
    deciding,
    doubting,
    facts,
    gate,
    guards,
    moving,
    overdue,
    reentering,
    skipping,
    soon,
    turns,
)
from campaigns.facts import Candidate
from campaigns.models import Decision, Enrollment, Message
from campaigns.rules import touched
from campaigns.rules.touching import Touches, Whom
from campaigns.scheduling import SlotBook, days_between, horizon
from outreach.lib.faults import fault
from outreach.lib.models import DatabaseClock

log = structlog.get_logger(__name__)

LOCK = 7_301_001  # advisory lock number of the planner
PER_RUN = 2_000  # messages for one mailbox in one run: a mailbox without a cap must not make the others wait


@dataclass
class Planned:
    """What one run did; `ran` is False when another planner was at work."""

    ran: bool = False
    cancelled: int = 0
    messages: int = 0
    asked: int = 0
    waiting: int = 0
    held: int = 0
    skipped: int = 0
    finished: int = 0
    stopped: int = 0


@dataclass
class Plan:
    """What one run is about to write."""

    messages: list[Message] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    look_again: list[tuple[int, datetime]] = field(default_factory=list)
    skips: list[Candidate] = field(default_factory=list)
    goals: list[tuple[int, str]] = field(default_factory=list)
    stops: list[tuple[int, str]] = field(default_factory=list)


def plan(*, now: datetime) -> Planned:
    """Plans what can be planned now; leaves at once when another planner is at work, or while a guard holds sending."""
    ids = soon.ids(now=now)
    done = Planned(cancelled=gate.cancel_refused(message_ids=ids) if ids else 0)
    fault("after_sweep")
    if guards.look():
        return done
    if ids:
        soon.readdress(message_ids=ids)
        fault("after_readdress")
        soon.postpone(message_ids=ids)
        skipping.recheck(message_ids=ids, now=now)
    fault("before_plan")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        done.ran = bool(cursor.fetchone()[0])
        if done.ran:
            _plan(done, now=now)
    fault("after_plan")
    return done


def plan_alone(*, now: datetime, most: int = PER_RUN) -> Planned:
    """As `plan`, for whoever holds the planner's lock in a transaction: whatever a guard says, `most` of a mailbox."""
    done = Planned(ran=True)
    _plan(done, now=now, most=most)
    return done


@contextmanager
def alone() -> Iterator[None]:
    """A transaction with no planner at work beside it; waits for the one that is."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield


def _plan(done: Planned, *, now: datetime, most: int = PER_RUN) -> None:
    moving.follow()
    if not turns.are_due(now=now):
        return
    limits = candidates.daily_limits()
    campaigns = candidates.campaign_quota(limits=limits, since=booking.midnight(now))
    books = booking.slot_books(now=now, campaigns=campaigns)
    aside = overdue.counted()  # it comes before new people once it is released
    free = {mailbox_id: min(book.free(now), most) - aside.get(mailbox_id, 0) for mailbox_id, book in books.items()}
    wanted = {mailbox_id: slots for mailbox_id, slots in free.items() if slots > 0}
    days = days_between(now, horizon(now))
    room = {pk: sum(campaigns.left(pk, day) for day in days) for pk in limits}
    found = candidates.load(wanted=wanted, room=room, now=now)
    last = candidates.last_decisions([candidate.enrollment_id for candidate in found])
    touches = touched.load([candidate.facts.whom for candidate in found])
    made = Plan()
    for candidate in found:
        book = _book(candidate, books, now)
        _decide_one(candidate, now=now, book=book, touches=touches, last=last, made=made, done=done)
    done.messages = _write(made)
    ways = [(each.enrollment_id, each.sequence_version_id, each.position, each.place) for each in made.skips]
    skipping.skip(ways=ways, now=now)


def _book(candidate: Candidate, books: dict[int, SlotBook], now: datetime) -> SlotBook:
    if candidate.is_rehearsal:
        return booking.OpenBook(horizon=horizon(now), beside=books.get(candidate.mailbox_id))
    return books[candidate.mailbox_id]


def place_of(*, enrollment_id: int, now: datetime, until: datetime) -> datetime | str:
    """The slot of somebody's next mail as if nobody had to approve it, or the rule that keeps it from one.

    For whoever holds the planner's lock.
    """
    found = facts.of([enrollment_id], now=now)
    if not found:
        return "enrollment_ended"
    candidate = found[0]
    books = booking.slot_books(now=now, until=until, mailbox_ids=[candidate.mailbox_id])
    book = books.get(candidate.mailbox_id) or booking.closed_book(now=now)
    asked = replace(candidate.facts, needs_approval=False, waits_behind_batch=False)
    touches = touched.load([candidate.facts.whom])
    verdict = deciding.decide(now=now, facts=asked, slots=book, touches=touches)
    return verdict.slot if isinstance(verdict, deciding.Send) else verdict.rule


def _decide_one(
    candidate: Candidate,
    *,
    now: datetime,
    book: SlotBook,
    touches: Touches,
    last: dict[int, tuple[str, str, dict[str, object]]],
    made: Plan,
    done: Planned,
) -> None:
    verdict = _verdict(candidate, now=now, book=book, touches=touches)
    _note(touches, candidate.facts.whom, verdict)
    match verdict:
        case deciding.Send(slot=slot):
            book.take(slot, shares=candidate.facts.shares)
            made.messages.append(_message(candidate, verdict, now))
            return
        case deciding.Ask():
            done.asked += 1
            made.messages.append(_message(candidate, verdict, now))
            return
        case deciding.Wait() | deciding.Hold():
            done.waiting += isinstance(verdict, deciding.Wait)
            done.held += isinstance(verdict, deciding.Hold)
            at = deciding.look_again_at(now=now, verdict=verdict, when_due=candidate.is_asked_when_due)
            made.look_again.append((candidate.enrollment_id, at))
        case deciding.Skip():
            done.skipped += 1
            made.skips.append(candidate)
        case deciding.Finish(rule=rule):
            done.finished += 1
            made.goals.append((candidate.enrollment_id, rule))
        case deciding.Stop(rule=rule):
            done.stopped += 1
            made.stops.append((candidate.enrollment_id, rule))
    if (decision := _decision(candidate, verdict, now=now, last=last.get(candidate.enrollment_id))) is not None:
        made.decisions.append(decision)


def _note(touches: Touches, whom: Whom | None, verdict: deciding.Verdict) -> None:
    """What this verdict means for the others whom the run looks at."""
    if whom and isinstance(verdict, deciding.Send | deciding.Ask):
        touches.begin(whom)
        if isinstance(verdict, deciding.Send):
            touches.take(whom, verdict.slot)


def _decision(
    candidate: Candidate, verdict: deciding.Verdict, *, now: datetime, last: tuple[str, str, dict[str, object]] | None
) -> Decision | None:
    """The row that keeps a verdict; None when the last one said the same. A condition is kept in words."""
    kind, values = type(verdict).__name__.lower(), verdict.values
    if verdict.rule == deciding.CONDITION:
        values = {"condition": conditions.words(candidate.condition)}
    if last == (kind, verdict.rule, values):
        return None
    return Decision(
        enrollment_id=candidate.enrollment_id,
        step_key=candidate.step_key,
        verdict=kind,
        rule=verdict.rule,
        values=values,
        decided_at=now,
    )


def _verdict(candidate: Candidate, *, now: datetime, book: SlotBook, touches: Touches) -> deciding.Verdict:
    """One person whose facts make no sense (a zone that no longer exists, say) is held; the others are planned."""
    try:
        return deciding.decide(now=now, facts=candidate.facts, slots=book, touches=touches)
    except Exception as error:
        log.exception("undecidable", enrollment_id=candidate.enrollment_id)
        return deciding.Hold("undecidable", {"error": f"{type(error).__name__}: {error}"})


def _message(candidate: Candidate, verdict: deciding.Send | deciding.Ask, now: datetime) -> Message:
    slot = verdict.slot if isinstance(verdict, deciding.Send) else None
    return Message(
        **asdict(candidate.ledger),
        public_id=composing.public_id(enrollment_public_id=candidate.enrollment_public_id, step_key=candidate.step_key),
        message_id=composing.message_id(
            enrollment_public_id=candidate.enrollment_public_id,
            step_key=candidate.step_key,
            domain=candidate.mailbox_domain,
        ),
        send_at=slot,
        awaits="" if slot else verdict.rule,
        why={"rule": verdict.rule, **verdict.values, **({"slot": slot.isoformat()} if slot else {})},
        planned_at=now,
    )


def _write(made: Plan) -> int:
    Message.objects.bulk_create(made.messages, ignore_conflicts=True, batch_size=1000)
    fault("in_plan")
    ids = [message.enrollment_id for message in made.messages]
    reentering.revive(enrollment_ids=ids, planned=made.messages)
    doubting.doubt_what_follows(enrollment_ids=ids)
    pairs = set(Message.objects.filter(enrollment__in=ids).values_list("enrollment_id", "step_key"))
    written = [m.enrollment_id for m in made.messages if (m.enrollment_id, m.step_key) in pairs]
    Enrollment.objects.filter(pk__in=written).update(look_at=None)
    twice = [(pk, "same_recipient") for pk in set(ids) - set(written)]  # somebody else in the campaign has this address
    _end([*made.stops, *twice], Enrollment.State.STOPPED)
    _end(made.goals, Enrollment.State.FINISHED)
    _look_again(made.look_again)
    Decision.objects.bulk_create([*made.decisions, *_decisions_for(twice, made.messages)], batch_size=1000)
    return len(written)


def _decisions_for(twice: Iterable[tuple[int, str]], messages: Sequence[Message]) -> list[Decision]:
    by_enrollment = {message.enrollment_id: message for message in messages}
    return [
        Decision(
            enrollment_id=pk,
            step_key=by_enrollment[pk].step_key,
            verdict=Decision.Verdict.STOP,
            rule=rule,
            decided_at=by_enrollment[pk].planned_at,
        )
        for pk, rule in twice
    ]


def _end(ways: Sequence[tuple[int, str]], state: Enrollment.State) -> None:
    by_reason: dict[str, list[int]] = {}
    for pk, reason in ways:
        by_reason.setdefault(reason, []).append(pk)
    for reason, ids in by_reason.items():
        Enrollment.objects.filter(pk__in=ids, state=Enrollment.State.ACTIVE).update(
            state=state, stop_reason=reason, ended_at=DatabaseClock(), look_at=None
        )


def _look_again(rows: Sequence[tuple[int, datetime]]) -> None:
    statement = """
        UPDATE campaigns_enrollment e SET look_at = v.look_at
          FROM (SELECT unnest(%s::bigint[]) AS id, unnest(%s::timestamptz[]) AS look_at) v
         WHERE e.id = v.id AND e.state = 'active'"""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(statement, [[pk for pk, _ in rows], [at for _, at in rows]])
