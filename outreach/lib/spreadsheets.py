"""Values in files that a spreadsheet opens: none becomes a formula there, and each comes back as it was.

A program such as Excel runs a cell that begins with a sign of arithmetic (CWE-1236). An apostrophe before it makes it
a text; so a text that begins with an apostrophe of its own gets one more. `plain(safe(value)) == value` for any value.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

BOM = "\ufeff"  # without it Excel takes UTF-8 for the encoding of its country
MARK = "'"
TRIGGERS = "=+-@%|\t\r\n＝＋－＠"  # the wide forms are folded to the narrow ones by East Asian versions
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
CHUNK = 1_000  # rows


def safe(value: str) -> str:
    """The value as it may stand in a cell; a plain number stays one."""
    first = value[:1]
    if not first or (first not in TRIGGERS and first != MARK) or NUMBER.fullmatch(value):
        return value
    return MARK + value


def plain(value: str) -> str:
    """What `safe` made of a value, undone; somebody's own leading apostrophe stays."""
    if value[:1] == MARK and value[1:2] and value[1] in TRIGGERS + MARK:
        return value[1:]
    return value


def unescaped(value: str) -> str:
    """What a text of an XLSX cell says: characters that XML can't hold are written as _x000D_ (ECMA-376, 22.4.2.4).

    Two halves of a character (UTF-16) are joined; one alone is no text, and goes.
    """
    if "_x" not in value:
        return value
    halves = ESCAPED.sub(lambda found: chr(int(found[1], 16)), value).encode("utf-16-le", "surrogatepass")
    return halves.decode("utf-16-le", "ignore")


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """The rows as UTF-8 CSV, a piece at a time: constant memory, every value quoted (whatever the delimiter of a
    program's country, no value is cut in two), safe against formulas. The header goes out at once, so that a browser
    begins its download while the database still looks for the first people."""
    pieces: list[str] = [BOM]
    writer = csv.writer(_Piece(pieces), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for number, row in enumerate(rows, start=1):
        writer.writerow([safe(value) for value in row])
        if number == 1 or number % CHUNK == 0:
            yield "".join(pieces).encode()
            pieces.clear()
    yield "".join(pieces).encode()


class _Piece:
    """Where the csv module writes to."""

    def __init__(self, pieces: list[str]) -> None:
        self.write = pieces.append
