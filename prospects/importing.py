"""Importing people from a file: the good rows stay, each bad one is reported with its line and why."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import F

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from outreach.lib.text import printable
from prospects import cleaning, identity, places
from prospects.importing_columns import Columns, UnreadableHeader, read_header
from prospects.importing_merging import FILLED, Incoming, Merged, merge
from prospects.importing_reading import Record, UnreadableSource, records
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
        run = _Run(batch, columns, cleaned["source"], cleaned["tags"], is_demo)
        for chunk in iter(lambda: list(islice(found, CHUNK)), []):
            run.take(chunk)
            if progress:
                progress(run.count)
    except (UnreadableSource, UnreadableHeader, OSError) as error:
        _finish(batch, ImportBatch.Status.FAILED, error=str(error))
        raise UnreadableFile(str(error), batch=batch) from error
    _finish(batch, ImportBatch.Status.DONE)
    return batch


def _finish(batch: ImportBatch, status: ImportBatch.Status, error: str = "") -> None:
    ImportBatch.objects.filter(pk=batch.pk).update(status=status, finished_at=DatabaseClock(), error=error[:500])
    batch.refresh_from_db()


class _Run:
    """One file on its way in: what was seen so far, and what each new person gets."""

    def __init__(self, batch: ImportBatch, columns: Columns, source: str, tags: list[str], is_demo: bool) -> None:
        self.batch = batch
        self.columns = columns
        self.source = source
        self.tags = tags
        self.is_demo = is_demo
        self.count = 0
        self.lines: dict[bytes, int] = {}  # half of an identity key: the line that had the person first

    def take(self, chunk: Sequence[Record]) -> None:
        """Imports some records in one transaction, the counts with them."""
        rejected: list[ImportRow] = []
        rows = list(self._good(chunk, rejected))
        with transaction.atomic():
            merged = merge(rows)
            ImportRow.objects.bulk_create(rejected)
            self._count(merged, len(rows), len(rejected))
        self.count += len(chunk)

    def _good(self, chunk: Sequence[Record], rejected: list[ImportRow]) -> Iterator[Incoming]:
        for record in chunk:
            row, reason = self._read(record)
            if row:
                yield row
            else:
                said = {name: printable(value)[:500] for name, value in self.columns.named(record.values).items()}
                rejected.append(ImportRow(batch=self.batch, line=record.line, reason=reason[:300], values=said))

    def _read(self, record: Record) -> tuple[Incoming | None, str]:
        """The row, or why not."""
        width = len(self.columns.headers)
        if record.problem:
            return None, record.problem
        if any(value.strip() for value in record.values[width:]):
            return None, f"This row has {len(record.values)} values, and the header has {width} columns."
        cleaned, errors = cleaning.clean(self.columns.values(record.values))
        if errors:
            return None, "; ".join(f"{field}: {sentence}" for field, sentence in errors.items())
        if not cleaned.get("email"):
            return None, "There is no address in this row."
        row = self._incoming(cleaned)
        first = self.lines.setdefault(bytes.fromhex(row.identity_key[:32]), record.line)
        return (row, "") if first == record.line else (None, f"This is the same person as line {first}.")

    def _incoming(self, cleaned: Mapping[str, Any]) -> Incoming:
        email = cleaned["email"]
        domain = cleaning.site_domain(email=email, website=cleaned.get("website", ""))
        keys = identity.contact_keys(email=email, site_domain=domain)
        tags = cleaned.get("tags", [])
        return Incoming(
            identity_key=keys[0].removeprefix("address:"),
            email=email,
            contact_keys=keys,
            site_domain=domain,
            time_zone=cleaned.get("time_zone") or places.zone_of_country(cleaned.get("country", "")),
            source=cleaned.get("source") or self.source,
            is_demo=self.is_demo,
            tags=tags,
            all_tags=list(dict.fromkeys([*tags, *self.tags])),
            custom=cleaned.get("custom", {}),
            kind=cleaned.get("kind", "person"),
            texts={name: cleaned[name] for name in FILLED if name in cleaned},
        )

    def _count(self, merged: Merged, good: int, rejected: int) -> None:
        ImportBatch.objects.filter(pk=self.batch.pk).update(
            added=F("added") + merged.added,
            changed=F("changed") + merged.changed,
            unchanged=F("unchanged") + good - merged.added - merged.changed,
            rejected=F("rejected") + rejected,
        )
