"""The rows that an import left out, as a sheet to correct and bring in again."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from prospects.importing_columns import OUR_OWN, in_words
from prospects.models import ImportBatch, ImportRow

FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """Gives back what a csv writer writes."""

    def write(self, line: str) -> str:
        return line


def first(*, batch: ImportBatch, size: int) -> list[tuple[int, str]]:
    """The first left-out rows: their lines and why."""
    rows = ImportRow.objects.filter(batch=batch).order_by("line").values_list("line", "reason")[:size]
    return [(line, in_words(reason)) for line, reason in rows]


def sheet(*, batch: ImportBatch) -> Iterator[str]:
    """The left-out rows as lines of CSV, with a byte order mark for Excel; no cell is taken for a formula."""
    writer = csv.writer(_Echo())
    headers = batch.options.get("headers") or list(batch.mapping)
    yield "\ufeff" + writer.writerow(_plain([*OUR_OWN, *headers]))
    for row in ImportRow.objects.filter(batch=batch).order_by("line").iterator(chunk_size=1_000):
        yield writer.writerow(
            [row.line, *_plain([in_words(row.reason), *(row.values.get(header, "") for header in headers)])]
        )


def _plain(cells: Iterable[Any]) -> list[str]:
    """An apostrophe tells a spreadsheet that a text is a text."""
    return [f"'{cell}" if str(cell).startswith(FORMULA) else str(cell) for cell in cells]
