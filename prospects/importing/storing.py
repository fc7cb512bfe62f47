"""An uploaded file in pieces of the database, for web and worker may be different machines."""

from collections.abc import Iterable, Iterator
from itertools import count

from outreach.lib.errors import DomainError, Problem
from prospects.models import ImportBatch, ImportChunk

MOST_BYTES = 200_000_000
PIECE = 1_000_000  # bytes in one row


class UnreadableFile(DomainError):
    """The file as a whole can't be imported; the message is a sentence, and `batch` keeps it."""

    title = "The file can't be read"

    def __init__(self, message: str, *, batch: ImportBatch | None = None) -> None:
        super().__init__(message, [Problem("file", message)])
        self.batch = batch


class StoredFile:
    """What was stored from byte `begins` to byte `ends`, read from its pieces one after the other.

    `position` is the place in the whole file behind the last byte given out.
    """

    def __init__(self, batch: ImportBatch, *, begins: int = 0, ends: int | None = None) -> None:
        self._pieces = _pieces(batch, begins)
        self._rest = b""
        self._ends = ends
        self.position = begins

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        if self._ends is not None:
            size = min(size, self._ends - self.position)
        if size <= 0:
            return b""
        if not self._rest:
            self._rest = next(self._pieces, b"")
        given, self._rest = self._rest[:size], self._rest[size:]
        self.position += len(given)
        return given


def keep(*, batch: ImportBatch, pieces: Iterable[bytes]) -> int:
    """Stores bytes, however they are cut, and returns how many. Raises UnreadableFile when there are too many."""
    total, number, waiting = 0, 0, bytearray()
    for piece in pieces:
        waiting += piece
        total += len(piece)
        if total > MOST_BYTES:
            raise UnreadableFile(f"At most {MOST_BYTES // 1_000_000} MB are read at once; cut the sheet in two.")
        while len(waiting) >= PIECE:
            ImportChunk.objects.create(batch=batch, number=number, data=bytes(waiting[:PIECE]))
            del waiting[:PIECE]
            number += 1
    if waiting:
        ImportChunk.objects.create(batch=batch, number=number, data=bytes(waiting))
    return total


def _pieces(batch: ImportBatch, begins: int) -> Iterator[bytes]:
    """The pieces from that byte on. All but the last are of one size."""
    first = _piece(batch, 0)
    size = len(first or b"")
    start = begins // size if size else 0
    for number in count(start):
        piece = first if number == 0 else _piece(batch, number)
        if piece is None:
            return
        yield piece[begins - start * size :] if number == start else piece


def _piece(batch: ImportBatch, number: int) -> bytes | None:
    found = ImportChunk.objects.filter(batch=batch, number=number).values_list("data", flat=True).first()
    return None if found is None else bytes(found)
