"""One connection to the server at work: it marks a few messages, hands them over one by one, and marks the next."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from time import CLOCK_BOOTTIME, clock_gettime, thread_time

import structlog
from django.db import Error

from campaigns import ledger, outcomes
from campaigns.batches import Job
from campaigns.composing import Composed
from campaigns.ledger import Ended, Said
from campaigns.marking import Marks
from integrations import outages
from integrations.models import Mailbox
from integrations.ports import CredentialsRefused, Fault, Outcome, Phase, Transport, Unreachable, Verdict
from outreach.lib import draining
from outreach.lib.faults import fault
from outreach.lib.retrying import is_away

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

MARK_SECONDS = 30  # a mark older than this before DATA is given back unsent
COUNTED = {
    Verdict.ACCEPTED: "sent",
    Verdict.REFUSED: "refused",
    Verdict.DEFERRED: "deferred",
    Verdict.UNKNOWN: "uncertain",
    Verdict.WITHHELD: "withheld",
}


def monotonic() -> float:
    """Seconds that also pass while the machine is suspended."""
    return clock_gettime(CLOCK_BOOTTIME)


@dataclass
class Delivered:
    """What one run did; `owned` is False when another worker has the mailbox."""

    owned: bool = False
    settled: int = 0
    sent: int = 0
    refused: int = 0
    deferred: int = 0
    uncertain: int = 0
    withheld: int = 0
    cancelled: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def count(self, name: str, number: int = 1) -> None:
        """Adds to one of the numbers, from any lane."""
        with self._lock:
            setattr(self, name, getattr(self, name) + number)


class Lane:
    """What one connection does in a run. `take` gives claimed and composed messages, none when the run is over."""

    def __init__(
        self, *, mailbox: Mailbox, token: int, clock: Clock, wire: Transport, marks: Marks, done: Delivered
    ) -> None:
        self._mailbox = mailbox
        self._token = token
        self._marks = marks
        self._clock = clock
        self._wire = wire
        self._done = done
        self.is_stuck = False  # the server or the account does not work: it ends the whole run
        self._ended: list[Ended] = []  # taken by the server, not recorded yet
        self._marked: list[tuple[Job, Composed]] = []  # marked, not begun

    def run(self, take: Callable[[], Sequence[Job]], after_turn: Callable[[float, float], None]) -> None:
        """Works until nothing is left, or is stuck. `after_turn` hears the seconds a turn waited and worked."""
        try:
            began, worked = monotonic(), thread_time()
            while not self.is_stuck and (jobs := take()):
                self.is_stuck = not self._turn(jobs)
                wall, cpu = monotonic() - began, thread_time() - worked
                after_turn(wall - cpu, cpu)
                began, worked = began + wall, worked + cpu
        finally:
            self._keep()
            self._wire.close()

    def _turn(self, jobs: Sequence[Job]) -> bool:
        now = self._clock()
        ready = list(self._ready(jobs, now))
        if not ready:
            return True
        if not self._is_open(now):
            self._done.count("deferred")
            return False
        began = monotonic()
        self._marked = self._mark(ready, now)
        self._done.count("withheld", len(ready) - len(self._marked))
        while self._marked:
            if not self._is_open(now) or not self._hand_over(self._marked.pop(0), now=now, began=began):
                return False
            if monotonic() - began >= MARK_SECONDS or draining.asked.is_set():
                self._give_back()
        return True

    def _ready(self, jobs: Iterable[Job], now: datetime) -> Iterator[tuple[Job, Composed]]:
        """What may be said now; the rest waits for its window, or was cancelled while it was composed."""
        for job in jobs:
            if job.composed is None:
                self._done.count("cancelled")
            elif not job.window.is_open(now):
                later = job.window.next_open(now)
                ledger.put_off(message_id=job.message.pk, send_at=later)
                fault("after_put_off")
            elif job.daily_limit is not None and job.message.send_at.date() != now.date():
                outcomes.move_on(job=job, mailbox=self._mailbox, now=now)  # a place is one of its day
            else:
                yield job, job.composed

    def _mark(self, ready: Sequence[tuple[Job, Composed]], now: datetime) -> list[tuple[Job, Composed]]:
        """Those whose hand-over begins; what the server took before is recorded with it."""
        said = [
            Said(job.message.pk, job.message.version, words.subject, words.text, words.html) for job, words in ready
        ]
        try:
            begun = self._marks.mark(said=said, ended=self._ended, now=now)
        except Error as error:  # how much of it was committed is not known: nothing begins
            ledger.unmark(message_ids=[each.message_id for each in said], token=self._token)
            if not is_away(error):
                raise
            return []
        self._ended = []
        fault("after_mark")
        return [(job, words) for job, words in ready if job.message.pk in begun]

    def _hand_over(self, marked: tuple[Job, Composed], *, now: datetime, began: float) -> bool:
        """One message to its server. False ends the run: the mailbox was paused by the answer."""
        job, words = marked
        try:
            outcome = self._wire.send(
                envelope_from=self._mailbox.from_address,
                recipient=job.message.recipient,
                data=words.data,
                proceed=lambda: monotonic() - began < MARK_SECONDS,
            )
        except ValueError as error:  # said before anything was sent: the envelope can't be
            outcome = Outcome(Verdict.REFUSED, Phase.MAIL, reply=str(error)[:500], fault=Fault.CONTENT)
        fault("before_outcome")
        self._done.count(COUNTED[outcome.verdict])
        if outcome.verdict is Verdict.ACCEPTED:
            self._ended.append(outcomes.ended(job=job, outcome=outcome, now=now))
            self._note(outcome, now)
            return True
        goes_on = outcomes.apply(job=job, outcome=outcome, token=self._token, now=now, mailbox=self._mailbox)
        fault("after_outcome")
        self._note(outcome, now)
        return goes_on

    def _note(self, outcome: Outcome, now: datetime) -> None:
        """Whether the server was there: of a service that is spoken to mail by mail, only this tells."""
        if outcome.phase is not Phase.CONNECT:
            outages.over(mailbox=self._mailbox)
        elif outcome.verdict is Verdict.DEFERRED:
            outages.failed(mailbox=self._mailbox, reason=outcome.reply or "The connection was lost.", now=now)

    def _is_open(self, now: datetime) -> bool:
        """Opens the connection; what keeps it shut is the mailbox's trouble, not a message's."""
        if self._wire.is_open:
            return True
        mailbox = self._mailbox
        fault("before_connect")
        try:
            self._wire.open()
        except CredentialsRefused as error:
            mailbox.pause(reason=str(error))
            log.warning("mailbox_paused", mailbox_id=mailbox.pk, reason=str(error))
        except Unreachable as error:
            outages.failed(mailbox=mailbox, reason=str(error), now=now)
            fault("after_failure")
            log.warning("mail_server_unreachable", mailbox_id=mailbox.pk, reason=str(error))
        else:
            return True
        return False

    def _keep(self) -> None:
        """Records what the server took, and gives back what was marked and never begun."""
        ended, self._ended = self._ended, []
        if ended:
            self._marks.end(ended=ended)
            fault("after_end")
        self._give_back()

    def _give_back(self) -> None:
        ids, self._marked = [job.message.pk for job, _ in self._marked], []
        if ids:
            ledger.unmark(message_ids=ids, token=self._token)
