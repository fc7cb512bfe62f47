"""What a sheet's columns mean, and what one of its rows says by that."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from outreach.lib.spreadsheets import plain
from prospects import reading
from prospects.cleaning import CLEANERS, CUSTOM_NAME
from prospects.importing.names import BRINGS, FIELD_OF, LABELS, OUR_EXPORT, OUR_OWN, REPEATABLE
from prospects.importing.records import MAX_COLUMNS

FIELDS = (*(field for field in CLEANERS if field != "custom"), "full_name")
IGNORED = ""
CUSTOM = "custom."
DATES = frozenset({"contacted_elsewhere_at", "notice_date"})
EMPTIED = frozenset({"website", "x_handle", "linkedin_url", "country", "time_zone", "language", "stage", "owner"})
NO_NAMES = frozenset({"", "inc", "ltd", "llc", "gmbh", "ag", "sa", "bv", "phd", "md", "jr", "sr", "mba", "esq"})
NAMED = re.compile(rf"(^|; )({'|'.join(LABELS)}|custom): ")


class UnreadableHeader(Exception):
    """The first line does not name a column that brings somebody, or the mapping does not fit it; a sentence."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The header's names, and what each column means: a field, "custom.<name>", or "" for one that is left out.

    `reads` tells for each column how its cells are written: "day" or "month" (what a date begins with), "number",
    "comma" (a number with a decimal comma), "boolean", or "" for text. Empty, all are text.
    """

    headers: tuple[str, ...]
    targets: tuple[str, ...]
    reads: tuple[str, ...] = ()

    def mapping(self) -> dict[str, str]:
        """What was read from where, for the record."""
        return dict(zip(self.headers, self.targets, strict=True))

    def values(self, row: Sequence[str]) -> dict[str, object]:
        """One row's values by field; custom ones together under `custom`. A short row lacks its last values."""
        values: dict[str, Any] = {}
        custom: dict[str, object] = {}
        reads = self.reads or ("",) * len(self.targets)
        for target, how, cell in zip(self.targets, reads, row, strict=False):
            if not target:
                continue
            value = plain(cell) if cell[:1] == "'" else cell
            if target.startswith(CUSTOM):
                custom[target.removeprefix(CUSTOM)] = _typed(value, how) if how else value
            else:
                _put(values, target, value, how)
        if custom:
            values["custom"] = custom
        return _with_stop(_with_name_split(values))

    def named(self, row: Sequence[str]) -> dict[str, str]:
        """One row by the header's names, for people's eyes; values that have no column are numbered."""
        names = [*self.headers, *(f"value {number}" for number in range(len(self.headers) + 1, len(row) + 1))]
        return {name: plain(cell) for name, cell in zip(names, row, strict=False)}


def read_header(cells: Sequence[str], mapping: Mapping[str, str] | None = None) -> Columns:
    """Tells what each column means by its name; `mapping` (column to field) has the last word.

    Raises UnreadableHeader.
    """
    columns = suggested(cells, mapping)
    if BRINGS.isdisjoint(columns.targets):
        raise UnreadableHeader(brings_nobody(cells))
    return columns


def suggested(cells: Sequence[str], mapping: Mapping[str, str] | None = None) -> Columns:
    """`read_header` for somebody who is still asked: no column may bring anybody yet, but there must be names.

    Raises UnreadableHeader.
    """
    headers = names_of(cells)
    chosen = chosen_by(headers, mapping or {})
    taken = set(chosen.values())
    targets: list[str] = []
    for header in headers:
        target = chosen[header] if header in chosen else target_of(header, headers, taken)
        taken.add(target)
        targets.append(target)
    if "email" not in targets and any("@" in cell for cell in cells):
        raise UnreadableHeader(brings_nobody(cells))
    return Columns(headers, tuple(targets))


def names_of(cells: Sequence[str]) -> tuple[str, ...]:
    """The columns' names; those of one name are told apart by a number, so that none hides another.

    Raises UnreadableHeader when there are too many.
    """
    if len(cells) > MAX_COLUMNS:
        raise UnreadableHeader(f"This file has {len(cells):,} columns; at most {MAX_COLUMNS} are read.")
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = " ".join(plain(cell).replace("\0", "").split())[:200] or f"column {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return tuple(names)


def target_of(header: str, headers: Sequence[str], taken: set[str]) -> str:
    """What a column means by its name alone; what no field is called becomes a field of its own."""
    if is_ours(header, headers):
        return IGNORED
    if is_own_field(header):
        return header if header not in taken else IGNORED
    name = snake(header)
    field = FIELD_OF.get(name)
    if field and (field not in taken or field in REPEATABLE):
        return field
    if field == "email":
        return "other_emails"
    custom = f"{CUSTOM}{name}"
    return custom if name and custom not in taken else IGNORED


def is_ours(header: str, headers: Sequence[str]) -> bool:
    """Whether a column is of a file that we made and says nothing new."""
    if OUR_OWN[-1] in headers and header in OUR_OWN:
        return True
    return OUR_EXPORT[-1] in headers and OUR_EXPORT[1] in headers and header.startswith((*OUR_EXPORT, "Stage in "))


def is_own_field(header: str) -> bool:
    """Whether a column says itself which field of one's own it is, as in our exports: custom.<name>."""
    return header.startswith(CUSTOM) and CUSTOM_NAME.fullmatch(header.removeprefix(CUSTOM)) is not None


def chosen_by(headers: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """A mapping somebody said, by the names as they stand in the sheet. Raises UnreadableHeader."""
    by_name = {header.casefold(): header for header in reversed(headers)}
    chosen: dict[str, str] = {}
    for column, field in mapping.items():
        header = column if column in headers else by_name.get(column.strip().casefold())
        if header is None:
            raise UnreadableHeader(f"There is no column {column!r} in the file; there is: {_listed(headers)}.")
        if not is_target(field):
            raise UnreadableHeader(no_such(field))
        if field and field not in REPEATABLE and field in chosen.values():
            raise UnreadableHeader(f"Two columns are mapped to {field!r}.")
        chosen[header] = field
    return chosen


def is_target(field: str) -> bool:
    """Whether a column can mean this: a field, "custom.<name>", or "" for one that is left out."""
    if field.startswith(CUSTOM):
        return CUSTOM_NAME.fullmatch(field.removeprefix(CUSTOM)) is not None
    return field in FIELDS or field == IGNORED


def no_such(field: str) -> str:
    """Says that no column can mean this, and what one can."""
    return f"There is no field {field!r}; there is: {', '.join(FIELDS)}, custom.<name>."


def own_names(headers: Sequence[str]) -> list[str]:
    """For each column the field of its own that it may become, "custom.<name>"; no two are the same."""
    names: list[str] = []
    for number, header in enumerate(headers, start=1):
        name = f"{CUSTOM}{snake(header) or f'column_{number}'}"
        names.append(name if name not in names else f"{name[:50]}_{number}")
    return names


def in_words(reason: str) -> str:
    """Why a row was left out, with the fields by the names that people know."""
    return NAMED.sub(lambda found: f"{found[1]}{LABELS.get(found[2], 'Own field')}: ", reason)


def snake(header: str) -> str:
    """A header as the name of a field: "E-mail Address" is e_mail_address."""
    name = re.sub(r"\W+", "_", header.strip().lower()).strip("_")[:50].rstrip("_")
    return name if not name or CUSTOM_NAME.fullmatch(name) else f"column_{name}"[:50]


def brings_nobody(cells: Sequence[str]) -> str:
    """Why nobody can be brought in by these columns."""
    sentence = f"No email column found: the first line says {_listed(cells)}."
    if any("@" in cell for cell in cells):
        return f"{sentence} It looks like a person; the first line must name the columns."
    return f"{sentence} Call the column Email, or say which one it is."


def _listed(cells: Sequence[str]) -> str:
    shown = ", ".join(repr(cell.strip()[:40]) for cell in cells[:10])
    return shown + (" …" if len(cells) > 10 else "")


def _put(values: dict[str, Any], target: str, cell: str, how: str) -> None:
    """One cell into the row's values; several columns of one meaning are joined."""
    if target == "email":
        if named := reading.NAMED_ADDRESS.fullmatch(cell.strip()):
            values.setdefault("full_name", named[1])
        first, *others = reading.addresses(cell) or [""]
        values["email"] = first
        if others:
            values["other_emails"] = [*others, *values.get("other_emails", ())]
    elif target == "other_emails":
        values[target] = [*values.get(target, ()), *reading.addresses(cell)]
    elif target in DATES:
        values[target] = _as_moment(reading.filled(cell), how)
    elif target in REPEATABLE and values.get(target):
        values[target] = f"{values[target]}\n{cell}" if target == "note" else _joined(values[target], cell, target)
    else:
        values[target] = reading.filled(cell) if target in EMPTIED else cell


def _joined(said: str, cell: str, target: str) -> str:
    if target == "tags":
        return f"{said},{cell}"
    return said if reading.is_yes(said) else cell


def _as_moment(cell: str, how: str) -> str:
    """As ISO 8601; what is no date is left to whoever checks it."""
    try:
        return reading.moment(cell, order=how or reading.DAY_FIRST).isoformat() if cell else ""
    except reading.Unclear:
        return cell


def _typed(cell: str, how: str) -> object:
    """A value of its kind, "" when there is none, or the reason why it can't be."""
    cell = reading.filled(cell)
    if not cell:
        return ""
    try:
        if how == "boolean":
            return reading.boolean(cell)
        if how in (reading.DAY_FIRST, reading.MONTH_FIRST):
            return reading.moment(cell, order=how).date().isoformat()
        return reading.number(cell, comma=how == "comma")
    except reading.Unclear as unclear:
        return unclear


def _with_stop(values: dict[str, Any]) -> dict[str, Any]:
    """A stage that says "unsubscribed" is no stage but a stop, whatever else the row says."""
    said = str(values.get("stage", ""))
    if said and reading.word(said) in reading.STOPPED:
        values["stage"], values["do_not_contact"] = "declined", "yes"
    return values


def _with_name_split(values: dict[str, Any]) -> dict[str, Any]:
    """A full name becomes first and last name where those have no column or no value of their own."""
    whole = str(values.pop("full_name", "")).strip()
    if whole and not values.get("first_name") and not values.get("last_name"):
        last, comma, first = whole.partition(",")  # Smith, Anna
        if not comma or " " in last or " " in first.strip() or first.strip(" .").lower() in NO_NAMES:
            first, _, last = whole.partition(" ")
        values["first_name"], values["last_name"] = first.strip(), last.strip()
    return values
