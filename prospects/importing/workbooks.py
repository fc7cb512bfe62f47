"""Reading an XLSX workbook, sheet by sheet, as the texts a person sees in it; streamed, and wary of bombs."""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib import import_module
from typing import Any, BinaryIO

from outreach.lib.spreadsheets import unescaped
from prospects.importing.records import MAX_COLUMNS, UnreadableSource
from prospects.importing.workbook_marks import marks, spread

MOST_PARTS = 5_000
MOST_UNPACKED = 1_000_000_000  # bytes of all parts together
MOST_TEXTS = 150_000_000  # bytes of the table of texts, which is held in memory
MOST_RATIO = 200  # unpacked to packed; a sheet full of numbers comes to 30
SMALL = 20_000_000  # bytes below which a ratio means nothing
MOST_ROWS = 1_048_576  # of a sheet, in Excel itself
MOST_CELLS = 5_000_000
MOST_PLACES = 100_000_000  # empty ones up to the last cell of each row included
MOST_SHEETS = 50
BROKEN = "This workbook is damaged and can't be read; open it, save it again, or save it as CSV."
BOMB = "This workbook unpacks to an absurd size and is not opened; save the sheet as CSV."
NOT_XLSX = {
    "mimetype": "This is an OpenDocument sheet (.ods); save it as XLSX or CSV first.",
    "xl/workbook.bin": "This is a binary workbook (.xlsb); save it as XLSX or CSV first.",
    "word/document.xml": "This is a text document; a sheet is needed.",
    "Index/Document.iwa": "This is a Numbers document; export it as CSV or Excel first.",
}


@dataclass(frozen=True, slots=True)
class RawSheet:
    """A sheet's name, whether it is hidden, and its rows that are not empty, each with its number from 1.

    `warning` says what can't be read of it, as a sentence for people.
    """

    name: str
    is_hidden: bool
    rows: Iterator[tuple[int, list[str]]]
    warning: str = ""


def is_zip(source: BinaryIO) -> bool:
    """Whether a file (seekable) may be a workbook; it is left at its beginning."""
    source.seek(0)
    start = source.read(4)
    source.seek(0)
    return start == b"PK\x03\x04"


def sheets(source: BinaryIO) -> Iterator[RawSheet]:
    """The sheets of a workbook in their order; read each before the next.

    A formula says the result that was saved with it, a date is ISO 8601, a cell merged downwards stands in each of its
    rows. Raises UnreadableSource, also while rows are read.
    """
    _check(source)
    try:
        reader = import_module("openpyxl")  # 175 modules: no worker ever needs them
        book = reader.load_workbook(source, read_only=True, data_only=True, keep_links=False)
        found = book.worksheets[:MOST_SHEETS]
        cells = 0
        for sheet in found:
            rows = _Rows(sheet, MOST_CELLS - cells)
            with sheet._get_source() as text:  # the library tells nothing of it while it streams
                beside = marks(text)
            spread_rows = spread(iter(rows), beside.merged)
            yield RawSheet(sheet.title, sheet.sheet_state != "visible", spread_rows, beside.warning)
            cells += rows.cells
    except UnreadableSource:
        raise
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError) as error:
        raise UnreadableSource(BROKEN) from error
    except (zipfile.BadZipFile, SyntaxError, NotImplementedError, RuntimeError) as error:  # SyntaxError: bad XML
        raise UnreadableSource(BROKEN) from error


def line(number: int, values: list[str]) -> bytes:
    """A row as it is stored: its number in the sheet, then its values."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([number, *values])
    return text.getvalue().encode("utf-8", "ignore")


class _Rows:
    """Counts the cells while it gives the rows."""

    def __init__(self, sheet: Any, most: int) -> None:
        self._sheet = sheet
        self._most = most
        self.cells = 0

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        self._sheet.reset_dimensions()  # what the file says of its size is often wrong
        places = 0
        for number, row in enumerate(self._sheet.iter_rows(), start=1):
            places += len(row)
            if number > MOST_ROWS or places > MOST_PLACES:
                raise UnreadableSource(BROKEN)
            cells = row[: MAX_COLUMNS + 1]
            values = ["" if cell.data_type == "e" else _text(cell.value) for cell in cells]  # e: an error such as #N/A
            while values and not values[-1].strip():
                values.pop()
            self.cells += len(values)
            if self.cells > self._most:
                raise UnreadableSource(
                    f"This workbook has more than {MOST_CELLS // 1_000_000} million cells; save the sheet as CSV, "
                    "which is read at any length."
                )
            if values:
                yield number, values


def _check(source: BinaryIO) -> None:
    """Refuses what is no XLSX and what would unpack to more than any list of people needs. Raises UnreadableSource."""
    try:
        with zipfile.ZipFile(source) as parts:
            infos = parts.infolist()
            names = {info.filename for info in infos}
            unpacked = sum(info.file_size for info in infos)
            packed = sum(info.compress_size for info in infos) or 1
            if "xl/workbook.xml" not in names:
                sentence = next((NOT_XLSX[name] for name in NOT_XLSX if name in names), "")
                raise UnreadableSource(sentence or "This is a zip archive; unpack it first.")
            texts = max((info.file_size for info in infos if info.filename.endswith("sharedStrings.xml")), default=0)
            if len(infos) > MOST_PARTS or unpacked > MOST_UNPACKED or texts > MOST_TEXTS:
                raise UnreadableSource(BOMB)
            if unpacked > SMALL and unpacked > packed * MOST_RATIO:
                raise UnreadableSource(BOMB)
            if any(_declares(parts, info) for info in infos if info.filename.endswith((".xml", ".rels"))):
                raise UnreadableSource(BROKEN)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise UnreadableSource(BROKEN) from error
    source.seek(0)


def _declares(parts: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    """Whether a part declares entities: no office program writes them, and they are what makes small XML huge."""
    with parts.open(info) as part:
        return b"<!DOCTYPE" in part.read(2_000)


def _text(value: Any) -> str:
    """A cell as a person sees it: no ".0", and a day without its midnight."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return unescaped(value)
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
    return str(value)
