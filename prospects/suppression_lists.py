"""Lists of those who get no mail, as files: read whatever their columns are called, stored in sets, written again."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, BinaryIO, NamedTuple

from django.db import connection, transaction
from django.utils.dateparse import parse_date, parse_datetime

from accounts.models import User
from outreach.lib import spreadsheets
from outreach.lib.models import new_public_id
from prospects import reading, suppression
from prospects.identity import BadAddress, fold_linkedin
from prospects.importing import workbooks
from prospects.importing.records import UnreadableSource, records
from prospects.models import Suppression

HEADER = ("kind", "value", "hash", "reason", "source", "since", "by", "expires")
NAMES = {  # what others call the columns, letters only
    "address": "address email emailaddress mail mailaddress emailadresse adresse courriel adresseemail correo "
    "correoelectronico indirizzoemail recipient",
    "domain": "domain domains website site company companydomain host",
    "x": "x xhandle twitter twitterhandle handle",
    "linkedin": "linkedin linkedinurl linkedinpage linkedinprofile profile",
    "value": "value entry contact blocked blockedvalue suppressed name addressordomain",
    "kind": "kind type",
    "hash": "hash key code",
    "reason": "reason",
    "source": "source wherefrom note notes comment origin",
    "since": "since when date added addedat createdat created unsubscribedat",
    "expires": "expires expiresat until validuntil",
}
COLUMNS = {name: column for column, names in NAMES.items() for name in names.split()}
NAMED_IN = ("address", "domain", "x", "linkedin", "value")  # where whom it is about is looked for, in this order
CODE = re.compile(r"(address|x|linkedin):[0-9a-f]{64}")
REASONS = {str(name).lower(): reason for reason in Suppression.Reason for name in (reason.value, reason.label)}
STRONG = (*suppression.ASKED, Suppression.Reason.ERASED)  # never expires, and takes the place of what does
NEVER = datetime.max.replace(tzinfo=UTC)
ANOTHER = re.compile(r"[a-z]\.[a-z]", re.IGNORECASE)  # a domain, perhaps
X_LINK = re.compile(r"(https?://)?(www\.|mobile\.)?(x|twitter)\.com/\w", re.IGNORECASE)
PART = 20_000  # rows of the list that are read at once for its file
STORE = """
INSERT INTO prospects_suppression AS old
       (public_id, kind, key, value, reason, source, expires_at, created_by_id, created_at)
SELECT id, kind, key, value, reason, source, expires, %(by)s, coalesce(since, clock_timestamp())
  FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(keys)s::text[], %(values)s::text[], %(reasons)s::text[],
              %(sources)s::text[], %(expires)s::timestamptz[], %(since)s::timestamptz[])
       AS new(id, kind, key, value, reason, source, expires, since)
    ON CONFLICT (key) DO UPDATE SET
       reason = CASE WHEN excluded.reason = ANY(%(strong)s) THEN excluded.reason ELSE old.reason END,
       source = CASE WHEN excluded.reason = ANY(%(strong)s) THEN excluded.source ELSE old.source END,
       value = CASE WHEN excluded.reason = 'erased' THEN '' ELSE old.value END,
       expires_at = CASE WHEN excluded.reason = ANY(%(strong)s) THEN NULL ELSE excluded.expires_at END
 WHERE (excluded.reason = 'erased' AND old.reason <> 'erased')
    OR (excluded.reason = ANY(%(strong)s) AND NOT old.reason = ANY(%(strong)s))
    OR (old.expires_at IS NOT NULL AND (excluded.expires_at IS NULL OR excluded.expires_at > old.expires_at))
RETURNING kind, key, reason, expires_at, xmax = 0
"""


class Line(NamedTuple):
    """Somebody who gets no mail: `value` is "" where only the hash is known, `since` None where nobody said it."""

    number: int
    kind: str
    value: str
    key: str
    reason: str
    source: str
    expires_at: datetime | None = None
    since: datetime | None = None


class BadLine(NamedTuple):
    """A line that names nobody, and why."""

    number: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Meant:
    """What a file means where it does not say it itself. What somebody asked for never expires."""

    reason: str = Suppression.Reason.IMPORTED
    source: str = ""
    expires_at: datetime | None = None


def kind_of(text: str) -> str:
    """What a text names: an X handle or LinkedIn page by its link (or "@"), an address, else a domain."""
    if X_LINK.match(text) or (text.startswith("@") and "." not in text):
        return Suppression.Kind.X
    if "linkedin.com/" in text.lower() and fold_linkedin(text):
        return Suppression.Kind.LINKEDIN
    is_address = text.rfind("@") > 0 and "://" not in text
    return Suppression.Kind.ADDRESS if is_address else Suppression.Kind.DOMAIN


def read(*, source: BinaryIO, meant: Meant) -> Iterator[Line | BadLine]:
    """Every line of a list: CSV, XLSX (all its sheets) or one a line, with or without a header, its columns told by
    their names. Raises UnreadableSource, also while it is read.
    """
    for rows in _sheets(source):
        columns, width = dict[str, int](), 0
        for number, values in rows:
            if not columns:
                columns, width = _columns(values), len(values)
                if columns:
                    continue
                columns, width = {"value": 0}, 1
            yield from _lines(number, values[:width], values[width:], columns, meant)


class Stored(NamedTuple):
    """An entry that is new on the list, or was made stronger, as it stands now."""

    kind: str
    key: str
    reason: str
    expires_at: datetime | None
    is_new: bool


def store(*, lines: Sequence[Line], by: User | None) -> list[Stored]:
    """Puts these lines on the list in one statement; returns those that changed it.

    What is on the list stays, but for what the person asked for themselves, and for a later end.
    """
    once = {line.key: line for line in sorted(lines, key=_by_strength)}
    given = [once[key] for key in sorted(once)]  # in one order, so that two imports wait for each other and never lock
    with transaction.atomic(), connection.cursor() as cursor:
        values: dict[str, Any] = {
            "ids": [str(new_public_id()) for _ in given],
            "kinds": [line.kind for line in given],
            "keys": [line.key for line in given],
            "values": [line.value[:254] for line in given],
            "reasons": [str(line.reason) for line in given],
            "sources": [line.source[:200] for line in given],
            "expires": [line.expires_at for line in given],
            "since": [line.since for line in given],
        }
        cursor.execute(STORE, {**values, "by": by.pk if by else None, "strong": [str(reason) for reason in STRONG]})
        return [Stored(*row) for row in cursor.fetchall()]


def rows() -> Iterator[Sequence[str]]:
    """The whole list as `read` takes it back, a part at a time, in an order that does not depend on when it came."""
    yield HEADER
    last = ""
    while True:
        part = Suppression.objects.filter(key__gt=last).select_related("created_by").order_by("key")[:PART]
        for row in (found := list(part)):
            until = row.expires_at.isoformat() if row.expires_at else ""
            by = row.created_by.username if row.created_by else ""
            since = row.created_at.isoformat()
            yield row.kind, row.value, row.key, row.reason, row.source, since, by, until
        if not found:
            return
        last = found[-1].key


def _by_strength(line: Line) -> tuple[bool, bool, datetime]:
    """The last of one key counts: of two ends the later one."""
    return line.reason == Suppression.Reason.ERASED, line.reason in STRONG, line.expires_at or NEVER


def _sheets(source: BinaryIO) -> Iterator[Iterator[tuple[int, list[str]]]]:
    if workbooks.is_zip(source):
        for sheet in workbooks.sheets(source):
            yield iter(sheet.rows)
        return
    yield ((record.line, record.values) for record in records(source))


def _columns(first: Sequence[str]) -> dict[str, int]:
    """By meaning the place of each column; {} when the first record is no header."""
    found: dict[str, int] = {}
    for place, text in enumerate(first):
        name = "".join(re.findall(r"[^\W_]", spreadsheets.plain(text).lower()))
        if name in COLUMNS:
            found.setdefault(COLUMNS[name], place)
    return found if found.keys() & {*NAMED_IN, "hash"} else {}


def _lines(
    number: int, values: Sequence[str], beyond: Sequence[str], columns: Mapping[str, int], meant: Meant
) -> Iterator[Line | BadLine]:
    said = {name: _cell(values, place) for name, place in columns.items()}
    column, cell = next(((name, said[name]) for name in NAMED_IN if said.get(name)), ("", ""))
    kind = _kind(said.get("kind", ""), cell) if column == "value" else column
    # What separates the columns separates people in a cell too: then they stand beyond the last column.
    more = [(kind_of(text), text) for text in map(str.strip, beyond) if _is_another(kind, text)]
    cells = [(kind, cell), *more] if cell or not more else more
    texts = ((named, text) for named, cell in cells for text in _texts(named, cell))
    for of_kind, text in texts:
        try:
            yield _line(number, _who(of_kind, text, said), said, meant)
        except BadAddress as error:
            shown = text or next((text for text in values if text.strip()), "")
            yield BadLine(number, shown[:100], str(error))


def _who(kind: str, text: str, said: Mapping[str, str]) -> tuple[str, str, str]:
    """Kind, value and key. Raises BadAddress."""
    if text:
        return (kind, *suppression.named(kind=kind, value=text))
    if code := CODE.fullmatch(said.get("hash", "")):
        return code[1], "", code[0]
    raise BadAddress(_nobody(said))


def _line(number: int, who: tuple[str, str, str], said: Mapping[str, str], meant: Meant) -> Line:
    kind, value, key = who
    reason = REASONS.get(said.get("reason", "").lower(), Suppression.Reason(meant.reason))
    return Line(
        number=number,
        kind=kind,
        value="" if reason == Suppression.Reason.ERASED else value,
        key=key,
        reason=reason,
        source=said.get("source", "") or meant.source,
        expires_at=None if reason in STRONG else _instant(said.get("expires", "")) or meant.expires_at,
        since=_instant(said.get("since", "")),
    )


def _is_another(kind: str, text: str) -> bool:
    return "@" in text or (kind == Suppression.Kind.DOMAIN and bool(ANOTHER.search(text)) and " " not in text)


def _texts(kind: str, cell: str) -> list[str]:
    """Whom a cell names, one by one: people write several into one, and why beside it."""
    found = [cell]
    if kind == Suppression.Kind.DOMAIN:
        found = [text for text in reading.SEPARATORS.split(cell) if text]
    elif kind == Suppression.Kind.ADDRESS:
        found = [_in_sentence(text) for text in reading.addresses(cell)]
    return found or [cell]


def _in_sentence(text: str) -> str:
    """The one address in some words; the text as it is where another word may name somebody too."""
    words = text.split()
    found = [word.strip("(),;:.") for word in words if "@" in word]
    if len(found) != 1 or '"' in text or not reading.ADDRESS.fullmatch(found[0]):
        return text
    return text if any(ANOTHER.search(word) for word in words if "@" not in word) else found[0]


def _nobody(said: Mapping[str, str]) -> str:
    if said.get("hash"):
        return "This code was not made by this installation; only what its own list carries can be read again."
    return "Nothing in this line names anybody."


def _cell(values: Sequence[str], place: int) -> str:
    return spreadsheets.plain(values[place]).strip() if place < len(values) else ""


def _kind(said: str, value: str) -> str:
    return said if said in Suppression.Kind.values else kind_of(value)


def _instant(text: str) -> datetime | None:
    """A day or an instant as ISO 8601 writes it, in UTC; None for anything else."""
    try:
        at = parse_datetime(text) if len(text) > len("2026-01-01") else None
        day = None if at else parse_date(text)
    except ValueError:
        return None
    at = at or (datetime.combine(day, time(0)) if isinstance(day, date) else None)
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


__all__ = ["BadLine", "Line", "Meant", "UnreadableSource", "kind_of", "read", "rows", "store"]
