"""Running what was uploaded, in slices, one at a time: after a cut-off the next goes on behind the last chunk."""

import gc
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from time import monotonic

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from outreach.lib import locks
from outreach.lib.faults import fault
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import is_away
from prospects.importing import forgotten, sorting
from prospects.importing.chunks import Chunk, Reader, store
from prospects.importing.columns import UnreadableHeader
from prospects.importing.records import Record, UnreadableSource
from prospects.importing.rows import How
from prospects.importing.seen import restored
from prospects.importing.sheets import Sheet, rows_of, sheets_of, source_of
from prospects.models import ImportBatch, ImportChunk

log = structlog.get_logger(__name__)

SLICE = 20.0  # seconds
CHUNK = 5_000  # records per transaction: two of them are in memory, as records and as text
LOCK = 0x494D504F
TURN = 0.0005  # seconds that a thread works while another waits for its turn
UNEXPECTED = "Something unexpected happened, and the import ended here. An administrator finds the cause in the log."
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some records of one sheet, and how far the file was read when the last of them was."""

    sheet: Sheet
    records: list[Record]
    bytes_done: int


def run_next(*, seconds: float = SLICE) -> ImportBatch | None:
    """Runs one slice of the import that has least left, so that a small sheet never waits for the end of a large one.

    None when there is nothing to run, or another worker is at it. A slice takes `seconds`, and at least one chunk;
    progress is stored with each chunk.
    """
    with alone() as taken:
        batch = _next() if taken else None
        if batch is not None:
            run(batch=batch, seconds=seconds)
        return batch


def run(*, batch: ImportBatch, seconds: float | None = None, progress: Progress | None = None) -> None:
    """Runs an import to its end, or for some seconds; it goes on where it was. `progress` hears the records done.

    A file that turns out to be unreadable ends it as failed, as does what nobody expected, which is raised as well.
    """
    try:
        with _without_collector(), _taking_turns():
            _slice(batch, seconds, progress)
    except (UnreadableSource, UnreadableHeader) as error:
        finish(batch=batch, status=ImportBatch.Status.FAILED, error=str(error))
    except Exception as error:
        if is_away(error):
            raise  # the next tick goes on
        finish(batch=batch, status=ImportBatch.Status.FAILED, error=UNEXPECTED)
        raise


@transaction.atomic
def finish(*, batch: ImportBatch, status: ImportBatch.Status, error: str = "") -> None:
    """Ends a run: what it did stays, the file goes, and the error is kept as a sentence."""
    ImportChunk.objects.filter(batch=batch).delete()
    ImportBatch.objects.filter(pk=batch.pk).update(status=status, finished_at=DatabaseClock(), error=error[:500])
    batch.refresh_from_db()


def _next() -> ImportBatch | None:
    begun = (ImportBatch.Status.QUEUED, ImportBatch.Status.RUNNING)
    stored = ImportChunk.objects.filter(batch=OuterRef("pk"))
    waiting = ImportBatch.objects.filter(Exists(stored), status__in=begun)
    return waiting.order_by(F("bytes_total") - F("bytes_done"), "id").first()


def _slice(batch: ImportBatch, seconds: float | None, progress: Progress | None) -> None:
    ImportBatch.objects.filter(pk=batch.pk).update(status=ImportBatch.Status.RUNNING)
    fault("after_import_begun")
    readers = _Readers(batch)
    pieces = _pieces(batch)
    done = batch.records_done
    until = None if seconds is None else monotonic() + seconds
    # The next chunk is made ready while the database takes this one.
    with ThreadPoolExecutor(1, "import") as beside, sorting.beside() as sort:
        ahead = _read_ahead(beside, pieces, readers)
        while ahead:
            piece, reader, chunk = ahead[0], ahead[1], ahead[2].result()
            ahead = _read_ahead(beside, pieces, readers)
            done += len(piece.records)
            store(batch=batch, chunk=chunk, reader=reader, done=done, bytes_done=piece.bytes_done, now=timezone.now())
            fault("after_chunk")
            if ahead:
                sort()
            if progress:
                progress(done)
            if ahead and until is not None and monotonic() >= until:
                return
    finish(batch=batch, status=ImportBatch.Status.DONE)
    log.info("import_done", batch_id=batch.pk, added=batch.added, changed=batch.changed, rejected=batch.rejected)


class _Readers:
    """The readers of a file's sheets: they share who was seen and who is to be forgotten."""

    def __init__(self, batch: ImportBatch) -> None:
        self._how = How.of(batch)
        self._seen = restored(batch)
        self._forgotten = forgotten.keys()
        self._found: dict[int, Reader] = {}

    def of(self, sheet: Sheet) -> Reader:
        """The one of this sheet."""
        if sheet.number not in self._found:
            self._found[sheet.number] = Reader(sheet=sheet, how=self._how, seen=self._seen, forgotten=self._forgotten)
        return self._found[sheet.number]


def _read_ahead(
    beside: ThreadPoolExecutor, pieces: Iterator[Piece], readers: _Readers
) -> tuple[Piece, Reader, Future[Chunk]] | None:
    piece = next(pieces, None)
    if piece is None:
        return None
    reader = readers.of(piece.sheet)
    return piece, reader, beside.submit(reader.read, piece.records)


def _pieces(batch: ImportBatch) -> Iterator[Piece]:
    """What is not done yet; what is done is read over, which costs a fraction of importing it."""
    rest = batch.records_done
    for sheet in sheets_of(batch):
        source = source_of(batch, sheet)
        found = rows_of(batch, sheet, source)
        rest -= sum(1 for _ in islice(found, rest))
        while records := list(islice(found, CHUNK)):
            yield Piece(sheet, records, source.position)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Python's search for circles would walk all the records of a chunk again and again: a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _taking_turns() -> Iterator[None]:
    """Whoever waited for the database goes on after its answer, not at the end of the other thread's long turn."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def alone(*, wait: bool = False) -> AbstractContextManager[bool]:
    """No other import runs meanwhile; False when another does, unless one waits for its slice to end."""
    return locks.held(LOCK, wait=wait)
