"""Who stood in a file before, and where: exact to 64 bits of the person's keyed hash, in 32 bytes a person.

A dictionary of a million people takes 200 MB. This table has no object per person, and its content can be kept in
pieces beside the batch, so that a run which was cut off need not read again what it had read.
"""

from array import array
from collections.abc import Iterable

from prospects.models import ImportBatch, ImportChunk

SMALLEST = 1 << 12
MARKS = 1_000_000  # pieces of the file itself have lower numbers


class Seen:
    """An open-addressing table: key to line and sheet. A key of 0 is a free slot."""

    def __init__(self) -> None:
        self._keys = array("Q", bytes(8 * SMALLEST))
        self._places = array("Q", bytes(8 * SMALLEST))
        self._mask = SMALLEST - 1
        self._count = 0
        self._fresh = array("Q")

    def __len__(self) -> int:
        return self._count

    def first(self, identity_key: str, line: int, sheet: int = 0) -> tuple[int, int] | None:
        """Sheet and line of the person's first row, or None when this is the first."""
        key = int(identity_key[:16], 16) or 1
        keys, mask = self._keys, self._mask
        slot = key & mask
        while found := keys[slot]:
            if found == key:
                place = self._places[slot]
                return (place >> 32, place & 0xFFFFFFFF)
            slot = (slot + 1) & mask
        place = sheet << 32 | line
        keys[slot], self._places[slot] = key, place
        self._fresh.append(key)
        self._fresh.append(place)
        self._count += 1
        if self._count * 2 > mask:
            self._grow()
        return None

    def fresh(self) -> bytes:
        """What came in since this was asked last, for `keep`."""
        found, self._fresh = self._fresh.tobytes(), array("Q")
        return found

    def _grow(self) -> None:
        old = zip(self._keys, self._places, strict=True)
        size = 2 * (self._mask + 1)
        self._keys, self._places, self._mask = array("Q", bytes(8 * size)), array("Q", bytes(8 * size)), size - 1
        self._fill((key, place) for key, place in old if key)

    def _fill(self, pairs: Iterable[tuple[int, int]]) -> None:
        keys, places, mask = self._keys, self._places, self._mask
        for key, place in pairs:
            slot = key & mask
            while keys[slot]:
                slot = (slot + 1) & mask
            keys[slot], places[slot] = key, place

    def add(self, piece: bytes) -> None:
        """Puts back what `fresh` gave."""
        pairs = array("Q")
        pairs.frombytes(piece)
        self._count += len(pairs) // 2
        while self._count * 2 > self._mask:
            self._grow()
        self._fill(zip(pairs[::2], pairs[1::2], strict=True))


def keep(*, batch_id: int, records_done: int, piece: bytes) -> None:
    """Stores who came in with a chunk, in the chunk's transaction."""
    ImportChunk.objects.create(batch_id=batch_id, number=MARKS + records_done, data=piece)


def restored(batch: ImportBatch) -> Seen:
    """Who stood in the part of the file that is done."""
    seen = Seen()
    marks = ImportChunk.objects.filter(batch=batch, number__gte=MARKS).order_by("number")
    for piece in marks.values_list("data", flat=True).iterator(chunk_size=8):
        seen.add(bytes(piece))
    return seen
