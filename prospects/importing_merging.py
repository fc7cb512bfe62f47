"""Putting a batch of people into the table: new ones are added, empty fields of known ones are filled, in sets.

Two imports at once can't deadlock (rows are taken in key order) and can't add a person twice (the index decides).
Nothing here touches stops, holds or suppressions.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from outreach.lib.models import new_public_id
from prospects import sites

FILLED = (  # plain texts, in which an empty one may be filled
    "first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url", "country", "language",
    "legal_basis",
)  # fmt: skip
NOTHING = dict.fromkeys(FILLED, "")
INCOMING = f"""jsonb_to_recordset(%s::jsonb) AS incoming(
    identity_key text, public_id uuid, kind text, email text, contact_keys text[], site_id bigint, time_zone text,
    source text, tags varchar(50)[], all_tags varchar(50)[], known_tags varchar(50)[], custom jsonb, is_demo boolean,
    {", ".join(f"{name} text" for name in FILLED)})"""
ADD = f"""
INSERT INTO prospects_prospect (
    identity_key, public_id, kind, email, contact_keys, site_id, time_zone, source, tags, custom, is_demo,
    {", ".join(FILLED)}, stop_reason, hold_reason)
SELECT identity_key, public_id, kind, email, contact_keys, site_id, time_zone, source, all_tags, custom, is_demo,
    {", ".join(FILLED)}, '', ''
FROM {INCOMING}
ORDER BY identity_key
ON CONFLICT (identity_key) WHERE identity_key IS NOT NULL DO NOTHING
RETURNING identity_key"""  # noqa: S608 - names from this module only
# A zone that was told from the country is no news about somebody of another country.
LEARNS = f"""(
    {" OR ".join(f"(person.{name} = '' AND incoming.{name} <> '')" for name in FILLED)}
    OR (person.time_zone = '' AND incoming.time_zone <> ''
        AND (incoming.country IN ('', person.country) OR person.country = ''))
    OR NOT person.tags @> incoming.tags
    OR (incoming.custom || person.custom) <> person.custom)"""
# Somebody who gets nothing but a tag that the whole file gives is changed in the table and not counted as changed.
FILL = f"""
WITH due AS (
    SELECT person.id, incoming.*, {LEARNS} AS learns,
        person.website = '' AND incoming.website <> '' AS brings_site,
        person.time_zone = '' AND (incoming.country IN ('', person.country) OR person.country = '') AS takes_zone
    FROM prospects_prospect person JOIN {INCOMING} USING (identity_key)
    WHERE {LEARNS} OR NOT person.tags @> incoming.known_tags
    ORDER BY person.id
    FOR UPDATE OF person
)
UPDATE prospects_prospect person SET
    {", ".join(f"{name} = COALESCE(NULLIF(person.{name}, ''), due.{name})" for name in FILLED)},
    time_zone = CASE WHEN takes_zone THEN due.time_zone ELSE person.time_zone END,
    tags = person.tags || ARRAY(
        SELECT tag FROM unnest(due.known_tags) WITH ORDINALITY AS new(tag, place)
        WHERE tag <> ALL (person.tags) ORDER BY place),
    custom = due.custom || person.custom,
    site_id = CASE WHEN brings_site THEN COALESCE(due.site_id, person.site_id) ELSE person.site_id END,
    contact_keys = CASE WHEN brings_site THEN person.contact_keys || ARRAY(
        SELECT key FROM unnest(due.contact_keys) AS new(key) WHERE key <> ALL (person.contact_keys))
        ELSE person.contact_keys END
FROM due
WHERE person.id = due.id
RETURNING CASE WHEN due.learns THEN person.identity_key END"""  # noqa: S608 - names from this module only


@dataclass(slots=True)
class Incoming:
    """One good row. `tags` are the row's own; a new person gets `all_tags`, one who was known `known_tags`."""

    identity_key: str
    email: str
    contact_keys: list[str]
    site_domain: str
    time_zone: str
    source: str
    is_demo: bool
    all_tags: list[str]
    line: int = 0
    tags: list[str] = field(default_factory=list)
    known_tags: list[str] = field(default_factory=list)
    custom: dict[str, str] = field(default_factory=dict)
    kind: str = "person"
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Merged:
    """The identity keys of those who were added, and of known ones who learned something."""

    added: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()


def merge(rows: Sequence[Incoming]) -> Merged:
    """Adds and fills in. Call it in a transaction; no two rows may have the same identity."""
    if not rows:
        return Merged()
    keys = sites.keys_of({row.site_domain for row in rows if row.site_domain})
    prepared = {row.identity_key: _record(row, keys.get(row.site_domain)) for row in rows}
    known = _known(list(prepared))
    added = _execute(ADD, [record for key, record in prepared.items() if key not in known])
    changed = _execute(FILL, [record for key, record in prepared.items() if key not in added])
    return Merged(added, changed)


def _record(row: Incoming, site_id: int | None) -> dict[str, Any]:
    return {
        **NOTHING,
        **row.texts,
        "identity_key": row.identity_key,
        "public_id": str(new_public_id()),
        "kind": row.kind,
        "email": row.email,
        "contact_keys": row.contact_keys,
        "site_id": site_id,
        "time_zone": row.time_zone,
        "source": row.source,
        "tags": row.tags,
        "all_tags": row.all_tags,
        "known_tags": row.known_tags,
        "custom": row.custom,
        "is_demo": row.is_demo,
    }


def _known(keys: list[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT identity_key FROM prospects_prospect WHERE identity_key = ANY(%s)", [keys])
        return {key for (key,) in cursor.fetchall()}


def _execute(statement: str, records: list[dict[str, Any]]) -> frozenset[str]:
    if not records:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(records)])
        return frozenset(key for (key,) in cursor.fetchall() if key)
