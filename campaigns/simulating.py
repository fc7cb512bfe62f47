"""The planner over a simulated clock: who would be sent what, when and from where, if nobody answered.

Pure: no clock, no database. It asks the planner's own `decide()`, in the planner's own order, and moves from one thing
that is due to the next. People whom one cause keeps waiting wait together, as one crowd that is asked about once, so
that the cost is that of what is sent and not of who waits.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from campaigns import deciding, scheduling
from campaigns.calendars import Place
from campaigns.deciding import Ask, Facts, Send, Skip, Wait
from campaigns.scheduling import CAMPAIGN, DAY, Share, SlotBook, Window

TICK = timedelta(seconds=5)  # between two runs of the planner, as in outreach.schedule
PER_RUN = 2_000  # as campaigns.planning has it
CAP, ROOM, SHARE, LIMIT = "mailbox_cap", "mailbox_gap", "domain_cap", "daily_limit"  # what a day was short of
GOLDEN, SILVER = 0.6180339887498949, 0.4142135623730951
UNREADABLE = (ValueError, OSError, KeyError)  # a zone that is no longer known, a window that never opens


@dataclass(frozen=True, slots=True)
class Stage:
    """One step for people of one place: its window there, and how long after the hand-over before.

    `unmet` are the people whom its condition leaves out.
    """

    position: int
    window: Window
    delay: int
    unit: str
    has_condition: bool = False
    unmet: frozenset[int] = frozenset()
    is_task: bool = False
    needs_approval: bool = False  # which it gets as soon as it is due


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """What people of one place go through in one campaign, from one mailbox."""

    campaign_id: int
    mailbox_id: int
    place: Place
    stages: tuple[Stage, ...]


@dataclass(slots=True)
class Way:
    """One person under way. `turn` orders those who are looked at at the same time; `stage` is the one to plan next.

    `planned_at` is the slot that the stage has already.
    """

    turn: int
    person_id: int
    route: Route
    stage: int
    due_at: datetime
    look_at: datetime
    domain: str = ""
    contacted_at: datetime | None = None
    planned_at: datetime | None = None
    is_follow_up: bool = False

    @property
    def next(self) -> Stage:
        """The step to plan next."""
        return self.route.stages[self.stage]


@dataclass(frozen=True, slots=True)
class Slot:
    """One message that would leave."""

    at: datetime
    person_id: int
    position: int
    route: Route


@dataclass(slots=True)
class Short:
    """Of which of a mailbox's limits how many days had too little, while people waited for it; the last day of that."""

    days: Counter[str] = field(default_factory=Counter)
    seen: set[tuple[date, str]] = field(default_factory=set)

    def note(self, day: date, what: str) -> None:
        """Once for each day."""
        if (day, what) not in self.seen:
            self.seen.add((day, what))
            self.days[what] += 1


@dataclass(frozen=True, slots=True)
class _Answer:
    """What everybody of one kind gets on this day who is due from `since` to the horizon: slots are only ever taken."""

    since: datetime
    day: date
    wait: Wait


@dataclass(eq=False, slots=True)
class _Crowd:
    """People of one kind who are due and are looked at at one time."""

    until: datetime
    ways: list[tuple[int, Way]] = field(default_factory=list)


_Kind = tuple[Route, int, str]
_Entry = tuple[datetime, int, int, "Way | _Crowd"]


class _Queue:
    """Follow-ups or new people of one campaign and mailbox: by when they are looked at, then by turn."""

    def __init__(self, ways: Iterable[Way], *, campaign_id: int) -> None:
        self.share: Share = (CAMPAIGN, campaign_id)
        self.full_on: date | None = None  # the day on which its campaign's limit leaves no room
        self._number = count()
        self._entries: list[_Entry] = [(way.look_at, way.turn, next(self._number), way) for way in ways]
        heapq.heapify(self._entries)
        self._crowds: dict[_Kind, _Crowd] = {}
        self._answers: dict[_Kind, _Answer] = {}

    def add(self, way: Way) -> None:
        """Somebody who is looked at when `look_at` says."""
        self._push(way.look_at, way.turn, way)

    def is_due(self, now: datetime) -> bool:
        """Whether somebody is to be looked at."""
        return bool(self._entries) and self._entries[0][0] <= now

    def head(self) -> tuple[datetime, int]:
        """When whoever is looked at next is looked at, and their turn."""
        return self._entries[0][:2]

    def next_look(self) -> datetime | None:
        """When somebody is looked at next."""
        return self._entries[0][0] if self._entries else None

    def pop(self, now: datetime, horizon: datetime) -> Way | None:
        """Who is decided about next; None when there is nobody, or an answer that holds for them as well."""
        look_at, turn, _, found = heapq.heappop(self._entries)
        if isinstance(found, Way):
            return self._unless_answered(found, now, horizon)
        if found.until > look_at or not found.ways or found.ways[0][0] != turn:
            return None  # another entry stands for this crowd by now
        way = heapq.heappop(found.ways)[1]
        if found.ways:
            self._push(look_at, found.ways[0][0], found)
        return way

    def _unless_answered(self, way: Way, now: datetime, horizon: datetime) -> Way | None:
        answer = self._answers.get((way.route, way.stage, way.domain))
        if answer is None or answer.day != now.date() or way.contacted_at is not None:
            return way
        if not answer.since <= max(way.due_at, now) <= horizon or way.person_id in way.next.unmet:
            return way
        self._look_again(way, answer.wait, now)
        return None

    def wait(self, way: Way, wait: Wait, now: datetime) -> None:
        """They wait; if they were in a crowd, all of it does."""
        if way.contacted_at is None and wait.rule != "not_due":
            kind = (way.route, way.stage, way.domain)
            self._answers[kind] = _Answer(max(way.due_at, now), now.date(), wait)
        self._look_again(way, wait, now)

    def _look_again(self, way: Way, wait: Wait, now: datetime) -> None:
        when_due = way.next.has_condition or way.next.is_task
        at = deciding.look_again_at(now=now, verdict=wait, when_due=when_due)
        if way.due_at > now or way.contacted_at is not None:
            way.look_at = at
            self._push(at, way.turn, way)
            return
        kind = (way.route, way.stage, way.domain)
        crowd = self._crowds.get(kind) or self._crowds.setdefault(kind, _Crowd(at))
        is_later = at > crowd.until or not crowd.ways
        if is_later:
            crowd.until = at
        is_first = not crowd.ways or way.turn < crowd.ways[0][0]
        heapq.heappush(crowd.ways, (way.turn, way))
        if is_later or is_first:
            self._push(crowd.until, crowd.ways[0][0], crowd)

    def _push(self, look_at: datetime, turn: int, found: "Way | _Crowd") -> None:
        heapq.heappush(self._entries, (look_at, turn, next(self._number), found))


class _Lane:
    """One mailbox through time: the campaigns take turns, each with its own people in order."""

    def __init__(self, book: SlotBook, ways: Iterable[Way], *, now: datetime, short: Short, leaving: float) -> None:
        waiting: dict[tuple[bool, int], list[Way]] = {}
        planned: list[Way] = []
        for way in ways:
            for is_follow_up in (True, False):
                waiting.setdefault((is_follow_up, way.route.campaign_id), [])
            mine = waiting[way.is_follow_up, way.route.campaign_id]
            (mine if way.planned_at is None else planned).append(way)
        self._book, self._day, self._short, self._leaving = book, now.date(), short, leaving
        self._queues = {key: _Queue(each, campaign_id=key[1]) for key, each in waiting.items()}
        self._ranks = [[queue for key, queue in self._queues.items() if key[0] is rank] for rank in (True, False)]
        self.planned = [self._hand_over(way, way.planned_at) for way in planned if way.planned_at is not None]

    def next_run(self, after: datetime) -> datetime | None:
        """When the planner does something here again, not before `after`; None when nobody is left."""
        looks = [at for queue in self._queues.values() if (at := self._next_look(queue)) is not None]
        return max(min(looks), after) if looks else None

    def _next_look(self, queue: _Queue) -> datetime | None:
        """Nobody looks at the people of a campaign for whom the day has no room."""
        look_at = queue.next_look()
        if look_at is None or queue.full_on != self._day:
            return look_at
        return max(look_at, datetime.combine(self._day + DAY, time(0), UTC))

    def run(self, now: datetime) -> tuple[list[Slot], datetime | None]:
        """One run of the planner: what it gives slots to, and when the next run is worth while."""
        if now.date() != self._day:
            self._book, self._day = self._book.moved(now), now.date()
        free = min(self._book.free(now), PER_RUN)
        if free <= 0:
            self._short.note(self._day, CAP)
            return [], self.next_run(datetime.combine(self._day + DAY, time(0), UTC))
        sent: list[Slot] = []
        for rank in self._ranks:
            free = self._take(rank, free, now, sent)
        return sent, self.next_run(now if free else now + TICK)

    def _take(self, queues: list[_Queue], free: int, now: datetime, sent: list[Slot]) -> int:
        horizon = self._book.horizon
        ready = [queue for queue in queues if self._has_room(queue, now)]
        while free and (ready := [queue for queue in ready if queue.is_due(now)]):
            if len(ready) > 1:
                ready.sort(key=_Queue.head)
            for queue in ready[:free]:
                if (way := queue.pop(now, horizon)) is not None:
                    free -= 1
                    self._decide(queue, way, now, sent)
                    if not self._has_room(queue, now):
                        ready = [each for each in ready if each is not queue]
        return free

    def _has_room(self, queue: _Queue, now: datetime) -> bool:
        if queue.full_on != self._day and not self._book.left_to(queue.share, now):
            queue.full_on = self._day
            self._short.note(self._day, LIMIT)
        return queue.full_on != self._day

    def _decide(self, queue: _Queue, way: Way, now: datetime, sent: list[Slot]) -> None:
        facts = _facts(way)
        try:
            verdict = deciding.decide(now=now, facts=facts, slots=self._book)
        except UNREADABLE:  # the planner holds this one, and says why
            way.stage = len(way.route.stages)
            return
        if isinstance(verdict, Send):
            self._book.take(verdict.slot, shares=facts.shares)
            sent.append(self._hand_over(way, verdict.slot))
        elif isinstance(verdict, Skip | Ask):  # a person does at once what is asked for
            self._go_on(way, now, handed_over=isinstance(verdict, Ask))
        elif isinstance(verdict, Wait):
            self._short_of(verdict.rule)
            queue.wait(way, verdict, now)

    def _short_of(self, rule: str) -> None:
        if rule == "mailbox_full":
            self._short.note(self._day, ROOM if self._book.left_on(self._book.horizon.date()) else CAP)
        elif rule == "domain_full":
            self._short.note(self._day, SHARE)
        elif rule == "campaign_full":
            self._short.note(self._day, LIMIT)

    def _hand_over(self, way: Way, at: datetime) -> Slot:
        slot = Slot(at, way.person_id, way.next.position, way.route)
        if self._leaving and _leaves(way, self._leaving):
            way.stage = len(way.route.stages)
        else:
            self._go_on(way, at, handed_over=True)
        return slot

    def _go_on(self, way: Way, at: datetime, *, handed_over: bool) -> None:
        way.stage += 1
        way.is_follow_up |= handed_over
        if way.stage == len(way.route.stages):
            return
        step = way.next
        way.due_at = scheduling.due_after(handed_over_at=at, delay=step.delay, unit=step.unit, place=way.route.place)
        way.look_at = scheduling.look_at(due_at=way.due_at, behind=at, when_due=step.has_condition)
        way.planned_at = None
        if way.is_follow_up:
            way.contacted_at = None
        self._queues[way.is_follow_up, way.route.campaign_id].add(way)


def _leaves(way: Way, share: float) -> bool:
    """Whether this is one of those who stop after this step: by a number of their own, which spreads them evenly."""
    return (way.person_id * GOLDEN + way.stage * SILVER) % 1 < share


def _facts(way: Way) -> Facts:
    """What others do to this person is not known: they are as they were when the forecast began."""
    step = way.next
    return Facts(
        due_at=way.due_at,
        window=step.window,
        campaign_state="running",
        mailbox_status="active",
        has_address=True,
        contacted_elsewhere_at=way.contacted_at,
        is_follow_up=way.is_follow_up,
        campaign_id=way.route.campaign_id,
        domain=way.domain,
        has_condition=step.has_condition,
        meets_condition=way.person_id not in step.unmet,
        is_task=step.is_task,
    )


def run(
    *,
    now: datetime,
    until: datetime,
    ways: Iterable[Way],
    books: Mapping[int, SlotBook],
    short: dict[int, Short],
    leaving: float = 0.0,
) -> Iterator[Slot]:
    """What leaves from `now` on, nearly in order, up to the last planner run before `until`.

    `leaving` is the share of people who get no more after each message.
    `ways` and `books` (which see up to the end of tomorrow) are used up. `short` gets what each mailbox lacked.
    """
    mine: dict[int, list[Way]] = {pk: [] for pk in books}
    for way in ways:
        if way.route.mailbox_id in mine:
            mine[way.route.mailbox_id].append(way)
    lanes = {
        pk: _Lane(book, mine.pop(pk), now=now, short=short.setdefault(pk, Short()), leaving=leaving)
        for pk, book in books.items()
    }
    agenda = []
    for pk, lane in lanes.items():
        yield from lane.planned
        if (at := lane.next_run(now)) is not None:
            agenda.append((at, pk))
    heapq.heapify(agenda)
    while agenda and agenda[0][0] < until:
        at, pk = heapq.heappop(agenda)
        sent, following = lanes[pk].run(at)
        yield from sent
        if following is not None:
            heapq.heappush(agenda, (following, pk))
