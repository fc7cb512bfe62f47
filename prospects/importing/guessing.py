"""What a sheet's columns seem to mean, told from their names and from what stands below them. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from prospects import reading
from prospects.importing.columns import (
    CUSTOM,
    DATES,
    IGNORED,
    Columns,
    UnreadableHeader,
    brings_nobody,
    chosen_by,
    is_ours,
    is_own_field,
    names_of,
    own_names,
    snake,
    target_of,
)
from prospects.importing.names import FIELD_OF

TITLES = 20  # rows in which the line of column names is looked for
MOST = 0.6  # of the values
TEXTS = frozenset("zip postal plz postcode code phone tel telephone mobile fax id number nr no year".split())  # noqa: SIM905
PAGES = {
    "linkedin_url": re.compile(r"\blinkedin\.com/", re.IGNORECASE),
    "x_handle": re.compile(r"\b(?:twitter|x)\.com/", re.IGNORECASE),
}
HANDLE = re.compile(r"@?(?=.*[A-Za-z])\w{1,20}")
TOLD_BY_VALUES = frozenset(
    {"email", "other_emails", "contacted_elsewhere_at", "notice_date", "owner", "stage", "do_not_contact", "x_handle"}
)  # what such a column is called is not enough: "Status" and "Contact" mean many things


@dataclass(frozen=True, slots=True)
class Known:
    """What is known here and makes a guess better: who can be an owner, and what fields of one's own hold."""

    is_owner: Callable[[str], bool] = lambda text: False
    kinds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guess:
    """The columns, and whether a date among them could be read the other way round."""

    columns: Columns
    order: str
    is_doubtful: bool


def header_place(rows: Sequence[Sequence[str]]) -> int:
    """Which of the first rows names the columns: the one with most names we know, else the first of full width."""
    best, place = 0, 0
    widths = [sum(bool(cell.strip()) for cell in row) for row in rows]
    usual = max(widths, default=0)
    people = (number for number, row in enumerate(rows) if any(reading.ADDRESS.search(cell) for cell in row))
    last = min(next(people, TITLES), TITLES)  # the names stand above the first person
    for number, row in enumerate(rows[:last]):
        known = len({FIELD_OF[name] for cell in row if (name := snake(cell)) in FIELD_OF})
        if widths[number] >= min(2, usual) and known > best:
            best, place = known, number
    if best:
        return place
    return next((number for number, width in enumerate(widths[:last]) if width * 2 > usual), 0)


def is_person(cells: Sequence[str]) -> bool:
    """Whether a first line is somebody already: a cell is an address and nothing else, and none is a name we know."""
    if any(snake(cell) in FIELD_OF for cell in cells):
        return False
    return any(
        reading.ADDRESS.fullmatch(cell.strip()) or reading.NAMED_ADDRESS.fullmatch(cell.strip()) for cell in cells
    )


def made_up(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names for the columns of a sheet that has none: the one with most addresses is Email, the others are ""."""
    width = max(map(len, rows))
    counts = [sum(bool(reading.ADDRESS.search(cell)) for cell in _values(rows, place)) for place in range(width)]
    return ["Email" if place == counts.index(max(counts)) else "" for place in range(width)]


def guess(
    cells: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    mapping: Mapping[str, str] | None = None,
    known: Known | None = None,
    order: str = "",
) -> Guess:
    """What each column means. `mapping` (column to field) has the last word; `order` says how dates are written.

    Raises UnreadableHeader for a mapping that does not fit, and when the first line is a person.
    """
    known = known or Known()
    headers = names_of(cells)
    columns = [_values(rows, index) for index in range(len(headers))]
    chosen = chosen_by(headers, mapping or {})
    if mapping is None and any(reading.ADDRESS.search(cell) for cell in cells):
        raise UnreadableHeader(brings_nobody(cells))
    targets = _targets(headers, columns, chosen, known)
    dates = [value for target, values in zip(targets, columns, strict=True) if target in DATES for value in values]
    for header, target, values in zip(headers, targets, columns, strict=True):
        if target.startswith(CUSTOM) and kind_of(header, values) == "date":
            dates += values
    told, is_doubtful = reading.order_of(dates)
    order = order or told
    reads = tuple(
        read_as(target, values, kinds=known.kinds, order=order) for target, values in zip(targets, columns, strict=True)
    )
    return Guess(Columns(headers, tuple(targets), reads), order, is_doubtful)


def kind_of(header: str, values: Sequence[str]) -> str:
    """What a field of one's own seems to hold (`CustomField.Kind`): anything but text only where every value fits."""
    said = [value for value in values if reading.filled(value)]
    if not said:
        return "text"
    if all(value.casefold() in reading.YES | reading.NO for value in said) and not all(v in "01" for v in said):
        return "boolean"
    if not TEXTS.isdisjoint(snake(header).split("_")):
        return "text"
    if all(reading.NUMERIC.fullmatch(value) and not _is_code(value) for value in said):
        return "number"
    if all(reading.is_date(value) for value in said):
        return "date"
    return "text"


def read_as(target: str, values: Sequence[str], *, kinds: Mapping[str, str], order: str) -> str:
    """How a column's cells are read: `Columns.reads`."""
    if target in DATES:
        return order
    kind = kinds.get(target.removeprefix(CUSTOM), "text") if target.startswith(CUSTOM) else "text"
    if kind == "number":
        return "comma" if reading.has_decimal_comma(values) else "number"
    return {"date": order, "boolean": "boolean"}.get(kind, "")


def _targets(
    headers: Sequence[str], columns: Sequence[Sequence[str]], chosen: Mapping[str, str], known: Known
) -> list[str]:
    """First what was said, then what the values bear out, then the rest: a field of its own."""
    taken = set(chosen.values())
    owns = own_names(headers)
    targets: list[str | None] = [chosen.get(header) for header in headers]
    if "email" not in taken and (place := _addresses(headers, columns, chosen)) is not None:
        targets[place] = "email"
        taken.add("email")
    for place, (header, values) in enumerate(zip(headers, columns, strict=True)):
        if targets[place] is None:
            targets[place] = _target(header, headers, values, taken, known, owns[place])
            taken.add(targets[place] or "")
    return [target or IGNORED for target in targets]


def _addresses(headers: Sequence[str], columns: Sequence[Sequence[str]], chosen: Mapping[str, str]) -> int | None:
    """The column of addresses: one that is called so and holds some, else the one that holds most."""
    free = [place for place, header in enumerate(headers) if header not in chosen]
    called = [place for place in free if FIELD_OF.get(snake(headers[place])) == "email"]
    holding = [place for place in free if _share(columns[place], reading.ADDRESS.search) >= MOST]
    for place in called:
        if place in holding or not columns[place]:
            return place
    if holding:
        others = [place for place in holding if FIELD_OF.get(snake(headers[place])) != "other_emails"]
        return max(others or holding, key=lambda place: len(columns[place]))
    return called[0] if called else None


def _target(header: str, headers: Sequence[str], values: Sequence[str], taken: set[str], known: Known, own: str) -> str:
    by_name = target_of(header, headers, taken)
    if is_ours(header, headers) or is_own_field(header):
        return by_name
    if values and _share(values, reading.ADDRESS.search) >= MOST:
        return "other_emails"
    by_values = _by_values(values)
    if by_values and by_values not in taken and by_name in {own, "website", "x_handle", "linkedin_url"}:
        return by_values
    if by_name in TOLD_BY_VALUES and values and not _bears_out(by_name, values, known):
        return own if own not in taken else IGNORED
    if by_name == "linkedin_url" and snake(header) == "profile_url":
        return own
    return by_name


def _by_values(values: Sequence[str]) -> str:
    """A field that only pages of one place can be in."""
    return next((target for target, page in PAGES.items() if _share(values, page.search) >= MOST), "")


def _bears_out(target: str, values: Sequence[str], known: Known) -> bool:
    """Whether what stands in a column fits what it is called."""
    said = [value for value in values if reading.filled(value)]
    tests: dict[str, Callable[[str], object]] = {
        "owner": known.is_owner,
        "stage": lambda value: reading.word(value) in reading.STAGE_OF or reading.word(value) in reading.STOPPED,
        "contacted_elsewhere_at": reading.is_date,
        "notice_date": reading.is_date,
        "do_not_contact": lambda value: len(value) <= 60,
        "email": lambda value: False,  # the address column is found already
        "other_emails": reading.ADDRESS.search,
        "x_handle": lambda value: HANDLE.fullmatch(value) or PAGES["x_handle"].search(value),
    }
    return not said or _share(said, tests[target]) >= MOST


def _share(values: Sequence[str], test: Callable[[str], object]) -> float:
    said = [value for value in values if reading.filled(value)]
    return sum(bool(test(value)) for value in said) / len(said) if said else 0.0


def _values(rows: Sequence[Sequence[str]], index: int) -> list[str]:
    cells = (row[index].strip() for row in rows if len(row) > index)
    return [cell for cell in cells if cell]


def _is_code(value: str) -> bool:
    """Digits that are no amount: a leading zero, a plus, or more of them than anybody counts to."""
    digits = value.lstrip("+-")
    return value.startswith("+") or (len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()) or len(digits) > 12
