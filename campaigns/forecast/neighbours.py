"""Who waits for whom in a simulation: colleagues of a site in line, people and sites that a campaign has. Pure."""

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from campaigns.forecast.routes import Way
from campaigns.rules.touching import Touches, Whom

Line = tuple[int, int]  # a campaign that takes one person of a site at a time, and the site
Key = tuple[str, int]


@dataclass(frozen=True)
class Known:
    """What is known when a simulation begins: touches, when somebody answered at a site (by its key), and who stands
    behind the first of each line.
    """

    touches: Touches = field(default_factory=Touches)
    answered: Mapping[int, datetime] = field(default_factory=dict)
    lines: Mapping[Line, list[Way]] = field(default_factory=dict)


class Neighbours:
    """What the rules over all campaigns, and one person of a site at a time, mean while time goes on."""

    def __init__(self, known: Known, ways: Iterable[Way]) -> None:
        self.touches = known.touches
        self._apart = known.touches.apart
        self._answered = known.answered if self._apart.after_answer else {}
        self._lines = {place: deque(line) for place, line in known.lines.items()}
        self._behind = {id(way) for line in known.lines.values() for way in line}
        self._is_ruled = self._apart.is_anything
        self._number = count()
        self._ending: list[tuple[datetime, int, Way]] = []
        self._parked: dict[Key, list[Way]] = {}
        self._waiting: set[int] = set()
        begun = (way.whom for way in ways if way.has_begun) if self._apart.is_exclusive else ()
        self._has = Counter((key, whom.campaign) for whom in begun for key in _keys(whom))

    def stands_behind(self, way: Way) -> bool:
        """Whether somebody else of their site comes first."""
        return id(way) in self._behind

    def keeps(self, way: Way) -> bool:
        """Whether they wait for another way, of which nobody knows when it ends."""
        return id(way) in self._waiting or id(way) in self._behind

    def whom(self, way: Way) -> Whom | None:
        """As the decision takes them; nobody where nothing is ruled."""
        return way.whom if self._is_ruled else None

    def answered_at(self, way: Way) -> datetime | None:
        """When somebody of their site answered, where that matters."""
        return self._answered.get(way.site_id) if way.site_id is not None else None

    def is_alike(self, way: Way, now: datetime) -> bool:
        """Whether the next decision on them is that on everybody of their kind."""
        if way.contacted_at is not None:
            return False
        if not self._is_ruled:
            return True
        whom = way.whom
        rested = self.touches.rested_from(whom)
        is_rested = rested is None or rested <= max(way.due_at, now)
        return is_rested and self.answered_at(way) is None and not self.touches.busy_with(whom)

    def take(self, way: Way, at: datetime | None) -> None:
        """They have a slot (None: a person's work) for their next step."""
        if not self._is_ruled:
            return
        whom = way.whom
        if self._apart.is_exclusive and not way.has_begun:
            self.touches.begin(whom)
            self._has.update((key, whom.campaign) for key in _keys(whom))
        if at is not None:
            self.touches.take(whom, at)

    def end(self, way: Way, at: datetime) -> None:
        """Nothing more is planned for them from then on."""
        if self._apart.is_exclusive or self._lines:
            heapq.heappush(self._ending, (at, next(self._number), way))

    def park(self, way: Way) -> None:
        """They wait until the campaign that has them, or their site, is through."""
        self._waiting.add(id(way))
        for key in _keys(way.whom):
            self._parked.setdefault(key, []).append(way)

    def next_end(self) -> datetime | None:
        """When a way ends next that others may wait for."""
        return self._ending[0][0] if self._ending else None

    def freed(self, now: datetime) -> list[Way]:
        """Those whom the ways that have ended by now let go; each is looked at now."""
        found: dict[int, Way] = {}
        while self._ending and self._ending[0][0] <= now:
            _, _, way = heapq.heappop(self._ending)
            if way.site_id is not None and (line := self._lines.get((way.route.campaign_id, way.site_id))):
                first = line.popleft()
                self._behind.remove(id(first))
                found[id(first)] = first
            if self._apart.is_exclusive and way.is_follow_up:
                found |= {id(each): each for each in self._let_go(way.whom)}
        for each in found.values():
            each.look_at = max(each.look_at, now)
        return list(found.values())

    def _let_go(self, whom: Whom) -> Iterator[Way]:
        keys = _keys(whom)
        self._has.subtract((key, whom.campaign) for key in keys)
        free = [key for key in keys if self._has[key, whom.campaign] <= 0]
        self.touches.end(whom, of_site=len(free) == len(keys))
        for key in free:
            for way in self._parked.pop(key, ()):
                if id(way) in self._waiting:
                    self._waiting.remove(id(way))
                    yield way


def _keys(whom: Whom) -> list[Key]:
    site: list[Key] = [("site", whom.site)] if whom.site is not None else []
    return [("person", whom.person), *site]
