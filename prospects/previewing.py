"""What an import would do, seen before it does it: the real merge of the first rows, taken back."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction

from prospects.importing_columns import LABELS, in_words, read_header
from prospects.importing_merging import FILLED, Incoming, Merged, merge
from prospects.importing_reading import records
from prospects.importing_rows import Rejected, Rows
from prospects.models import ImportBatch, Prospect, Suppression
from prospects.uploading import StoredFile

ROWS = 100
COMPARED = (*FILLED, "time_zone", "tags", "custom")

People = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the sheet: `effect` is added, changed, same or left_out; `words` say which fields, or why not."""

    line: int
    who: str
    address: str
    effect: str
    words: tuple[str, ...] = ()
    is_suppressed: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows in the order of the sheet, how many of them have which effect, and whether there are more."""

    lines: list[Line]
    totals: dict[str, int]
    suppressed: int
    has_more: bool

    @property
    def kept(self) -> int:
        """How many of these rows are people who will be here."""
        return len(self.lines) - self.totals["left_out"]


def preview(*, batch: ImportBatch, size: int = ROWS) -> Preview:
    """Does what the import would do to the first rows, looks at the people before and after, and takes it all back.

    Nothing is stored. The batch's columns are chosen.
    """
    found = records(StoredFile(batch))
    columns = read_header(next(found).values, batch.mapping)
    rows = Rows(columns, source=batch.options["source"], tags=batch.options["tags"], tag_known=True)
    good, bad = rows.sort(list(islice(found, size)))
    has_more = next(found, None) is not None
    with transaction.atomic():
        before = _people(good)
        merged = merge(good)
        after = _people(good)
        transaction.set_rollback(True)
    suppressed = _suppressed(good)
    lines = [_good(row, merged, before, after, suppressed) for row in good] + [_bad(row, batch) for row in bad]
    lines.sort(key=lambda line: line.line)
    totals = Counter(line.effect for line in lines)
    return Preview(
        lines=lines,
        totals={effect: totals[effect] for effect in ("added", "changed", "same", "left_out")},
        suppressed=sum(line.is_suppressed for line in lines),
        has_more=has_more,
    )


def _people(rows: Collection[Incoming]) -> People:
    known = Prospect.objects.filter(identity_key__in=[row.identity_key for row in rows])
    return {str(values["identity_key"]): values for values in known.values("identity_key", *COMPARED)}


def _good(row: Incoming, merged: Merged, before: People, after: People, suppressed: frozenset[str]) -> Line:
    person = after[row.identity_key]
    who = " ".join(part for part in (person["first_name"], person["last_name"]) if part) or person["company"]
    effect = "same"
    words: tuple[str, ...] = ()
    if row.identity_key in merged.added:
        effect, words = "added", _filled(person)
    elif row.identity_key in merged.changed:
        effect, words = "changed", _learned(row, before[row.identity_key], person)
    return Line(row.line, who, row.email, effect, words, not suppressed.isdisjoint(row.contact_keys))


def _filled(person: dict[str, Any]) -> tuple[str, ...]:
    """What is known about somebody new besides the address."""
    return tuple(_label(name) for name in COMPARED if name != "tags" and person[name])


def _learned(row: Incoming, before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    words = [f"{_label(name)}: {after[name]}" for name in FILLED if before[name] != after[name]]
    if before["time_zone"] != after["time_zone"]:
        words.append(f"{_label('time_zone')}: {after['time_zone']}")
    if not set(row.tags) <= set(before["tags"]):  # of its own: not the one that everybody gets
        words.append(_label("tags"))
    if before["custom"] != after["custom"]:
        words.append(_label("custom"))
    return tuple(words)


def _label(name: str) -> str:
    return "Own fields" if name == "custom" else LABELS[name]


def _bad(row: Rejected, batch: ImportBatch) -> Line:
    column = next((header for header, target in batch.mapping.items() if target == "email"), "")
    return Line(row.line, "", row.values.get(column, ""), "left_out", (in_words(row.reason),))


def _suppressed(rows: Collection[Incoming]) -> frozenset[str]:
    """Those of the people's keys that are on the list of suppressions."""
    keys = {key for row in rows for key in row.contact_keys}
    return frozenset(Suppression.objects.filter(key__in=keys).values_list("key", flat=True))
