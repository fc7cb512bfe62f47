"""A piece of a file: made ready without the database, then stored in one transaction with its counts and its place."""

import marshal
import re
from collections.abc import Mapping, Sequence
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
from prospects.importing.rows import FORGOTTEN, How, Incoming, Rejected, Rows, Sorted, twice
from prospects.importing.seen import Seen, keep
from prospects.importing.sheets import Sheet
from prospects.importing.staging import Line, line_of, lines_of, text_of
from prospects.models import ImportBatch, ImportRow

# A crash takes a counted chunk and its people together, and the file is still there. Two of the indexes (GIN) collect
# what is new and sort it in: in few large lots, that costs half as much.
FASTER = "SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '64MB'; SET LOCAL gin_pending_list_limit = '64MB'"
IN_BULK = "SET LOCAL outreach.in_bulk = on"  # no row of history for each (outreach.lib.history)
DOMAIN = re.compile(r"@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
KEPT_ROWS = 1_000  # of rejected ones, in one statement


@dataclass(slots=True)
class Chunk:
    """Some records of one sheet, ready to be stored, in few large values: it comes from another process.

    `text` are its `good` rows for COPY. Places are those of the records in the chunk.
    """

    sheet: int
    size: int
    packed: bytes  # the records: hardly ever asked for
    text: bytes = b""
    good: int = 0
    extras: dict[int, Incoming] = field(default_factory=dict)
    rest: Sorted = field(default_factory=Sorted)  # without its good rows
    seen: bytes = b""  # who stands in the file for the first time
    bytes_done: int = 0  # how far the file was read with its last record

    def records(self) -> list[Record]:
        """The records as they were read."""
        return [Record(*said) for said in marshal.loads(self.packed)]  # noqa: S302 - our own process packed them


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
        rows = self.rows
        chunk = Chunk(rows.sheet_number, len(records), marshal.dumps(list(map(tuple, records))))
        if rows.how.check_mx:
            rows.without_mail = _without_mail(rows.columns, records)
        found = self._plain.lines([record.values for record in records])
        lines = []
        refusal, asks_keys = rows.refusal, rows.forgotten or rows.without_mail
        first, sheet = rows.seen.first, rows.sheet_number
        for place, (record, line) in enumerate(zip(records, found, strict=True)):
            reason = ""
            if line is None or record[2]:
                line, reason = self._odd(chunk, place, record)
            elif asks_keys:
                reason = refusal(line[0], record[0], line[1][2:-2].split('","'))
            elif (before := first(line[0], record[0], sheet)) and before[0] == sheet:
                reason = twice(before[1])
            if reason:
                chunk.rest.bad.append(rows.rejected(record, reason))
            elif line:
                lines.append((place, line))
        chunk.text, chunk.good, chunk.seen = text_of(lines), len(lines), rows.seen.fresh()
        return chunk

    def _odd(self, chunk: Chunk, place: int, record: Record) -> tuple[Line | None, str]:
        row, reason = self.rows.read(record, chunk.rest)
        if row:
            reason = self.rows.refusal(row.identity_key, record.line, row.contact_keys, row.others)
        if not row or reason:
            return None, reason
        if extras.has_any(row):
            chunk.extras[place] = row
        return line_of(row), ""


def _without_mail(columns: Columns, records: Sequence[Record]) -> frozenset[str]:
    """The keys of those domains of the address columns that clearly take no mail."""
    places = [place for place, target in enumerate(columns.targets) if target in ("email", "other_emails")]
    cells = (record.values[place] for record in records for place in places if place < len(record.values))
    domains = {domain.lower() for cell in cells for domain in DOMAIN.findall(cell)}
    return frozenset(f"domain:{domain}" for domain in mx.no_mail(domains))


def store(*, batch: ImportBatch, chunk: Chunk, reader: Reader, done: int, now: datetime) -> Counts:
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
        counts = merge_lines(cursor, chunk.text, chunk.good, rows.how)
        if chunk.extras:
            found = people(cursor, list(chunk.extras))
            extras.keep(cursor, rows=chunk.extras, people=found, how=rows.how, now=now)
        again = _twice(rows, chunk, counts.twice)
        _keep_rejected(batch, [*rest.bad, *again])
        good = chunk.good - len(again)
        ImportBatch.objects.filter(pk=batch.pk).update(
            added=F("added") + counts.added,
            changed=F("changed") + counts.changed,
            unchanged=F("unchanged") + good - counts.added - counts.changed,
            rejected=F("rejected") + len(rest.bad) + len(again),
            researched=F("researched") + len(rest.research),
            records_done=done,
            bytes_done=chunk.bytes_done,
        )
        keep(batch_id=batch.pk, records_done=done, piece=chunk.seen)
    return counts


def _leave_out(chunk: Chunk, rows: Rows, gone: frozenset[str]) -> None:
    """Takes those out again who were erased after the chunk was made ready; what was rejected may be theirs as well."""
    chunk.rest.bad = [replace(row, values={}) for row in chunk.rest.bad]
    records, kept = chunk.records(), []
    for place, keys, line in lines_of(chunk.text):
        others = chunk.extras[place].others if place in chunk.extras else ()
        if gone.isdisjoint([*keys, *(identity.key_for("address", other) for other in others)]):
            kept.append(line)
        else:
            chunk.rest.bad.append(rows.rejected(records[place], FORGOTTEN))
            chunk.extras.pop(place, None)
    chunk.text, chunk.good = "".join(kept).encode(), len(kept)


def _twice(rows: Rows, chunk: Chunk, found: Mapping[int, int]) -> list[Rejected]:
    """Those places again that turned out to be the same person as an earlier one."""
    records = chunk.records() if found else []
    return [rows.rejected(records[place], twice(records[first].line)) for place, first in found.items()]


def _keep_rejected(batch: ImportBatch, bad: Sequence[Rejected]) -> None:
    ImportRow.objects.bulk_create(
        (ImportRow(batch=batch, sheet=row.sheet, line=row.line, reason=row.reason, values=row.values) for row in bad),
        batch_size=KEPT_ROWS,
    )
