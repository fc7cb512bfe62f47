"""Running what was uploaded, in slices, one at a time: after a cut-off the next goes on behind the last chunk."""

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from time import monotonic

import structlog
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from outreach.lib import locks
from outreach.lib.faults import fault
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import is_away
from prospects.importing import ahead, forgotten, sorting
from prospects.importing.chunks import Chunk, Reader, store
from prospects.importing.columns import UnreadableHeader
from prospects.importing.records import UnreadableSource
from prospects.importing.rows import How
from prospects.importing.seen import restored
from prospects.importing.sheets import rows_of, sheets_of, source_of
from prospects.models import ImportBatch, ImportChunk

log = structlog.get_logger(__name__)

SLICE = 20.0  # seconds
CHUNK = 5_000  # records per transaction: two of them are in memory
LOCK = 0x494D504F
LONG = 500_000  # bytes; less is read sooner than another process is begun
UNEXPECTED = "Something unexpected happened, and the import ended here. An administrator finds the cause in the log."
Progress = Callable[[int], None]


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
        with _without_collector():
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
    begun = done = batch.records_done
    until = None if seconds is None else monotonic() + seconds
    with _made_ready(batch, readers) as chunks, sorting.beside() as sort:
        for chunk in chunks:
            if done > begun and until is not None and monotonic() >= until:
                return
            done += chunk.size
            store(batch=batch, chunk=chunk, reader=readers.of(chunk.sheet), done=done, now=timezone.now())
            fault("after_chunk")
            sort()
            if progress:
                progress(done)
    finish(batch=batch, status=ImportBatch.Status.DONE)
    log.info("import_done", batch_id=batch.pk, added=batch.added, changed=batch.changed, rejected=batch.rejected)


class _Readers:
    """The readers of a file's sheets: they share who was seen and who is to be forgotten."""

    def __init__(self, batch: ImportBatch) -> None:
        self.sheets = {sheet.number: sheet for sheet in sheets_of(batch)}
        self._how = How.of(batch)
        self._seen = restored(batch)
        self._forgotten = forgotten.keys()
        self._found: dict[int, Reader] = {}

    def of(self, number: int) -> Reader:
        """The one of this sheet."""
        if number not in self._found:
            sheet = self.sheets[number]
            self._found[number] = Reader(sheet=sheet, how=self._how, seen=self._seen, forgotten=self._forgotten)
        return self._found[number]


def _made_ready(batch: ImportBatch, readers: _Readers) -> AbstractContextManager[Iterator[Chunk]]:
    """The chunks that are not done yet: of a long file by a process beside, if it can see the file."""
    is_long = batch.bytes_total - batch.bytes_done >= LONG
    if is_long and not connection.in_atomic_block:
        return ahead.beside(lambda: _chunks(batch, readers))
    return nullcontext(_chunks(batch, readers))


def _chunks(batch: ImportBatch, readers: _Readers) -> Iterator[Chunk]:
    """What is done is read over, which costs a fraction of importing it."""
    rest = batch.records_done
    for number, sheet in readers.sheets.items():
        source = source_of(batch, sheet)
        found = rows_of(batch, sheet, source)
        rest -= sum(1 for _ in islice(found, rest))
        while records := list(islice(found, CHUNK)):
            chunk = readers.of(number).read(records)
            chunk.bytes_done = source.position
            yield chunk


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


def alone(*, wait: bool = False) -> AbstractContextManager[bool]:
    """No other import runs meanwhile; False when another does, unless one waits for its slice to end."""
    return locks.held(LOCK, wait=wait)
