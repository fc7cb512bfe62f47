"""A whole list of those who get no mail: who of them is under way ends at once, in sets."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import SEEK_END
from itertools import groupby, islice
from typing import BinaryIO, TypeVar

import structlog
from django.core.cache import cache
from django.db import transaction

from accounts.models import User
from campaigns import journal, stopping
from outreach.lib import spreadsheets
from outreach.lib.errors import DomainError, Problem
from outreach.lib.faults import fault
from outreach.lib.retrying import retried
from prospects import suppression as facts
from prospects import suppression_lists
from prospects.models import Suppression
from prospects.suppression_lists import BadLine, Line, Meant, UnreadableSource

log = structlog.get_logger(__name__)
T = TypeVar("T")

TOGETHER = 5_000  # lines in one transaction
MOST_BYTES = 50_000_000  # of a list that is taken in within a request
SHOWN = 200  # bad lines that are told one by one
CURSOR = "suppressions-ended"
LATE = 5_000  # ids below the cursor that are looked at again: their transactions may have ended late
KEPT = 7 * 86_400  # seconds


class UnreadableList(DomainError):
    """The file is no list."""

    title = "The file can't be read"


@dataclass
class Taken:
    """What became of a list: lines by what they did, how many enrollments ended, and the first bad lines."""

    added: int = 0
    strengthened: int = 0
    known: int = 0
    ended: int = 0
    rejected: int = 0
    bad: list[BadLine] = field(default_factory=list)


def take_upload(*, source: BinaryIO, meant: Meant, by: User | None, now: datetime) -> Taken:
    """As `take`, while somebody waits for the answer: raises UnreadableList for more than MOST_BYTES as well."""
    if source.seek(0, SEEK_END) > MOST_BYTES:
        words = f"At most {MOST_BYTES // 1_000_000} MB are read at once; cut the list in two."
        raise UnreadableList(problems=[Problem("file", words)])
    source.seek(0)
    return take(source=source, meant=meant, by=by, now=now)


def take(*, source: BinaryIO, meant: Meant, by: User | None, now: datetime) -> Taken:
    """Suppresses everybody a file (seekable) names; good lines stay, bad ones are told, and no line lifts anything.

    Each set of lines is a transaction of its own, so a list that was cut off is simply given again. Raises
    prospects.suppression.BadExpiry and UnreadableList; what was read before stays.
    """
    facts.check_expiry(reason=meant.reason, expires_at=meant.expires_at, now=now)
    taken = Taken()
    try:
        lines = suppression_lists.read(source=source, meant=meant)
        for part in _parts(lines):
            _take(part, taken, by)
            fault("after_listed")
    except UnreadableSource as error:
        raise UnreadableList(problems=[Problem("file", str(error))]) from error
    if not taken.added + taken.known + taken.rejected:
        raise UnreadableList(problems=[Problem("file", "Nobody is named in this file.")])
    log.info("suppressions_imported", added=taken.added, rejected=taken.rejected, by=by.pk if by else None)
    return taken


def exported(*, by: User | None) -> Iterator[bytes]:
    """The whole list as CSV, piece by piece, as `take` reads it back; who took how many is logged at the end."""
    told = 0

    def counted() -> Iterator[Sequence[str]]:
        nonlocal told
        for told, row in enumerate(suppression_lists.rows()):  # noqa: B007 - the header is number 0
            yield row

    try:
        yield from spreadsheets.csv_lines(counted())
    finally:
        log.info("suppressions_exported", rows=told, by=by.pk if by else None)


def end_suppressed(*, limit: int = 20 * TOGETHER) -> int:
    """Ends what is under way for whoever came on the list by another way than a stop: an import of people, say.

    Looks only at what is new on the list. Losing its place loses nothing: the gate refuses such a message anyway, and
    the planner ends the person when their next step is due. Returns how many enrollments ended.
    """
    newest = Suppression.objects.order_by("-id").values_list("id", flat=True).first() or 0
    last = cache.get(CURSOR)
    last = newest - TOGETHER if last is None else last
    if last == newest:
        return 0
    new = Suppression.objects.filter(id__gt=last - LATE, id__lte=newest).order_by("id")
    ended, reached = 0, min(last, newest)
    for part in _parts(new.values_list("id", "key", "reason")[:limit].iterator()):
        ended += _end((key, reason) for _, key, reason in part)
        fault("after_ended")
        reached = max(reached, part[-1][0])
    cache.set(CURSOR, reached, KEPT)
    return ended


def _parts(lines: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(lines)
    while part := list(islice(rest, TOGETHER)):
        yield part


def _take(part: Sequence[Line | BadLine], taken: Taken, by: User | None) -> None:
    good = [line for line in part if isinstance(line, Line)]
    bad = [line for line in part if isinstance(line, BadLine)]
    added, strengthened, ended = _stop_and_store(good, by)
    taken.added += added
    taken.strengthened += strengthened
    taken.known += len(good) - added
    taken.ended += ended
    taken.rejected += len(bad)
    taken.bad += bad[: SHOWN - len(taken.bad)]


@retried
@transaction.atomic
def _stop_and_store(lines: Sequence[Line], by: User | None) -> tuple[int, int, int]:
    """The fact is written last, as in every stop; the journal outside the database knows it when this returns."""
    ended = _end((line.key, line.reason) for line in lines)
    stored = suppression_lists.store(lines=lines, by=by)
    journal.all_suppressed(rows=stored)
    added = sum(each.is_new for each in stored)
    return added, len(stored) - added, ended


def _end(named: Iterable[tuple[str, str]]) -> int:
    by_reason = sorted({key: str(reason) for key, reason in named}.items(), key=lambda item: item[1])
    groups = groupby(by_reason, key=lambda item: item[1])
    return sum(stopping.end_named(keys=[key for key, _ in items], reason=reason) for reason, items in groups)
