"""A file on its way in: stored in pieces, its columns chosen, waiting to be run; and the segment of its people."""

import re
from collections.abc import Iterator, Sequence
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
from prospects.importing import storing, workbooks
from prospects.importing.columns import UnreadableHeader, brings_nobody, names_of
from prospects.importing.guessing import guess, header_place, is_person, made_up
from prospects.importing.names import BRINGS
from prospects.importing.records import Record, UnreadableSource, records
from prospects.importing.sheets import Stored, as_options
from prospects.importing.storing import MOST_BYTES, PIECE, StoredFile, UnreadableFile
from prospects.models import ImportBatch, Prospect, Segment
from prospects.reading import ADDRESS

__all__ = ["MOST_BYTES", "StoredFile", "UnreadableFile", "forget", "queue", "segment_of", "store"]

LOOKED_AT = 60  # records in which header and people are looked for
KEPT = timedelta(days=7)


def store(
    *,
    source: BinaryIO,
    file_name: str,
    by: User | None,
    now: datetime,
    source_name: str = "",
    tag: str = "",
    tags: Sequence[str] = (),
) -> ImportBatch:
    """Keeps an uploaded file (seekable; CSV or XLSX) until its import is done: no column is chosen yet.

    Every sheet of a workbook is kept as text. Everybody will get `tag` and `tags`, and a tag that no one else has:
    the first one, or one made from the file's name and the day. Raises UnreadableFile for what is no table of people.
    """
    name = printable(file_name)[-255:]
    cleaned, errors = cleaning.clean({"tags": [*_split(tag), *tags], "source": source_name or name[-200:]})
    if errors:
        problems = [Problem({"tags": "tag", "source": "source_name"}[field], text) for field, text in errors.items()]
        raise DomainError(problems=problems)
    own = _own_tag(cleaned["tags"], name, now.date())
    all_tags = list(dict.fromkeys([*cleaned["tags"], own]))
    options = {"source": cleaned["source"], "tags": all_tags, "sheet_tag": own}
    try:
        with transaction.atomic():
            batch = ImportBatch.objects.create(
                file_name=name, status=ImportBatch.Status.UPLOADED, options=options, created_by=by
            )
            sheets = _stored_workbook(batch, source) if workbooks.is_zip(source) else _stored(batch, source)
            batch.options = {**options, "sheets": as_options(sheets), "headers": _headers(sheets)}
            batch.save(update_fields=["bytes_total", "options"])
    except (UnreadableSource, UnreadableHeader) as error:
        raise UnreadableFile(str(error)) from error
    return batch


def queue(*, batch: ImportBatch) -> bool:
    """Lets the import begin; False when its columns are not chosen, or it began before."""
    return bool(waiting(batch).exclude(mapping={}).update(status=ImportBatch.Status.QUEUED))


def waiting(batch: ImportBatch) -> QuerySet[ImportBatch]:
    """The batch, while nobody let it begin."""
    return ImportBatch.objects.filter(pk=batch.pk, status=ImportBatch.Status.UPLOADED)


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


def _stored(batch: ImportBatch, source: BinaryIO) -> list[Stored]:
    """A delimited file is kept byte by byte. Raises UnreadableFile, UnreadableSource and UnreadableHeader."""
    source.seek(0)
    found = list(islice(records(source), LOOKED_AT))
    sheet = Stored(name="", skip=header_place([record.values for record in found]))
    _look(sheet, found)
    if sheet.problem:
        raise UnreadableFile(sheet.problem)
    source.seek(0)
    batch.bytes_total = storing.keep(batch=batch, pieces=iter(lambda: source.read(PIECE), b""))
    return [sheet]


def _stored_workbook(batch: ImportBatch, source: BinaryIO) -> list[Stored]:
    """Each sheet of a workbook becomes text. Raises UnreadableFile, UnreadableSource and UnreadableHeader."""
    sheets: list[Stored] = []
    batch.bytes_total = storing.keep(batch=batch, pieces=_as_text(source, sheets))
    if not sheets:
        raise UnreadableFile("The file is empty.")
    if all(sheet.problem for sheet in sheets):
        said = sheets[0].problem
        raise UnreadableFile(said if len(sheets) == 1 else f"Sheet “{sheets[0].name}”: {said}")
    if not any(sheet.use for sheet in sheets):  # all of them are hidden
        sheets[0].use = not sheets[0].problem
    return sheets


def _as_text(source: BinaryIO, sheets: list[Stored]) -> Iterator[bytes]:
    """The text of all sheets, one after the other; `sheets` learns what is where."""
    position = 0
    for raw in workbooks.sheets(source):
        sheet = Stored(name=raw.name, begins=position, is_numbered=True, is_hidden=raw.is_hidden, warning=raw.warning)
        first: list[Record] = []
        for number, values in raw.rows:
            if len(first) < LOOKED_AT:
                first.append(Record(number, values))
            piece = workbooks.line(number, values)
            position += len(piece)
            yield piece
        if not first:
            continue  # an empty sheet is none
        sheet.ends = position
        sheet.skip = header_place([record.values for record in first])
        try:
            _look(sheet, first)
        except UnreadableHeader as error:
            sheet.problem = str(error)
        sheet.use = not sheet.problem and not sheet.is_hidden
        sheets.append(sheet)


def _look(sheet: Stored, first: Sequence[Record]) -> None:
    """The names of the columns, and whether somebody stands below. Raises UnreadableHeader, and UnreadableFile."""
    if not first:
        raise UnreadableFile("The file is empty.")
    header = first[sheet.skip]
    if header.problem:
        raise UnreadableFile(header.problem)
    cells = header.values
    if is_person(cells):
        sheet.skip = -1
        cells = made_up([record.values for record in first])
    sheet.headers = list(names_of(cells))
    below = [record.values for record in first[sheet.skip + 1 :]]
    if any(ADDRESS.search(cell) for cell in cells):
        raise UnreadableHeader(brings_nobody(cells))
    if not below:
        sheet.problem = "The sheet has a line of column names and nobody below it."
    elif sheet.is_numbered and not _may_bring(cells, below):
        sheet.problem = "No column of addresses, handles or websites is in it."


def _may_bring(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a sheet of a workbook looks like one of people or sites; others, such as of prices, are left out."""
    return not BRINGS.isdisjoint(guess(cells, rows).columns.targets)


def _headers(sheets: Sequence[Stored]) -> list[str]:
    """All names of columns, for the list of left-out rows."""
    return list(dict.fromkeys(header for sheet in sheets for header in sheet.headers))


def _split(tag: str) -> list[str]:
    return re.split(r"[,;|]", tag)


def _own_tag(tags: Sequence[str], file_name: str, day: date) -> str:
    """A tag that is on nobody yet and that no other sheet will give."""
    stem = re.sub(r"[\s,;|]+", " ", PurePath(file_name).stem[:32]).strip() or "sheet"
    numbered = (f"{stem} {day:%Y-%m-%d}" + (f" ({number})" if number > 1 else "") for number in count(1))
    return next(tag for tag in chain(tags[:1], numbered) if not _is_taken(tag))


def _is_taken(tag: str) -> bool:
    if Prospect.objects.filter(tags__contains=[tag]).exists():
        return True
    return ImportBatch.objects.filter(options__tags__contains=[tag]).exists()
