"""What an import would do, seen before it does it: the real merge of the first rows, taken back."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from django.db import transaction

from prospects import identity
from prospects.importing.columns import in_words
from prospects.importing.merging import merge
from prospects.importing.names import LABELS
from prospects.importing.records import Record
from prospects.importing.rows import How, Incoming, Rejected, Rows, Sorted
from prospects.importing.sheets import Sheet, rows_of, sheets_of, stored
from prospects.models import Address, ImportBatch, Note, Prospect, Stage, Suppression
from prospects.stages import RANKS

ROWS = 100
LEAST = 10  # rows of each sheet
COMPARED = (
    *("email", "first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url", "country"),
    *("time_zone", "language", "kind", "source", "legal_basis", "notice_date", "contacted_elsewhere_at", "tags"),
)
SELF_EVIDENT = frozenset({"email", "kind", "source"})  # of somebody new: stands beside, or is the same for everybody
FEW = 3  # fields of one's own
MOST_SHOWN = 80  # characters of a value
STOPPED = "Nobody writes to them from now on"

People = dict[Any, dict[str, Any]]  # by the key of a row, or of a person


@dataclass(frozen=True, slots=True)
class Line:
    """One row: `effect` is added, changed, same, researched or left_out; `words` say what gets what, or why not.

    The last `own` of the words are about fields of one's own. `is_stop` when the row itself says "do not contact".
    """

    line: int
    who: str
    address: str
    effect: str
    words: tuple[str, ...] = ()
    is_suppressed: bool = False
    sheet: str = ""
    person: int | None = None  # who it is, while the preview lasts
    own: int = 0
    is_stop: bool = False

    @property
    def shown(self) -> tuple[str, ...]:
        """The words that are read first: all, but for fields of one's own when they are many."""
        return self.words if self.own <= FEW else self.words[: -self.own]

    @property
    def folded(self) -> tuple[str, ...]:
        """The others."""
        return self.words[len(self.shown) :]


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows in the order of the sheets, how many of them have which effect, and whether there are more.

    `stopped` rows say "do not contact"; `suppressed` are those and the ones of people who were suppressed before.
    """

    lines: list[Line]
    totals: dict[str, int]
    suppressed: int
    has_more: bool
    left_sheets: tuple[str, ...] = ()
    stopped: int = 0

    @property
    def suppressed_before(self) -> int:
        """How many rows are of people on the suppression list, though the sheet does not say so."""
        return self.suppressed - self.stopped

    @property
    def kept(self) -> int:
        """How many of these rows are people who will be here."""
        return len({line.person for line in self.lines} - {None})

    @property
    def has_sheets(self) -> bool:
        """Whether rows of several sheets are shown."""
        return len({line.sheet for line in self.lines}) > 1


def preview(*, batch: ImportBatch, size: int = ROWS) -> Preview:
    """Does what the import would do to the first rows, looks at the people before and after, and takes it all back.

    Nothing is stored. The batch's columns are chosen.
    """
    sheets = sheets_of(batch)
    each = size if len(sheets) == 1 else max(LEAST, size // max(len(sheets), 1))
    lines: list[Line] = []
    has_more = False
    forgotten = frozenset(Suppression.objects.filter(reason=Suppression.Reason.ERASED).values_list("key", flat=True))
    with transaction.atomic():
        for sheet in sheets:
            found = rows_of(batch, sheet)
            lines += _lines(batch, sheet, list(islice(found, each)), forgotten)
            has_more = has_more or next(found, None) is not None
        transaction.set_rollback(True)
    totals = Counter(line.effect for line in lines)
    left = tuple(sheet.name for sheet in stored(batch) if not sheet.use)
    return Preview(
        lines=lines,
        totals={effect: totals[effect] for effect in ("added", "changed", "same", "researched", "left_out")},
        suppressed=sum(line.is_suppressed for line in lines),
        has_more=has_more,
        left_sheets=left,
        stopped=sum(line.is_stop for line in lines),
    )


def _lines(batch: ImportBatch, sheet: Sheet, found: Sequence[Record], forgotten: frozenset[str]) -> list[Line]:
    """What these rows do, done; in their order."""
    how = How.of(batch)
    rows = Rows(sheet.columns, how, sheet=sheet.name, sheet_number=sheet.number, forgotten=forgotten)
    done = [(record, rows.sort([record])) for record in found]
    good = [row for _, said in done for row in said.good]
    before = _people(batch, good)
    merged = merge(good, how)
    after = _people(batch, good)
    return [_line(sheet, record, said, merged.added, before, after) for record, said in done]


def _line(sheet: Sheet, record: Record, said: Sorted, added: Collection[str], before: People, after: People) -> Line:
    for row in said.good:
        if row.identity_key not in after:  # a further address made it the person of another row
            return Line(record.line, "", row.email, "left_out", ("This is the same person as another row.",))
        return _good(sheet, row, bool(said.stops), row.identity_key in added, before, after[row.identity_key])
    for bad in said.bad:
        return _bad(sheet, bad, record, is_stop=bool(said.stops))
    return Line(record.line, "", ", ".join(said.research), "researched", (), False, sheet.name)


def _people(batch: ImportBatch, rows: Iterable[Incoming]) -> People:
    """Everything an import may change about these rows' people, by the rows' keys; of those merged, the survivor's."""
    ids = _owners([row.identity_key for row in rows])
    found: People = {}
    for values in Prospect.objects.filter(pk__in=set(ids.values())).values(
        "id", *COMPARED, "custom", "contact_keys", "owner__username"
    ):
        found[values["id"]] = values
    _add(
        found,
        "addresses",
        Address.objects.filter(prospect__in=list(found)).order_by("id").values_list("prospect", "email"),
    )
    program = batch.options.get("program")
    stages = Stage.objects.filter(prospect__in=list(found), program=program).values_list("prospect", "name")
    _add(found, "stage", stages)
    _add(found, "note", Note.objects.filter(prospect__in=list(found)).order_by("id").values_list("prospect", "text"))
    keys = {key for values in found.values() for key in values["contact_keys"]}
    suppressed = frozenset(Suppression.objects.filter(key__in=keys).values_list("key", flat=True))
    for values in found.values():
        values["is_suppressed"] = not suppressed.isdisjoint(values["contact_keys"])
    return {key: found[id] for key, id in ids.items() if id in found}


def _owners(keys: Collection[str]) -> dict[str, Any]:
    """Whose key it is, as the first address or a further one."""
    people = Prospect.objects.filter(identity_key__in=keys).values_list("identity_key", "person", "id")
    further = Address.objects.filter(key__in=keys).values_list("key", "prospect__person", "prospect")
    return {str(key): survivor or id for key, survivor, id in [*further, *people]}


def _add(found: People, name: str, pairs: Iterable[tuple[Any, str]]) -> None:
    said: dict[Any, list[str]] = defaultdict(list)
    for person, text in pairs:
        said[person].append(text)
    for person, values in found.items():
        values[name] = said[person]


def _good(sheet: Sheet, row: Incoming, is_stop: bool, is_new: bool, before: People, person: dict[str, Any]) -> Line:
    old = before.get(row.identity_key, {})
    who = " ".join(part for part in (person["first_name"], person["last_name"]) if part) or person["company"]
    own = _own_changes(old.get("custom", {}), person["custom"])
    words = [*_changes(old, person), *_besides(row, old, person), *([STOPPED] if is_stop else []), *own]
    effect = "added" if is_new else "changed" if words else "same"
    is_suppressed = person["is_suppressed"] or is_stop
    address = row.email or person["email"]
    return Line(
        row.line, who, address, effect, tuple(words), is_suppressed, sheet.name, person["id"], len(own), is_stop
    )


def _besides(row: Incoming, old: dict[str, Any], person: dict[str, Any]) -> Iterator[str]:
    """What a row brings besides plain fields of the person."""
    if tags := [tag for tag in row.tags if tag not in old.get("tags", ())]:
        yield f"{LABELS['tags']}: {_short(', '.join(tags))}"
    known = {identity.address_key(email) for email in (person["email"], *person["addresses"]) if email}
    new = [email for email in row.others if identity.address_key(email) not in known]
    if new:
        yield f"{LABELS['other_emails']}: {_short(', '.join(new))}"
    stage = person["stage"][0] if person["stage"] else Stage.Name.IDENTIFIED
    if row.stage and RANKS[row.stage] > RANKS[stage]:
        yield f"{LABELS['stage']}: {_from_to(Stage.Name(stage).label, Stage.Name(row.stage).label)}"
    if row.note and row.note not in person["note"]:
        yield f"{LABELS['note']}: {_short(row.note)}"


def _changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Each field that gets something, with what was there and what will be."""
    words = []
    for name in COMPARED:
        if name == "tags" or new[name] == old.get(name, "") or not new[name] or (not old and name in SELF_EVIDENT):
            continue
        words.append(f"{LABELS[name]}: {_from_to(old.get(name), new[name])}")
    if new["owner__username"] and new["owner__username"] != old.get("owner__username"):
        words.append(f"{LABELS['owner']}: {_from_to(old.get('owner__username'), new['owner__username'])}")
    return words


def _own_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [
        f"{name.replace('_', ' ')}: {_from_to(old.get(name), value)}"
        for name, value in new.items()
        if old.get(name) != value
    ]


def _from_to(old: Any, new: Any) -> str:
    return f"{_short(old)} → {_short(new)}" if old not in (None, "") else _short(new)


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return f"{value.day} {value:%B %Y}"
    text = " ".join(str(value).split())
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def _bad(sheet: Sheet, row: Rejected, record: Record, *, is_stop: bool) -> Line:
    said = dict(zip(sheet.columns.targets, record.values, strict=False)) if row.values else {}
    address = next((said[name] for name in ("email", "website", "x_handle", "linkedin_url") if said.get(name)), "")
    words = (in_words(row.reason), *([STOPPED] if is_stop else []))
    return Line(row.line, "", _short(address), "left_out", words, is_stop, sheet.name, is_stop=is_stop)
