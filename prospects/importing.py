"""Importing people from a file: the good rows stay, each bad one is reported with its line and why."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import BinaryIO

from django.db import transaction
from django.db.models import F

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from outreach.lib.text import printable
from prospects import cleaning
from prospects.importing_columns import UnreadableHeader, read_header
from prospects.importing_merging import merge
from prospects.importing_reading import Record, UnreadableSource, records
from prospects.importing_rows import Rows
from prospects.models import ImportBatch, ImportRow

CHUNK = 2_000  # records per transaction


class UnreadableFile(DomainError):
    """The file as a whole can't be imported; the message is a sentence, and `batch` keeps it."""

    title = "The file can't be read"

    def __init__(self, message: str, *, batch: ImportBatch | None = None) -> None:
        super().__init__(message, [Problem("file", message)])
        self.batch = batch


def import_file(
    *,
    source: BinaryIO,
    file_name: str,
    by: User | None,
    mapping: Mapping[str, str] | None = None,
    source_name: str = "",
    is_demo: bool = False,
    tags: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> ImportBatch:
    """Adds the people of a delimited file; `mapping` says what a column means where its header does not.

    A known person (the same folded address) only gets what was empty, so that the same file again changes nothing;
    nobody is unstopped or unsuppressed. `tags` and `is_demo` are for those who are added. The file is read as a
    stream, and `progress` is called with the number of rows behind it. Raises UnreadableFile.
    """
    cleaned, errors = cleaning.clean({"tags": tags, "source": source_name or file_name[-200:]})
    if errors:
        raise UnreadableFile(" ".join(errors.values()))
    batch = ImportBatch.objects.create(file_name=printable(file_name)[-255:], created_by=by)
    try:
        found = records(source)
        header = next(found, Record(1, [], "The file is empty."))
        if header.problem:
            raise UnreadableHeader(header.problem)
        columns = read_header(header.values, mapping)
        ImportBatch.objects.filter(pk=batch.pk).update(mapping=columns.mapping())
        rows, count = Rows(columns, source=cleaned["source"], tags=cleaned["tags"], is_demo=is_demo), 0
        while chunk := list(islice(found, CHUNK)):
            take(batch=batch, rows=rows, chunk=chunk)
            count += len(chunk)
            if progress:
                progress(count)
    except (UnreadableSource, UnreadableHeader, OSError) as error:
        finish(batch=batch, status=ImportBatch.Status.FAILED, error=str(error))
        raise UnreadableFile(str(error), batch=batch) from error
    finish(batch=batch, status=ImportBatch.Status.DONE)
    return batch


def take(*, batch: ImportBatch, rows: Rows, chunk: Sequence[Record], bytes_done: int = 0) -> None:
    """Imports some records in one transaction, the counts and the progress with them."""
    good, bad = rows.sort(chunk)
    with transaction.atomic():
        merged = merge(good)
        added, changed = len(merged.added), len(merged.changed)
        ImportRow.objects.bulk_create(
            ImportRow(batch=batch, line=row.line, reason=row.reason, values=row.values) for row in bad
        )
        ImportBatch.objects.filter(pk=batch.pk).update(
            added=F("added") + added,
            changed=F("changed") + changed,
            unchanged=F("unchanged") + len(good) - added - changed,
            rejected=F("rejected") + len(bad),
            records_done=F("records_done") + len(chunk),
            bytes_done=bytes_done,
        )


def finish(*, batch: ImportBatch, status: ImportBatch.Status, error: str = "") -> None:
    """Ends a run: what it did stays, and the error is kept as a sentence."""
    ImportBatch.objects.filter(pk=batch.pk).update(status=status, finished_at=DatabaseClock(), error=error[:500])
    batch.refresh_from_db()
