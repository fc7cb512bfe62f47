"""A piece of a file: made ready without the database, then stored in one transaction with its counts and its place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F

from prospects import identity
from prospects.importing import extras, forgotten, mx
from prospects.importing.columns import Columns
from prospects.importing.merging import Counts, merge_lines, people
from prospects.importing.owners import Owners
from prospects.importing.plain import Plain
from prospects.importing.records import Record
from prospects.importing.rows import FORGOTTEN, How, Incoming, Rejected, Rows, Sorted
from prospects.importing.seen import Seen, keep
from prospects.importing.sheets import Sheet
from prospects.importing.staging import Line, line_of
from prospects.models import ImportBatch, ImportRow

# A crash takes a counted chunk and its people together, and the file is still there. Two of the indexes (GIN) collect
# what is new and sort it in: in few large lots, that costs half as much.
FASTER = "SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '64MB'; SET LOCAL gin_pending_list_limit = '64MB'"
IN_BULK = "SET LOCAL outreach.in_bulk = on"  # no row of history for each (outreach.lib.history)
DOMAIN = re.compile(r"@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
KEPT_ROWS = 1_000  # of rejected ones, in one statement


@dataclass(slots=True)
class Chunk:
    """Some records, ready to be stored; `places` are theirs in the chunk."""

    records: Sequence[Record]
    lines: list[tuple[int, Line]] = field(default_factory=list)
    extras: dict[int, Incoming] = field(default_factory=dict)
    rest: Sorted = field(default_factory=Sorted)  # without its good rows
    seen: bytes = b""  # who stands in the file for the first time


class Reader:
    """Makes the records of one sheet ready. Pure after it was made, so that it can work beside the database."""

    def __init__(self, *, sheet: Sheet, how: How, seen: Seen, forgotten: frozenset[str] = frozenset()) -> None:
        owners = Owners() if "owner" in sheet.columns.targets else None
        self.rows = Rows(
            sheet.columns,
            how,
            seen=seen,
            sheet=sheet.name,
            sheet_number=sheet.number,
            forgotten=forgotten,
            owners=owners,
        )
        self._plain = Plain(sheet.columns)

    def read(self, records: Sequence[Record]) -> Chunk:
        """The records, in their order."""
        chunk = Chunk(records)
        if self.rows.how.check_mx:
            self.rows.without_mail = _without_mail(self.rows.columns, records)
        found = self._plain.lines([record.values for record in records])
        refusal, asks_keys = self.rows.refusal, self.rows.forgotten or self.rows.without_mail
        for place, (record, line) in enumerate(zip(records, found, strict=True)):
            if line is None or record.problem:
                self._read_odd(chunk, place, record)
                continue
            keys = line.keys[2:-2].split('","') if asks_keys else ()
            if reason := refusal(line.identity_key, record.line, keys):
                chunk.rest.bad.append(self.rows.rejected(record, reason))
            else:
                chunk.lines.append((place, line))
        chunk.seen = self.rows.seen.fresh()
        return chunk

    def _read_odd(self, chunk: Chunk, place: int, record: Record) -> None:
        row, reason = self.rows.read(record, chunk.rest)
        if row:
            reason = self.rows.refusal(row.identity_key, record.line, row.contact_keys, row.others)
        if reason:
            chunk.rest.bad.append(self.rows.rejected(record, reason))
        elif row:
            chunk.lines.append((place, line_of(row)))
            if extras.has_any(row):
                chunk.extras[place] = row


def _without_mail(columns: Columns, records: Sequence[Record]) -> frozenset[str]:
    """The keys of those domains of the address columns that clearly take no mail."""
    places = [place for place, target in enumerate(columns.targets) if target in ("email", "other_emails")]
    cells = (record.values[place] for record in records for place in places if place < len(record.values))
    domains = {domain.lower() for cell in cells for domain in DOMAIN.findall(cell)}
    return frozenset(f"domain:{domain}" for domain in mx.no_mail(domains))


def store(*, batch: ImportBatch, chunk: Chunk, reader: Reader, done: int, bytes_done: int, now: datetime) -> Counts:
    """Stores a chunk in one transaction: people, stops, sites, what was left out, the counts, and how far it is.

    `done` are the records of the whole file up to the end of this chunk.
    """
    rows, rest = reader.rows, chunk.rest
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{FASTER}; {IN_BULK}")
        if gone := forgotten.keys_since(rows.forgotten, cursor=cursor):
            _leave_out(chunk, rows, gone)
        extras.stop(cursor, stops=rest.stops, how=rows.how)
        extras.research(cursor, domains=rest.research, how=rows.how)
        counts = merge_lines(cursor, chunk.lines, rows.how)
        if chunk.extras:
            found = people(cursor, list(chunk.extras))
            extras.keep(cursor, rows=chunk.extras, people=found, how=rows.how, now=now)
        twice = [_twice(rows, chunk, place, first) for place, first in counts.twice.items()]
        _keep_rejected(batch, [*rest.bad, *twice])
        good = len(chunk.lines) - len(twice)
        ImportBatch.objects.filter(pk=batch.pk).update(
            added=F("added") + counts.added,
            changed=F("changed") + counts.changed,
            unchanged=F("unchanged") + good - counts.added - counts.changed,
            rejected=F("rejected") + len(rest.bad) + len(twice),
            researched=F("researched") + len(rest.research),
            records_done=done,
            bytes_done=bytes_done,
        )
        keep(batch_id=batch.pk, records_done=done, piece=chunk.seen)
    return counts


def _leave_out(chunk: Chunk, rows: Rows, gone: frozenset[str]) -> None:
    """Takes those out again who were erased after the chunk was made ready; what was rejected may be theirs as well."""
    chunk.rest.bad = [replace(row, values={}) for row in chunk.rest.bad]
    lines, chunk.lines = chunk.lines, []
    for place, line in lines:
        others = chunk.extras[place].others if place in chunk.extras else ()
        keys = {*line.keys[2:-2].split('","'), *(identity.key_for("address", other) for other in others)}
        if gone.isdisjoint(keys):
            chunk.lines.append((place, line))
        else:
            chunk.rest.bad.append(rows.rejected(chunk.records[place], FORGOTTEN))
            chunk.extras.pop(place, None)


def _twice(rows: Rows, chunk: Chunk, place: int, first: int) -> Rejected:
    return rows.rejected(chunk.records[place], f"This is the same person as line {chunk.records[first].line}.")


def _keep_rejected(batch: ImportBatch, bad: Sequence[Rejected]) -> None:
    ImportRow.objects.bulk_create(
        (ImportRow(batch=batch, sheet=row.sheet, line=row.line, reason=row.reason, values=row.values) for row in bad),
        batch_size=KEPT_ROWS,
    )
