"""Marks of several lanes gathered: who is ready at the same moment is marked by one statement and one commit.

Each lane still marks right before it hands over; what a kill leaves in doubt is what one lane marked, for each lane.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Lock

from django.db.backends.base.base import BaseDatabaseWrapper

from campaigns import ledger
from campaigns.ledger import Ended, Said
from outreach.lib.lending import lent

GATHERED_SECONDS = 0.002  # a statement and its commit cost more than the rows: so long the first waits for others


@dataclass(slots=True)
class _Request:
    """What one lane wants to begin, and what the server took of it before."""

    said: Sequence[Said]
    ended: Sequence[Ended]
    is_done: bool = False
    begun: set[int] = field(default_factory=set)
    error: Exception | None = None


class Marks:
    """The marks of one run, for its lanes' threads, over one connection. `in_full`: see `ledger.mark`."""

    def __init__(self, *, token: int, connection: BaseDatabaseWrapper, in_full: bool = False) -> None:
        self._token = token
        self._connection = connection
        self._in_full = in_full
        self._lanes = 0
        self._are_enough = Event()
        self._gate = Lock()
        self._turn = Lock()
        self._waiting: list[_Request] = []
        self._claimed: set[int] = set()

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    @contextmanager
    def lane(self) -> Iterator[None]:
        """One more asks for marks."""
        with self._gate:
            self._lanes += 1
        try:
            yield
        finally:
            with self._gate:
                self._lanes -= 1

    def claim(self, ids: Collection[int]) -> None:
        """These are in the run's hand until they are marked."""
        with self._gate:
            self._claimed.update(ids)

    def claimed(self) -> list[int]:
        """What the run has claimed and not marked, also what it dropped: a run takes no message twice unmarked."""
        with self._gate:
            return list(self._claimed)

    def mark(self, *, said: Sequence[Said], ended: Sequence[Ended], now: datetime) -> set[int]:
        """`ledger.mark` for one lane; whoever has its turn marks for everybody who waits. Raises what that raises."""
        request = _Request(said, ended)
        with self._gate:
            self._waiting.append(request)
            if len(self._waiting) >= self._lanes * 3 // 4:  # the rest is at work meanwhile
                self._are_enough.set()
        with self._turn:
            if not request.is_done:
                self._are_enough.wait(GATHERED_SECONDS)
                self._mark_waiting(now)
        if request.error is not None:
            raise request.error
        return request.begun

    def end(self, *, ended: Sequence[Ended]) -> None:
        """`ledger.end` for one lane that asks for no more marks."""
        with self._turn, lent(self._connection):
            ledger.end(ended=ended, token=self._token)

    def _mark_waiting(self, now: datetime) -> None:
        with self._gate:
            requests, self._waiting = self._waiting, []
            self._are_enough.clear()
        said = [each for request in requests for each in request.said]
        ended = [each for request in requests for each in request.ended]
        error: Exception | None = None
        begun: set[int] = set()
        try:
            with lent(self._connection):
                begun = ledger.mark(said=said, token=self._token, now=now, ended=ended, in_full=self._in_full)
        except Exception as caught:  # noqa: BLE001 - each lane raises it on its own
            error = caught
        with self._gate:
            self._claimed -= begun
        for request in requests:
            request.begun, request.error, request.is_done = begun, error, True
