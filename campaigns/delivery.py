"""Handing over: one worker owns a mailbox, claims batches, composes them, and lets its lanes mark and hand over.

No transaction is open while composing or talking to a server. What a killed worker leaves behind is settled by the
next owner of the mailbox: sending becomes uncertain and is never resent by itself.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from threading import Lock
from typing import Any

from django.db import connection
from django.db.models import Q

from campaigns import batches, guards, ledger, overdue, pacing, suspects
from campaigns.batches import Job
from campaigns.lanes import Clock, Delivered, Lane, monotonic
from campaigns.marking import Marks
from campaigns.models import Message
from campaigns.pacing import Pace
from campaigns.rules import keeping_apart
from integrations import leases, outages, sending
from integrations.models import Mailbox
from outreach.lib import draining, lending
from outreach.lib.faults import fault

BATCH = 500
RUN_SECONDS = 45  # then the next tick goes on: a run is far shorter than any time limit of a task


def _running_from(now: datetime) -> Clock:
    """Business time during a run: a slow server's minutes count against windows, gaps and days."""
    began = monotonic()
    return lambda: now + timedelta(seconds=monotonic() - began)


def mailboxes_with_work(*, now: datetime) -> list[int]:
    """Mailboxes with a message whose slot has come, or with messages in a hand that may be dead."""
    due = Q(state=Message.State.PLANNED, send_at__lte=now, overdue_at=None)
    in_hand = Q(state=Message.State.SENDING)
    return list(Message.objects.filter(due | in_hand).order_by("mailbox").values_list("mailbox", flat=True).distinct())


def deliver(
    *, mailbox_id: int, now: datetime, owner: str, limit: int | None = None, pace: Pace | None = None
) -> Delivered:
    """Hands over what is due from this mailbox, within its cap and gap, at its own pace unless one is given.

    Returns at once when another worker owns it. `limit` is the most that is claimed.
    """
    done = Delivered()
    if guards.look():
        return done
    token = leases.take(mailbox_id=mailbox_id, owner=owner)
    if token is None:
        return done
    fault("after_lease")
    done.owned = True
    try:
        with leases.kept_alive(mailbox_id=mailbox_id, token=token):
            done.settled = ledger.settle(mailbox_id=mailbox_id, token=token)
            fault("after_settle")
            suspects.try_out(mailbox_id=mailbox_id, token=token, now=now)
            overdue.set_aside(mailbox_id=mailbox_id, now=now)
            fault("after_aside")
            mailbox = Mailbox.objects.get(pk=mailbox_id)
            if not outages.rests(mailbox=mailbox, now=now):
                _Run(mailbox, token=token, clock=_running_from(now), limit=limit, pace=pace, done=done).work()
    finally:
        fault("before_release")
        ledger.release(mailbox_id=mailbox_id, token=token)
        fault("between_releases")
        leases.release(mailbox_id=mailbox_id, token=token)
    return done


class _Run:
    """One run over a mailbox: its lanes take claimed and composed messages from here, one lane at a time."""

    def __init__(
        self, mailbox: Mailbox, *, token: int, clock: Clock, limit: int | None, pace: Pace | None, done: Delivered
    ) -> None:
        self._mailbox = mailbox
        self._token = token
        self._clock = clock
        self._left = limit
        self._pace = pace or pacing.of(mailbox)
        self._done = done
        self._until = monotonic() + RUN_SECONDS
        self._turn = Lock()
        self._connection = lending.own()  # idle while the lanes work: they claim over it
        others = self._connection if self._pace.connections == 1 else lending.another()
        self._marks = Marks(token=token, connection=others, in_full=keeping_apart.is_ruled())
        self._allowance = _Allowance(mailbox)
        self._jobs: Iterator[Job] = iter(())
        self._is_over = False
        self._lanes: list[Future[None]] = []
        self._begun = 0

    def work(self) -> None:
        """Until nothing is due, the allowance is used up, or the run has lasted long enough."""
        if self._pace.connections == 1:
            self._lane(lambda waited, worked: None)
            return
        lanes = ThreadPoolExecutor(self._pace.connections, "lane")
        with lending.lendable(self._connection), closing(self._marks), lanes as pool:
            self._add_lane(pool)
            try:
                while self._lanes:  # one that adds another does so before it ends
                    self._lanes.pop().result()
            finally:
                self._is_over = True

    def _add_lane(self, pool: ThreadPoolExecutor) -> None:
        def after_turn(waited: float, worked: float) -> None:
            with self._turn:
                few = self._begun < pacing.wanted(waited=waited, worked=worked, most=self._pace.connections)
                if few and not self._is_over:
                    self._add_lane(pool)

        def lane() -> None:
            try:
                self._lane(after_turn)
            finally:
                connection.close()  # the thread's own

        self._begun += 1
        self._lanes.append(pool.submit(lane))

    def _lane(self, after_turn: Callable[[float, float], None]) -> None:
        wire = sending.transport(self._mailbox)
        lane = Lane(
            mailbox=self._mailbox,
            token=self._token,
            clock=self._clock,
            wire=wire,
            marks=self._marks,
            done=self._done,
        )
        try:
            with self._marks.lane():
                lane.run(self._take, after_turn)
        finally:
            self._is_over = self._is_over or lane.is_stuck

    def _take(self) -> list[Job]:
        """The next messages for a lane; a new batch is claimed when the last one is used up."""
        with self._turn, lending.lent(self._connection):
            if self._is_over or draining.asked.is_set() or monotonic() > self._until:
                return []
            if not (jobs := list(islice(self._jobs, self._pace.ahead))):
                self._jobs = self._claimed()
                jobs = list(islice(self._jobs, self._pace.ahead))
            return jobs

    def _claimed(self) -> Iterator[Job]:
        """Rehearsals first, which wait for no cap and no gap; then what both allow."""
        now, held = self._clock(), self._marks.claimed()
        most = BATCH if self._left is None else min(BATCH, self._left)
        mine: dict[str, Any] = {"mailbox_id": self._mailbox.pk, "token": self._token, "now": now, "held": held}
        ids = ledger.claim_rehearsals(limit=most, **mine)
        if not ids:
            ids = ledger.claim(limit=self._allowance.of(most, now=now, held=len(held)), **mine)
        self._allowance.take(len(ids))
        fault("after_claim")
        self._marks.claim(ids)
        if self._left is not None:
            self._left -= len(ids)
        return batches.prepare(message_ids=ids, now=now)


class _Allowance:
    """How many messages the cap and the gap allow; counted from the ledger, by one owner at a time.

    What was claimed since the last count is taken for begun: counting a relay's day for each batch would cost more than
    claiming does. So it is counted anew where that leaves too few, and on a new day.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._day: date | None = None
        self._left = 0

    def of(self, wanted: int, *, now: datetime, held: int) -> int:
        """At most so many as are wanted.

        `held` is how many the owner has in hand, as it was before this is asked: so none is counted nowhere.
        With a gap it is one at most: a gap shorter than the tick is as long as the tick.
        """
        day, gap = now.date(), timedelta(seconds=self._mailbox.gap_seconds)
        if gap and ledger.begun_since(mailbox_id=self._mailbox.pk, since=now - gap + timedelta(microseconds=1)):
            return 0
        wanted = min(wanted, 1) if gap else wanted
        if self._day != day or self._left < wanted:
            begun = ledger.begun_since(mailbox_id=self._mailbox.pk, since=datetime.combine(day, time(0), UTC))
            self._day, self._left = day, self._mailbox.cap_on(day) - begun - held
        return max(0, min(wanted, self._left))

    def take(self, number: int) -> None:
        """So many were claimed, whether the cap was asked or not."""
        self._left -= number
