"""Rows on their way into the table: as text for COPY, in a table of this connection that is gone with it."""

import io
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper

from prospects.importing.rows import FILLED, Incoming

NULL = "\\N"
COLUMNS = {
    "identity_key": "text", "kind": "text", "email": "text", "address_kind": "text", "contact_keys": "text",
    "site_domain": "text", "time_zone": "text", "source": "text", "tags": "varchar(50)[]",
    "custom": "jsonb", **dict.fromkeys(FILLED, "text"), "notice_date": "date",
    "contacted_elsewhere_at": "timestamptz", "owner_id": "bigint",
}  # fmt: skip
CREATE = f"""
DROP TABLE IF EXISTS incoming, known;
CREATE TEMPORARY TABLE incoming (place int, public_id uuid, {", ".join(map(" ".join, COLUMNS.items()))});
CREATE TEMPORARY TABLE known (place int, id bigint, learns bool, due bool)"""
COPY = f"COPY incoming (place, public_id, {', '.join(COLUMNS)}) FROM STDIN"
PIECE = 1 << 20  # bytes of COPY at once
KEYS = 2 + list(COLUMNS).index("contact_keys")  # its place in a line
SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})  # of COPY's text format


class Line(NamedTuple):
    """A row as text: its values in the order of COLUMNS, and what is asked of it before it is written."""

    identity_key: str
    keys: str  # the array of its contact keys
    text: str


def line_of(row: Incoming) -> Line:
    """The row as text."""
    keys = array(row.contact_keys)
    values = (
        row.identity_key, row.kind if row.says_kind else "", row.email, row.address_kind, keys, row.site_domain,
        row.time_zone, row.source if row.says_source else "", array(row.tags),
        escaped(json.dumps(row.custom, ensure_ascii=False)), *(row.texts.get(name, "") for name in FILLED),
    )  # fmt: skip
    dates = (row.notice_date, row.contacted_elsewhere_at)
    last = [NULL if value is None else value.isoformat() for value in dates]
    last.append(NULL if row.owner_id is None else str(row.owner_id))
    plain = [value if place in (4, 8, 9) else escaped(value) for place, value in enumerate(values)]
    return Line(row.identity_key, keys, "\t".join([*plain, *last]))


def array(values: Iterable[str]) -> str:
    """Texts as an array in COPY's text format."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return escaped("{" + ",".join(f'"{value}"' for value in quoted) + "}")


def escaped(value: str) -> str:
    """A text in COPY's text format."""
    return value.translate(SPECIAL)


def text_of(lines: Sequence[tuple[int, Line]]) -> bytes:
    """Lines, each with its place, as `fill` takes them: new people get their public ids here."""
    ids = public_ids(len(lines))
    return "".join([f"{place}\t{id}\t{line[2]}\n" for id, (place, line) in zip(ids, lines, strict=True)]).encode()


def lines_of(text: bytes) -> Iterator[tuple[int, list[str], str]]:
    """What `text_of` wrote, line by line: the place, the contact keys, and the line."""
    for line in text.decode().split("\n")[:-1]:
        values = line.split("\t")
        yield int(values[0]), values[KEYS][2:-2].split('","'), f"{line}\n"


def fill(cursor: CursorWrapper, text: bytes) -> None:
    """Puts the lines into a fresh staging table. In a transaction."""
    cursor.execute(CREATE)
    cursor.copy_expert(COPY, io.BytesIO(text), PIECE)


def public_ids(count: int) -> list[str]:
    """UUIDv7 (RFC 9562) in hexadecimal: one moment for all, 72 random bits each."""
    moment = f"{time.time_ns() // 1_000_000:012x}7"
    noise = os.urandom(count * 9).hex()
    return [f"{moment}{noise[at : at + 3]}8{noise[at + 3 : at + 18]}" for at in range(0, count * 18, 18)]


def run(cursor: CursorWrapper, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    """What a statement gives back."""
    cursor.execute(statement, values)
    return list(cursor.fetchall()) if cursor.description else []
