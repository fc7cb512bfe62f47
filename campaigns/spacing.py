"""Times of one mailbox that keep a gap between them. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta


class Spacing:
    """At least `gap` between any two of the times that are taken.

    Kept as the stretches of time that are too close to one of them, ends excluded: a whole day of messages, each a gap
    after the one before, is one stretch, and is stepped over at once.
    """

    def __init__(self, gap: timedelta, taken: Iterable[datetime]) -> None:
        self._gap = gap
        self._begins: list[datetime] = []
        self._ends: list[datetime] = []
        for at in sorted(taken):
            self.take(at)

    def free_from(self, at: datetime) -> datetime:
        """The first time from `at` on that is close to none that is taken."""
        place = bisect_left(self._begins, at) - 1
        return self._ends[place] if place >= 0 and at < self._ends[place] else at

    def take(self, at: datetime) -> None:
        """From now on this time is taken."""
        begin, end = at - self._gap, at + self._gap
        if begin == end:
            return
        first, behind = bisect_right(self._ends, begin), bisect_left(self._begins, end)
        if first < behind:
            begin, end = min(begin, self._begins[first]), max(end, self._ends[behind - 1])
        self._begins[first:behind], self._ends[first:behind] = [begin], [end]
