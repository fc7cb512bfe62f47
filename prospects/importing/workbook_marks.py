"""What a workbook's sheet holds beside its values: formulas without a saved result, and cells merged downwards."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

PIECE = 1_000_000  # bytes
LONGEST = 200_000  # bytes that may be carried into the next piece; a longer cell is left unseen
MOST_MERGED = 100_000  # areas of a sheet
CELL = rb"<(?:\w+:)?"
UNSAVED = re.compile(
    CELL + rb"c\b([^>]*[^/>])>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
MERGED = re.compile(CELL + rb'mergeCell\b[^>]*?\bref="\$?([A-Z]{1,3})\$?(\d{1,7}):\$?[A-Z]{1,3}\$?(\d{1,7})"')
PLACE = re.compile(rb'\br="([A-Z]{1,3}\d{1,7})"')

Row = tuple[int, list[str]]  # its number, and its values
Area = tuple[int, int, int]  # column from 0, first and last row from 1


@dataclass(slots=True)
class Marks:
    """`unsaved` counts the formulas, `first_unsaved` says where the first stands, such as C5.

    `merged` are the areas of more than one row, by their first row.
    """

    unsaved: int = 0
    first_unsaved: str = ""
    merged: list[Area] = field(default_factory=list)

    @property
    def warning(self) -> str:
        """What to say of it; "" when nothing is lost."""
        if not self.unsaved:
            return ""
        many = "1 cell holds a formula" if self.unsaved == 1 else f"{self.unsaved:,} cells hold formulas"
        example = f"in {self.first_unsaved}" if self.unsaved == 1 else f"the first in {self.first_unsaved}"
        return (
            f"{many} without a saved result ({example}), read as empty. Open the workbook in Excel, save it, and "
            "bring that in if you need them."
        )


def marks(source: IO[bytes], size: int = PIECE) -> Marks:
    """Reads the XML of a sheet once, in pieces of so many bytes."""
    found, rest = Marks(), b""
    while piece := source.read(size):
        text = rest + piece
        whole = _end(text)
        _look(text[:whole], found)
        rest = text[whole:]
    _look(rest, found)
    found.merged.sort(key=lambda area: area[1])
    return found


def spread(rows: Iterator[Row], merged: Sequence[Area]) -> Iterator[Row]:
    """Rows, ascending, in which what a merged cell says stands in each row it covers.

    Excel keeps it in the first one only, and a "do not contact" beside three people means all of them.
    """
    place = 0
    reaching: dict[int, tuple[int, str]] = {}  # by column: the last row, and what it says
    for number, values in rows:
        while place < len(merged) and merged[place][1] <= number:
            column, first, last = merged[place]
            place += 1
            said = values[column] if first == number and column < len(values) else ""
            reaching[column] = (last, said)
        for column in [column for column, (last, _) in reaching.items() if last < number]:
            del reaching[column]
        for column, (_, said) in reaching.items():
            if said and not (values[column].strip() if column < len(values) else ""):
                values += [""] * (column + 1 - len(values))
                values[column] = said
        yield number, values


def _end(text: bytes) -> int:
    """Up to where nothing is cut through: an open cell is left for the next piece."""
    cell = max(text.rfind(b"<c "), text.rfind(b":c "))
    end = text.rfind(b"<", 0, cell + 1) if cell > max(text.rfind(b"</c>"), text.rfind(b":c>")) else text.rfind(b"<")
    return end if end >= 0 and len(text) - end <= LONGEST else max(text.rfind(b"<"), 0)


def _column(letters: bytes) -> int:
    """A is 0, Z is 25, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _look(text: bytes, found: Marks) -> None:
    for cell in UNSAVED.finditer(text):
        if b't="str"' in cell[1] and (b"<v" in cell[0] or b":v" in cell[0]):
            continue  # its result is an empty text
        found.unsaved += 1
        if not found.first_unsaved and (place := PLACE.search(cell[1])):
            found.first_unsaved = place[1].decode()
    for area in MERGED.finditer(text):
        first, last = int(area[2]), int(area[3])
        if last > first and len(found.merged) < MOST_MERGED:
            found.merged.append((_column(area[1]), first, last))
