"""Writing XLSX as it is read: sheet after sheet, row after row, into a zip that is sent while it is made.

ECMA-376 part 1: texts stand in the cells (`inlineStr`), so that no table of all texts is kept. A million rows take no
more memory than a thousand.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from xml.sax.saxutils import escape

from outreach.lib import spreadsheets

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_576  # of a sheet; more go to the next one under the same header
LONGEST = 32_767  # characters of a cell
CHUNK = 500  # rows
UNWRITABLE = re.compile("[\0-\x08\x0b-\x1f\ufffe\uffff]")  # XML 1.0 can't say these, nor tell CR from a line end
HALVES = re.compile("[\ud800-\udfff]")  # of characters; no text
LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # section 22.4.2.4: _x000D_ in a text is read as a line end
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OPENS = (
    f'{HEAD}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews>'
    '<sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    "</sheetView></sheetViews><sheetData>"
)
CLOSES = "</sheetData></worksheet>"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"


class TooLong(Exception):
    """A value is longer than a cell may be."""


def xlsx(rows: Iterable[Sequence[str]], *, title: str) -> Iterator[bytes]:
    """The rows, the first of them the header, as a workbook of texts, safe against formulas.

    Raises TooLong while it is read.
    """
    sink = _Sink()
    rest = iter(rows)
    header = next(rest, ())
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        number = 0
        ahead: list[Sequence[str]] = []
        while number == 0 or ahead:
            number += 1
            sheet = chain([header], ahead, islice(rest, MOST_ROWS - 1 - len(ahead)))
            with book.open(_part(f"xl/worksheets/sheet{number}.xml"), "w", force_zip64=True) as file:
                for piece in _sheet(sheet):
                    file.write(piece)
                    yield sink.taken()
            ahead = list(islice(rest, 1))
        for name, content in _frame(title, number).items():
            book.writestr(_part(name), HEAD + content)
    yield sink.taken()


def _part(name: str) -> zipfile.ZipInfo:
    """Without the time of day: the same people make the same file."""
    part = zipfile.ZipInfo(name)
    part.compress_type = zipfile.ZIP_DEFLATED
    return part


def _sheet(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    yield OPENS.encode()
    source = iter(rows)
    while some := list(islice(source, CHUNK)):
        yield "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in some).encode()
    yield CLOSES.encode()


def _cell(value: str) -> str:
    if not value:
        return "<c/>"
    text = spreadsheets.safe(HALVES.sub("", value))
    if len(text) > LONGEST:
        raise TooLong(f"{text[:60]!r} … is longer than {LONGEST:,} characters.")
    text = UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", LOOKS_ESCAPED.sub("_x005F_", text))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _frame(title: str, sheets: int) -> dict[str, str]:
    """The parts that say what the workbook is made of. A sheet's name has at most 31 characters, some not allowed."""
    name = re.sub(r"[\[\]:*?/\\'\"]", " ", UNWRITABLE.sub("", HALVES.sub("", title)))[:25].strip() or "Sheet"
    numbers = range(1, sheets + 1)
    names = [escape(name if number == 1 else f"{name} {number}") for number in numbers]
    listed = "".join(f'<sheet name="{names[n - 1]}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    parts = "".join(f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{SHEET}"/>' for n in numbers)
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{MEDIA_TYPE}.main+xml"/>{parts}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>',
    }


class _Sink:
    """A file that can't go back: what was written is taken away again and again."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""

    close = flush

    def taken(self) -> bytes:
        """What was written since."""
        found = b"".join(self._pieces)
        self._pieces.clear()
        return found
