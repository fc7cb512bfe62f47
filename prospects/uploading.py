"""A sheet on its way in: stored in pieces, its columns chosen, waiting to be run; and the segment of its people."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, count, islice
from pathlib import PurePath
from typing import BinaryIO

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.text import printable
from prospects import cleaning
from prospects.importing import UnreadableFile
from prospects.importing_columns import Columns, UnreadableHeader, own_names, read_header, suggested
from prospects.importing_reading import Record, UnreadableSource, records
from prospects.models import ImportBatch, ImportChunk, Prospect, Segment

MOST_BYTES = 200_000_000
PIECE = 1_000_000  # bytes in one row
SHOWN_VALUES = 3
READ_AHEAD = 100  # records in which values are looked for
KEPT = timedelta(days=7)


class UnfitColumns(DomainError):
    """The meanings chosen for the columns can't be; each problem's field is `column-<number>`, from 0."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as it is asked about: its first values, what it seems to mean, and the field of its own it may be."""

    header: str
    values: tuple[str, ...]
    target: str
    own: str


class StoredFile:
    """An uploaded file, read from its pieces one after the other; `position` is how many bytes were given out."""

    def __init__(self, batch: ImportBatch) -> None:
        self._pieces: Iterator[bytes] = _pieces(batch)
        self._rest = b""
        self.position = 0

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
        given, self._rest = self._rest[:size], self._rest[size:]
        self.position += len(given)
        return given


def store(
    *, source: BinaryIO, file_name: str, by: User | None, now: datetime, source_name: str = "", tag: str = ""
) -> ImportBatch:
    """Keeps an uploaded file (seekable) until its import is done, and nothing else: no column is chosen yet.

    Everybody in it will get `tag`, and a tag that no one else has: `tag` itself, or one made from the file's name and
    the day. Raises UnreadableFile for what is no table of people.
    """
    name = printable(file_name)[-255:]
    cleaned, errors = cleaning.clean({"tags": tag, "source": source_name or name[-200:]})
    if errors:
        problems = [Problem({"tags": "tag", "source": "source_name"}[field], text) for field, text in errors.items()]
        raise DomainError(problems=problems)
    headers = _headers(source)
    own = _own_tag(cleaned["tags"], name, now.date())
    tags = list(dict.fromkeys([*cleaned["tags"], own]))
    options = {"source": cleaned["source"], "tags": tags, "sheet_tag": own, "headers": headers}
    source.seek(0)
    with transaction.atomic():
        batch = ImportBatch.objects.create(
            file_name=name, status=ImportBatch.Status.UPLOADED, options=options, created_by=by
        )
        for number, piece in enumerate(iter(lambda: source.read(PIECE), b"")):
            batch.bytes_total += len(piece)
            if batch.bytes_total > MOST_BYTES:
                raise UnreadableFile(f"At most {MOST_BYTES // 1_000_000} MB are read at once; cut the sheet in two.")
            ImportChunk.objects.create(batch=batch, number=number, data=piece)
        batch.save(update_fields=["bytes_total"])
    return batch


def columns(*, batch: ImportBatch) -> list[Column]:
    """What is asked about each column: as it was answered before, else as its header suggests."""
    found = records(StoredFile(batch))
    read = suggested(next(found).values, batch.mapping or None)
    first = list(islice(found, READ_AHEAD))
    owns = own_names(read.headers)
    return [
        Column(header, _first_values(first, index), target, target if target.startswith("custom.") else own)
        for index, (header, target, own) in enumerate(zip(read.headers, read.targets, owns, strict=True))
    ]


def choose_columns(*, batch: ImportBatch, targets: Sequence[str]) -> Columns:
    """Says what each column means ("" leaves it out); only before the import begins. Raises UnfitColumns."""
    header = next(records(StoredFile(batch))).values
    names = suggested(header).headers
    if len(targets) != len(names):
        raise UnfitColumns("The form does not fit the sheet; open it again.")
    problems = [
        Problem(f"column-{place}", "Another column means this already; leave one of them out.")
        for place, target in enumerate(targets)
        if target and target in targets[:place]
    ]
    if "email" not in targets:
        problems.append(Problem("", "Say which column holds the email address: without one nobody can be brought in."))
    if problems:
        raise UnfitColumns("", problems)
    try:
        chosen = read_header(header, dict(zip(names, targets, strict=True)))
    except UnreadableHeader as error:
        raise UnfitColumns(str(error)) from error
    _waiting(batch).update(mapping=chosen.mapping())
    return chosen


def queue(*, batch: ImportBatch) -> bool:
    """Lets the import begin; False when its columns are not chosen, or it began before."""
    return bool(_waiting(batch).exclude(mapping={}).update(status=ImportBatch.Status.QUEUED))


def segment_of(*, batch: ImportBatch, by: User | None) -> Segment:
    """The segment of everybody who was in this sheet, made when it is asked for first."""
    rule = {"field": "tags", "op": "is", "value": batch.options["sheet_tag"]}
    if known := Segment.objects.filter(filter=rule).order_by("id").first():
        return known
    names = (f"From {batch.file_name[:80]}" + (f" ({number})" if number > 1 else "") for number in count(1))
    name = next(name for name in names if not Segment.objects.filter(name=name).exists())
    return Segment.objects.create(name=name, filter=rule, created_by=by)


def forget(*, now: datetime) -> int:
    """Throws away sheets that nobody went on with for a week; returns how many."""
    old = ImportBatch.objects.filter(status=ImportBatch.Status.UPLOADED, created_at__lt=now - KEPT)
    return old.delete()[1].get("prospects.ImportBatch", 0)


def _headers(source: BinaryIO) -> list[str]:
    """The names of the columns. Raises UnreadableFile unless there is a header and somebody below it."""
    source.seek(0)
    try:
        found = records(source)
        header = next(found, Record(1, [], "The file is empty."))
        if header.problem:
            raise UnreadableFile(header.problem)
        headers = suggested(header.values).headers
        if next(found, None) is None:
            raise UnreadableFile("The sheet has a line of column names and nobody below it.")
    except (UnreadableSource, UnreadableHeader) as error:
        raise UnreadableFile(str(error)) from error
    return list(headers)


def _own_tag(tags: Sequence[str], file_name: str, day: date) -> str:
    """A tag that is on nobody yet and that no other sheet will give."""
    stem = re.sub(r"[\s,;|]+", " ", PurePath(file_name).stem[:32]).strip() or "sheet"
    numbered = (f"{stem} {day:%Y-%m-%d}" + (f" ({number})" if number > 1 else "") for number in count(1))
    return next(tag for tag in chain(tags[:1], numbered) if not _is_taken(tag))


def _is_taken(tag: str) -> bool:
    if Prospect.objects.filter(tags__contains=[tag]).exists():
        return True
    return ImportBatch.objects.filter(options__tags__contains=[tag]).exists()


def _first_values(rows: Sequence[Record], index: int) -> tuple[str, ...]:
    values = (printable(row.values[index]) for row in rows if len(row.values) > index)
    return tuple(islice((value[:60] for value in values if value), SHOWN_VALUES))


def _pieces(batch: ImportBatch) -> Iterator[bytes]:
    for number in count():
        piece = ImportChunk.objects.filter(batch=batch, number=number).values_list("data", flat=True).first()
        if piece is None:
            return
        yield bytes(piece)


def _waiting(batch: ImportBatch) -> QuerySet[ImportBatch]:
    return ImportBatch.objects.filter(pk=batch.pk, status=ImportBatch.Status.UPLOADED)
