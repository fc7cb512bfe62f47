"""Who is looked at next, in the planner's order; whom one cause keeps waiting waits together, as one crowd. Pure."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import count

from campaigns import deciding
from campaigns.deciding import Wait
from campaigns.forecast.routes import Route, Stage, Way
from campaigns.scheduling import CAMPAIGN, DAY, DOMAIN, Share

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(eq=False, slots=True)
class Kind:
    """People at one stage of one route, of one domain where that is limited: they share each decision but for the slot.

    `goes_on` is the day on which one of them got a slot. On the day `answered_on` whoever was due from `answered_since`
    on waited by `answer`: slots are only ever taken. `ways` wait together `until` then.
    """

    stage: Stage
    shares: tuple[Share, ...]
    is_plain: bool  # the decision depends on nobody's condition, and on no person's work
    goes_on: date | None = None
    answer: Wait | None = None
    answered_on: date | None = None
    answered_since: datetime = LONG_AGO
    until: datetime = LONG_AGO
    ways: list[tuple[int, Way]] = field(default_factory=list)


Alike = Callable[[Way, datetime], bool]  # whether the next decision on somebody is that on everybody of their kind
Limited = Callable[[Iterable[Share]], tuple[Share, ...]]  # which shares have a limit
Entry = tuple[datetime, int, int, "Way | Kind"]


class Queue:
    """Follow-ups or new people of one campaign and mailbox: by when they are looked at, then by turn."""

    def __init__(self, *, campaign_id: int, is_alike: Alike, limited: Limited) -> None:
        self._is_alike, self._limited = is_alike, limited
        self.share: Share = (CAMPAIGN, campaign_id)
        self.is_limited = bool(limited([self.share]))
        self.full_on: date | None = None  # the day on which its campaign's limit leaves no room
        self._number = count(1)
        self._entries: list[Entry] = []
        self._kinds: dict[tuple[Route, int, str], Kind] = {}

    def add(self, way: Way) -> None:
        """Somebody who is looked at when `look_at` says."""
        heapq.heappush(self._entries, (way.look_at, way.turn, 0, way))

    def is_due(self, now: datetime) -> bool:
        """Whether somebody is to be looked at."""
        return bool(self._entries) and self._entries[0][0] <= now

    def head(self) -> tuple[datetime, int]:
        """When whoever is looked at next is looked at, and their turn."""
        return self._entries[0][:2]

    def next_look(self, today: date) -> datetime | None:
        """When somebody is looked at next: nobody of a campaign for whom this day has no room."""
        if not self._entries:
            return None
        look_at = self._entries[0][0]
        return max(look_at, datetime.combine(today + DAY, time(0), UTC)) if self.full_on == today else look_at

    def pop(self, now: datetime, horizon: datetime) -> tuple[Way, Kind] | None:
        """Who is decided about next; None when there is nobody, or an answer that holds for them as well."""
        look_at, turn, _, found = heapq.heappop(self._entries)
        if isinstance(found, Way):
            return self._unless_answered(found, now, horizon)
        if found.until > look_at or not found.ways or found.ways[0][0] != turn:
            return None  # another entry stands for this crowd by now
        way = heapq.heappop(found.ways)[1]
        if found.ways:
            self._stand_for(found)
        return way, found

    def _unless_answered(self, way: Way, now: datetime, horizon: datetime) -> tuple[Way, Kind] | None:
        kind = self._kind(way)
        if kind.answer is None or kind.answered_on != now.date() or not self._is_alike(way, now):
            return way, kind
        if not kind.answered_since <= max(way.due_at, now) <= horizon or way.person_id in kind.stage.unmet:
            return way, kind
        self._look_again(way, kind, kind.answer, now)
        return None

    def _kind(self, way: Way) -> Kind:
        key = (way.route, way.stage, way.domain)
        if (found := self._kinds.get(key)) is None:
            stage = way.next
            shares = self._limited(((DOMAIN, way.domain), (CAMPAIGN, way.route.campaign_id)))
            is_plain = not (stage.has_condition or stage.is_task or stage.needs_approval)
            found = self._kinds[key] = Kind(stage, shares, is_plain)
        return found

    def wait(self, way: Way, kind: Kind, wait: Wait, now: datetime) -> None:
        """They wait, and with them everybody of their kind who is due."""
        is_shared = wait.rule != "not_due" and self._is_alike(way, now)
        if is_shared:
            kind.answer, kind.answered_on, kind.answered_since = wait, now.date(), max(way.due_at, now)
        self._look_again(way, kind, wait, now, alone=not is_shared)

    def _look_again(self, way: Way, kind: Kind, wait: Wait, now: datetime, *, alone: bool = False) -> None:
        when_due = kind.stage.has_condition or kind.stage.is_task
        at = deciding.look_again_at(now=now, verdict=wait, when_due=when_due)
        if alone or way.due_at > now:
            way.look_at = at
            self.add(way)
            return
        is_later = at > kind.until or not kind.ways
        if is_later:
            kind.until = at
        is_first = not kind.ways or way.turn < kind.ways[0][0]
        heapq.heappush(kind.ways, (way.turn, way))
        if is_later or is_first:
            self._stand_for(kind)

    def _stand_for(self, kind: Kind) -> None:
        heapq.heappush(self._entries, (kind.until, kind.ways[0][0], next(self._number), kind))
