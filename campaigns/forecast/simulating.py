"""The planner over a simulated clock: who would be sent what, when and from where, if nobody answered.

Pure: no clock, no database. It asks the planner's own `decide()`, in the planner's own order, and moves from one thing
that is due to the next. People who share a decision share one question, so that the cost is that of what is sent and
not of who waits.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from campaigns import deciding, scheduling
from campaigns.deciding import Ask, Facts, Hold, Send, Skip, Wait
from campaigns.forecast.crowds import Kind, Queue
from campaigns.forecast.neighbours import Neighbours
from campaigns.forecast.routes import Route, Way
from campaigns.rules.touching import SITE_TOUCHED, TOUCHED_LATELY
from campaigns.scheduling import DAY, SlotBook

TICK = timedelta(seconds=5)  # between two runs of the planner, as in outreach.schedule
A_YEAR = 366  # days
PER_RUN = 2_000  # as campaigns.planning has it
# What a day was short of; on a day of APART somebody waited for a rule that keeps mails to a person or a site apart.
CAP, ROOM, SHARE, LIMIT, APART = "mailbox_cap", "mailbox_gap", "domain_cap", "daily_limit", "touch_rules"
RULES = (TOUCHED_LATELY, SITE_TOUCHED, "site_answered")
Shares = tuple[float, float]  # of people, after a first message and after a later one
GOLDEN, SILVER = 0.6180339887498949, 0.4142135623730951
UNREADABLE = (ValueError, OSError, KeyError)  # a zone that is no longer known, a window that never opens


class Slot(NamedTuple):
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

    def note_until(self, day: date, until: date, what: str) -> None:
        """Each day up to the one before that, at most a year of them."""
        while day < until and (until - DAY, what) not in self.seen and self.days[what] < A_YEAR:
            self.note(day, what)
            day += DAY


class _Lane:
    """One mailbox through time: the campaigns take turns, each with its own people in order."""

    def __init__(
        self, book: SlotBook, ways: Iterable[Way], *, now: datetime, short: Short, leaving: Shares, among: Neighbours
    ) -> None:
        self._book, self._day, self._short, self._leaving, self._among = book, now.date(), short, leaving, among
        self._free = book.free(now)
        self._queues: dict[tuple[bool, int], Queue] = {}
        self._ranks: tuple[list[Queue], list[Queue]] = ([], [])  # follow-ups, new people
        planned = []
        for way in ways:
            if way.planned_at is None:
                self.add(way)
            else:
                planned.append(way)
        self.planned = [self._hand_over(way, way.planned_at) for way in planned if way.planned_at is not None]

    def add(self, way: Way) -> None:
        """Somebody who is looked at when `look_at` says."""
        key = (way.is_follow_up, way.route.campaign_id)
        if (queue := self._queues.get(key)) is None:
            queue = Queue(campaign_id=key[1], is_alike=self._among.is_alike, limited=self._book.limited)
            self._queues[key] = queue
            self._ranks[not way.is_follow_up].append(queue)
        queue.add(way)

    def next_run(self, after: datetime) -> datetime | None:
        """When the planner does something here again, not before `after`; None when nobody is left."""
        looks = [at for queue in self._queues.values() if (at := queue.next_look(self._day)) is not None]
        return max(min(looks), after) if looks else None

    def run(self, now: datetime) -> tuple[list[Slot], datetime | None]:
        """One run of the planner: what it gives slots to, and when the next run is worth while."""
        if now.date() != self._day:
            self._book, self._day = self._book.moved(now), now.date()
            self._free = self._book.free(now)
        if self._free <= 0:
            self._short.note(self._day, CAP)
            return [], self.next_run(datetime.combine(self._day + DAY, time(0), UTC))
        looks, sent = min(self._free, PER_RUN), list[Slot]()
        for rank in self._ranks:
            looks = self._take(rank, looks, now, sent)
        self._free -= len(sent)
        return sent, self.next_run(now if looks else now + TICK)

    def _take(self, queues: list[Queue], looks: int, now: datetime, sent: list[Slot]) -> int:
        """As many looks, the campaigns in turn. Returns how many are left."""
        ready = [queue for queue in queues if queue.is_due(now) and self._has_room(queue, now)]
        if len(ready) == 1:
            return self._take_alone(ready[0], looks, now, sent)
        while looks and ready:
            ready.sort(key=Queue.head)
            for queue in ready[:looks]:
                looks -= self._look(queue, now, sent)
            ready = [queue for queue in ready if queue.is_due(now) and self._has_room(queue, now)]
        return looks

    def _take_alone(self, queue: Queue, looks: int, now: datetime, sent: list[Slot]) -> int:
        while looks and queue.is_due(now) and self._has_room(queue, now):
            looks -= self._look(queue, now, sent)
        return looks

    def _has_room(self, queue: Queue, now: datetime) -> bool:
        if not queue.is_limited:
            return True
        if queue.full_on != self._day and not self._book.left_to(queue.share, now):
            queue.full_on = self._day
            self._short.note(self._day, LIMIT)
        return queue.full_on != self._day

    def _look(self, queue: Queue, now: datetime, sent: list[Slot]) -> bool:
        """At whoever is next; False when what others were told holds for them."""
        found = queue.pop(now, self._book.horizon)
        if found is None:
            return False
        way, kind = found
        slot = self._as_others(way, kind, now) or self._decide(queue, way, kind, now)
        if slot is not None:
            self._book.take(slot, shares=kind.shares)
            self._among.take(way, slot)
            sent.append(self._hand_over(way, slot))
        return True

    def _as_others(self, way: Way, kind: Kind, now: datetime) -> datetime | None:
        """The slot of somebody like those who got theirs today: what was decided for them holds, but for the slot."""
        if kind.goes_on != self._day or not self._among.is_alike(way, now):
            return None
        due = way.due_at if way.due_at > now else now
        if due > self._book.horizon:
            return None
        return self._book.first(window=kind.stage.window, earliest=due, shares=kind.shares)

    def _decide(self, queue: Queue, way: Way, kind: Kind, now: datetime) -> datetime | None:
        """The slot that they get, if any; else they go on, wait, or are through."""
        try:
            facts = _facts(way, self._among)
            verdict = deciding.decide(now=now, facts=facts, slots=self._book, touches=self._among.touches)
        except UNREADABLE:  # the planner holds this one, and says why
            way.end()
            return None
        match verdict:
            case Send(slot=slot):
                if kind.is_plain and self._among.is_alike(way, now):
                    kind.goes_on = self._day
                return slot
            case Ask():  # a person does at once what is asked for
                self._among.take(way, None)
                self._go_on(way, now, handed_over=True)
            case Skip():
                self._go_on(way, now, handed_over=False)
            case Wait(until=until, rule=rule):
                self._short_of(rule, until)
                queue.wait(way, kind, verdict, now)
            case Hold(rule="busy_elsewhere"):
                self._among.park(way)
            case _:
                way.end()
        return None

    def _short_of(self, rule: str, until: datetime) -> None:
        if rule == "mailbox_full":
            self._short.note(self._day, ROOM if self._book.left_on(self._book.horizon.date()) else CAP)
        elif rule == "domain_full":
            self._short.note(self._day, SHARE)
        elif rule == "campaign_full":
            self._short.note(self._day, LIMIT)
        elif rule in RULES:
            self._short.note_until(self._day, until.date(), APART)

    def _hand_over(self, way: Way, at: datetime) -> Slot:
        slot = Slot(at, way.person_id, way.next.position, way.route)
        if (share := self._leaving[way.is_follow_up]) and _leaves(way, share):
            way.is_follow_up = True
            way.end()
            self._among.end(way, at)
        else:
            self._go_on(way, at, handed_over=True)
        return slot

    def _go_on(self, way: Way, at: datetime, *, handed_over: bool) -> None:
        if handed_over and not way.is_follow_up:
            way.is_follow_up, way.contacted_at = True, None
        way.stage += 1
        way.planned_at = None
        if way.is_over:
            self._among.end(way, at)
            return
        way.due_at = way.route.due_after(at, way.stage)
        way.look_at = scheduling.look_at(due_at=way.due_at, behind=at, when_due=way.next.has_condition)
        self.add(way)


def _leaves(way: Way, share: float) -> bool:
    """Whether this is one of those who stop after this step: by a number of their own, which spreads them evenly."""
    return (way.person_id * GOLDEN + way.stage * SILVER) % 1 < share


def _facts(way: Way, among: Neighbours) -> Facts:
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
        whom=among.whom(way),
        site_answered_at=among.answered_at(way),
        country_rule=way.route.country_rule,
    )


def run(
    *,
    now: datetime,
    until: datetime,
    ways: Iterable[Way],
    books: Mapping[int, SlotBook],
    short: dict[int, Short],
    among: Neighbours,
    leaving: Shares = (0.0, 0.0),
) -> Iterator[Slot]:
    """What leaves from `now` on, nearly in order, up to the last planner run before `until`.

    `leaving` are the shares of people who get no more after a first message, and after a later one. `ways` and `books`
    (which see up to the end of tomorrow) are used up; `among` says afterwards who still waits for others. `short` gets
    what each mailbox lacked.
    """
    mine: dict[int, list[Way]] = {pk: [] for pk in books}
    for way in ways:
        if way.route.mailbox_id in mine and not among.stands_behind(way):
            mine[way.route.mailbox_id].append(way)
    lanes = {
        pk: _Lane(book, mine.pop(pk), now=now, short=short.setdefault(pk, Short()), leaving=leaving, among=among)
        for pk, book in books.items()
    }
    for lane in lanes.values():
        yield from lane.planned
    yield from _play(lanes, among, now=now, until=until)


def _play(lanes: Mapping[int, _Lane], among: Neighbours, *, now: datetime, until: datetime) -> Iterator[Slot]:
    """The lanes in turn, each when something is due in it; whoever waited for another way comes in when that ends."""
    next_runs: dict[int, datetime] = {}
    agenda: list[tuple[datetime, int]] = []

    def schedule(pk: int, at: datetime | None) -> None:
        next_runs.pop(pk, None)
        if at is not None:
            next_runs[pk] = at
            heapq.heappush(agenda, (at, pk))

    for pk, lane in lanes.items():
        schedule(pk, lane.next_run(now))
    while agenda or among.next_end():
        ends = among.next_end()
        if ends is not None and ends <= (agenda[0][0] if agenda else ends):
            woken = [way for way in among.freed(ends) if way.route.mailbox_id in lanes]
            for way in woken:
                lanes[way.route.mailbox_id].add(way)
            for pk in {way.route.mailbox_id for way in woken}:
                schedule(pk, lanes[pk].next_run(max(now, ends)))
            continue
        now, pk = heapq.heappop(agenda)
        if now >= until:
            return
        if next_runs.get(pk) == now:  # else another entry stands for this lane by now
            sent, following = lanes[pk].run(now)
            yield from sent
            schedule(pk, following)
