"""Running what was uploaded, in slices, one at a time: after a cut-off the next goes on behind the last chunk."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from time import monotonic

import structlog
from django.db import OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef

from prospects import importing
from prospects.importing_columns import UnreadableHeader, read_header
from prospects.importing_reading import UnreadableSource, records
from prospects.importing_rows import Rows
from prospects.models import ImportBatch, ImportChunk
from prospects.uploading import StoredFile

log = structlog.get_logger(__name__)

SLICE = 20.0  # seconds
LOCK = 0x494D504F
UNEXPECTED = "Something unexpected happened, and the import ended here. An administrator finds the cause in the log."


def run_next(*, seconds: float = SLICE) -> ImportBatch | None:
    """Runs one slice of the import that has least left, so that a small sheet never waits for the end of a large one.

    None when there is nothing to run, or another worker is at it. A slice takes `seconds`, or as long as it took to
    come to its place in the file, and at least one chunk; progress is stored with each chunk.
    """
    with _alone() as alone:
        batch = _next() if alone else None
        if batch is None:
            return None
        try:
            _slice(batch, seconds)
        except (UnreadableSource, UnreadableHeader) as error:
            _end(batch, ImportBatch.Status.FAILED, str(error))
        except OperationalError:
            raise  # the database was away: the next tick goes on
        except Exception:
            _end(batch, ImportBatch.Status.FAILED, UNEXPECTED)
            raise
        return batch


def _next() -> ImportBatch | None:
    begun = (ImportBatch.Status.QUEUED, ImportBatch.Status.RUNNING)
    stored = ImportChunk.objects.filter(batch=OuterRef("pk"))
    waiting = ImportBatch.objects.filter(Exists(stored), status__in=begun)
    return waiting.order_by(F("bytes_total") - F("bytes_done"), "id").first()


def _slice(batch: ImportBatch, seconds: float) -> None:
    began = monotonic()
    ImportBatch.objects.filter(pk=batch.pk).update(status=ImportBatch.Status.RUNNING)
    source = StoredFile(batch)
    found = records(source)
    columns = read_header(next(found).values, batch.mapping)
    options = batch.options
    rows = Rows(columns, source=options["source"], tags=options["tags"], tag_known=True)
    done = islice(found, batch.records_done)
    while chunk := list(islice(done, importing.CHUNK)):
        rows.sort(chunk)  # who was in them is known again
    until = monotonic() + max(seconds, monotonic() - began)
    chunk = list(islice(found, importing.CHUNK))
    while chunk:
        importing.take(batch=batch, rows=rows, chunk=chunk, bytes_done=source.position)
        chunk = list(islice(found, importing.CHUNK))
        if chunk and monotonic() >= until:
            return
    _end(batch, ImportBatch.Status.DONE)
    log.info("import_done", batch_id=batch.pk, added=batch.added, changed=batch.changed, rejected=batch.rejected)


@transaction.atomic
def _end(batch: ImportBatch, status: ImportBatch.Status, error: str = "") -> None:
    ImportChunk.objects.filter(batch=batch).delete()
    importing.finish(batch=batch, status=status, error=error)


@contextmanager
def _alone() -> Iterator[bool]:
    """A session lock of the database: gone with the connection, so a killed worker blocks nobody."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        taken = cursor.fetchone()[0]
    try:
        yield taken
    finally:
        if taken and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
