"""The rows that an import left out, as a sheet to correct and bring in again."""

import csv
from collections.abc import Iterator

from outreach.lib.spreadsheets import BOM, safe
from prospects.importing.columns import in_words
from prospects.importing.names import OUR_OWN
from prospects.models import ImportBatch, ImportRow

LINE, SHEET, WHY = OUR_OWN


class _Echo:
    """Gives back what a csv writer writes."""

    def write(self, line: str) -> str:
        return line


def first(*, batch: ImportBatch, size: int) -> list[tuple[str, int, str]]:
    """The first left-out rows: their sheets, lines and why."""
    rows = ImportRow.objects.filter(batch=batch).order_by("id").values_list("sheet", "line", "reason")[:size]
    return [(sheet, line, in_words(reason)) for sheet, line, reason in rows]


def sheet(*, batch: ImportBatch) -> Iterator[str]:
    """The left-out rows as lines of CSV, with a byte order mark for Excel; no cell is taken for a formula.

    Of a workbook, the columns of all its sheets.
    """
    writer = csv.writer(_Echo())
    headers = batch.options.get("headers") or list(batch.mapping)
    has_sheets = any(isinstance(part, dict) for part in batch.mapping.values())
    yield BOM + writer.writerow([LINE, *([SHEET] if has_sheets else []), WHY, *map(safe, headers)])
    for row in ImportRow.objects.filter(batch=batch).order_by("id").iterator(chunk_size=1_000):
        where = [str(row.line), *([safe(row.sheet)] if has_sheets else [])]
        values = (str(row.values.get(header, "")) for header in headers)
        yield writer.writerow([*where, safe(in_words(row.reason)), *map(safe, values)])
