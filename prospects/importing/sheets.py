"""The sheets of an uploaded file: where each stands in what was stored, and what was decided about it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from prospects.importing.columns import Columns
from prospects.importing.records import Record, records, rewritten
from prospects.importing.storing import StoredFile
from prospects.models import ImportBatch
from prospects.reading import NUMERIC

TOTALS = "This is a line of totals, nobody's."
WORDS_OF_TOTALS = {
    "total", "totals", "grand total", "subtotal", "sum", "summe", "gesamt", "gesamtsumme", "zwischensumme",
    "insgesamt", "somme", "total général", "suma", "total general", "somma", "totale",
}  # fmt: skip


@dataclass(slots=True)
class Stored:
    """A sheet as `ImportBatch.options["sheets"]` keeps it.

    The bytes from `begins` to `ends` hold it (`ends` None: to the end); `skip` records stand above its header, or
    -1 where it has none and its first record is a person. `warning` says what of it can't be read.
    `is_numbered`: of a workbook, the first value of each record is the number of its row. `order` is what its dates
    begin with, "day" or "month". `problem` says why nobody can be brought in by it; `use` whether it is imported.
    """

    name: str
    begins: int = 0
    ends: int | None = None
    skip: int = 0
    is_numbered: bool = False
    is_hidden: bool = False
    headers: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    order: str = ""
    problem: str = ""
    use: bool = True
    saved_as: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that is to be imported: `name` is "" where the file is one sheet."""

    number: int
    name: str
    columns: Columns
    begins: int
    ends: int | None
    skip: int
    is_numbered: bool


def stored(batch: ImportBatch) -> list[Stored]:
    """All sheets of a file, in its order."""
    said = batch.options.get("sheets") or [{"name": "", "headers": batch.options.get("headers", [])}]
    return [Stored(**sheet) for sheet in said]


def as_options(sheets: list[Stored]) -> list[dict[str, Any]]:
    """What `stored` reads back."""
    return [asdict(sheet) for sheet in sheets]


def mapping_of(batch: ImportBatch, sheet: Stored) -> dict[str, str]:
    """What was said about the columns of this sheet; {} when nothing was yet."""
    found = batch.mapping.get(sheet.name, {}) if sheet.is_numbered else batch.mapping
    return found if isinstance(found, dict) else {}


def sheets_of(batch: ImportBatch) -> list[Sheet]:
    """The sheets that are to be imported, with what their columns mean, in their order."""
    found = []
    for number, sheet in enumerate(stored(batch)):
        mapping = mapping_of(batch, sheet)
        if sheet.use and mapping:
            targets = tuple(mapping.get(header, "") for header in sheet.headers)  # the database keeps no order of names
            columns = Columns(tuple(sheet.headers), targets, tuple(sheet.reads))
            found.append(Sheet(number, sheet.name, columns, sheet.begins, sheet.ends, sheet.skip, sheet.is_numbered))
    return found


def source_of(batch: ImportBatch, sheet: Sheet | Stored) -> StoredFile:
    """The bytes of a sheet."""
    return StoredFile(batch, begins=sheet.begins, ends=sheet.ends)


def rows_of(batch: ImportBatch, sheet: Sheet | Stored, source: StoredFile | None = None) -> Iterator[Record]:
    """The records behind the header, with the line or row that each stands in. `source` says how far it was read."""
    found = all_of(batch, sheet, source)
    return islice(found, sheet.skip + 1, None)


def all_of(batch: ImportBatch, sheet: Sheet | Stored, source: StoredFile | None = None) -> Iterator[Record]:
    """Every record, what stands above the header and the header included. Raises UnreadableSource."""
    source = source or source_of(batch, sheet)
    return _numbered(rewritten(source)) if sheet.is_numbered else records(source, titles=sheet.skip)


def _numbered(found: Iterator[list[str]]) -> Iterator[Record]:
    """Records whose first value is the number of their row; a line of totals says that it is one."""
    return (Record(int(number), values, TOTALS if _is_totals(values) else "") for number, *values in found)


def _is_totals(values: Sequence[str]) -> bool:
    """Whether a row says "Total", and besides that nothing but numbers."""
    said = [value.strip() for value in values if value.strip()]
    if not said or said[0].rstrip(": ").casefold() not in WORDS_OF_TOTALS:
        return False
    return all(NUMERIC.fullmatch(value.strip("$€£% ")) for value in said[1:])
