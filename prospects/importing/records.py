"""Reading a file of people: its encoding, its delimiter, its records. Streams; knows no column and no database."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, Protocol

SAMPLE = 65_536  # bytes that encoding and delimiter are told from
MAX_RECORD = 131_072  # characters; the longest value the csv module takes
MAX_COLUMNS = 200
BLOCK = 500  # lines that are looked at together
DELIMITERS = ",;\t|"
SIGNATURES = {
    b"PK\x03\x04": "This is a spreadsheet or a zip archive; a CSV or XLSX file is needed.",
    b"\xd0\xcf\x11\xe0": "This is an old Excel file, or one with a password; save it as XLSX or CSV first.",
    b"%PDF": "This is a PDF; a CSV or Excel file is needed.",
    b"\x1f\x8b": "This file is compressed; unpack it first.",
}
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
SEPARATOR_LINE = re.compile(r"""^\ufeff?"?sep=(.)"?\r?\n?$""", re.IGNORECASE)  # what Excel writes for itself


class Readable(Protocol):
    """All that is asked of a source: bytes, in order, once."""

    def read(self, size: int, /) -> bytes: ...


class UnreadableSource(Exception):
    """Not a file of records; the message is a sentence."""


class Record(NamedTuple):
    """One record: the physical line it starts in, its values, and a sentence when they can't be trusted."""

    line: int
    values: list[str]
    problem: str = ""


def records(source: Readable, *, titles: int = 0) -> Iterator[Record]:
    """The records of a delimited file, blank ones left out; the first is the header, or the one behind `titles` more.

    UTF-8 with or without a byte order mark, UTF-16, and where bytes are no UTF-8, Windows-1252. Comma, semicolon, tab
    or bar. A quote that is opened and never closed costs its own line, not the rest of the file.
    Raises UnreadableSource for an empty file and for what is no text.
    """
    sample = _read(source, SAMPLE)
    for signature, sentence in SIGNATURES.items():
        if sample.startswith(signature):
            raise UnreadableSource(sentence)
    encoding = _encoding(sample)
    errors = "strict" if encoding.startswith("utf-16") else "windows_1252"
    start = sample.decode(encoding.removesuffix("-sig"), "replace").lstrip("\ufeff")
    if not start.strip("\0 \t\r\n"):
        raise UnreadableSource("The file is empty.")
    text = io.TextIOWrapper(io.BufferedReader(_Joined(sample, source), SAMPLE), encoding, errors, newline="")
    try:
        yield from _parsed(_Lines(text), _delimiter(start, complete=len(sample) < SAMPLE), titles)
    except UnicodeError as error:
        raise UnreadableSource(f"The file begins as {encoding.upper()} and goes on as something else.") from error


def rewritten(source: Readable) -> Iterator[list[str]]:
    """The records of CSV that we wrote ourselves: UTF-8, commas, nothing to guess."""
    text = io.TextIOWrapper(io.BufferedReader(_Joined(b"", source), SAMPLE), "utf-8", newline="")
    return iter(csv.reader(text))


def _parsed(lines: "_Lines", delimiter: str, titles: int) -> Iterator[Record]:
    """A record of several lines with a wrong number of values comes from a stray quote: only its first line is lost."""
    reader = csv.reader(lines, delimiter=delimiter)
    width = 0
    while True:
        lines.begin()
        if width and (rows := lines.plain(delimiter)):
            numbered = enumerate(rows, start=lines.line)
            yield from (Record(line, values) for line, values in numbered if _is_filled(values))
            lines.line += len(rows)
            continue
        problem = ""
        try:
            values = next(reader)
        except StopIteration:
            return
        except _TooLong as error:
            values, problem = [], str(error)
        except csv.Error as error:
            values, problem = [], f"This line can't be read: {error}."
        if not width and lines.line == 1 and SEPARATOR_LINE.match(lines.first):
            continue
        wrong = problem or (width and len(values) != width)
        if lines.ended_inside or (len(lines.taken) > 1 and (wrong or _has_stray_quote(lines.taken, delimiter))):
            lines.keep_first_line()
            values, problem = [lines.first.strip()], "A quote is opened here and never closed."
        if problem or _is_filled(values):
            yield Record(lines.line, values, problem)
            titles, width = titles - 1, width or (0 if titles > 0 else len(values))


def _is_filled(values: list[str]) -> bool:
    return bool(values) and bool(values[0].strip() or any(value.strip() for value in values))


def _has_stray_quote(taken: list[str], delimiter: str) -> bool:
    """Whether text follows a closing quote: taken leniently in one line, a sign of a swallowed line in several."""
    try:
        next(csv.reader(taken, delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    return False


class _TooLong(Exception):
    """A record passed the limit."""


@dataclass
class _Lines:
    """Feeds the csv reader, remembers the lines of the present record, and can take all but the first back."""

    text: io.TextIOWrapper
    line: int = 1  # where the present record starts
    taken: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)  # given back, in reverse order
    ended_inside: bool = False
    size: int = 0

    @property
    def first(self) -> str:
        return self.taken[0] if self.taken else ""

    def begin(self) -> None:
        self.line += len(self.taken)
        self.taken, self.size = [], 0

    def plain(self, delimiter: str) -> list[list[str]]:
        """The values of the next lines where each is a record of its own, which costs a fraction; else nothing.

        Only quotes make a record go on in the next line, and then there are fewer records than lines.
        """
        if self.waiting:
            return []
        block = list(islice(iter(lambda: self.text.readline(MAX_RECORD), ""), BLOCK))
        last = block.pop() if block and '"' in block[-1] else ""  # whether it goes on is not known
        try:
            rows = list(csv.reader(block, delimiter=delimiter))
        except csv.Error:
            rows = []
        if len(rows) != len(block) or any(len(line) >= MAX_RECORD for line in block):
            rows, self.waiting = [], block[::-1]
        if last:
            self.waiting.insert(0, last)
        return rows

    def keep_first_line(self) -> None:
        self.waiting += reversed(self.taken[1:])
        del self.taken[1:]
        self.ended_inside = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._line()
        if not line:
            self.ended_inside = bool(self.taken)  # asked for more inside a record: it is in quotes
            raise StopIteration
        self.taken.append(line)
        self.size += len(line)
        if len(line) == MAX_RECORD and not line.endswith(("\n", "\r")):
            self._skip_rest_of_line()
            raise _TooLong(f"This line is longer than {MAX_RECORD:,} characters.")
        if self.size > MAX_RECORD:
            raise _TooLong(f"This record is longer than {MAX_RECORD:,} characters.")
        return line

    def _skip_rest_of_line(self) -> None:
        while (rest := self._line()) and not rest.endswith(("\n", "\r")):
            pass

    def _line(self) -> str:
        return self.waiting.pop() if self.waiting else self.text.readline(MAX_RECORD)


class _Joined(io.RawIOBase):
    """What was read as a sample, then the rest of the source. Closing it leaves the source open."""

    def __init__(self, sample: bytes, source: Readable) -> None:
        self._sample = sample
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        chunk = self._sample[: len(buffer)] or self._source.read(len(buffer))
        self._sample = self._sample[len(chunk) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _read(source: Readable, size: int) -> bytes:
    """A pipe gives less than it was asked for; read on until the sample is full or the source ends."""
    sample = b""
    while len(sample) < size and (chunk := source.read(size - len(sample))):
        sample += chunk
    return sample


def _encoding(sample: bytes) -> str:
    for mark, name in BOMS.items():
        if sample.startswith(mark):
            return name
    even, odd = sample[0:2000:2], sample[1:2000:2]
    if odd.count(0) > len(odd) * 0.4 and not even.count(0):
        return "utf-16-le"
    if even.count(0) > len(even) * 0.4 and not odd.count(0):
        return "utf-16-be"
    if sample.count(0) > len(sample) * 0.1:
        raise UnreadableSource("This is not a text file.")
    return "utf-8-sig"


def _delimiter(start: str, *, complete: bool) -> str:
    """The one that cuts the first records into the same number of values, most of them, the more the better."""
    lines = start.splitlines(keepends=True)
    if lines and (named := SEPARATOR_LINE.match(lines[0])) and named[1] in DELIMITERS:
        return named[1]
    head = lines[:20] if complete or len(lines) == 1 else lines[:-1][:20]

    def score(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(values) for values in csv.reader(head, delimiter=delimiter) if values]
        except csv.Error:
            return 0, 0
        width = max(set(widths), key=lambda one: (one > 1, widths.count(one), one), default=1)  # titles are narrower
        return (widths.count(width), width) if width > 1 else (0, 0)

    return max(DELIMITERS, key=score)


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Decodes just the bytes that are no UTF-8: one stray name spoils nothing, and no file is read twice."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("windows_1252", _windows_1252)
