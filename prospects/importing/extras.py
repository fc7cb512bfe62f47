"""What a row says besides the person's own fields: further addresses, notes, stages, stops. In sets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from outreach.lib.models import new_public_id
from prospects import identity, stages
from prospects.importing.merging import Person
from prospects.importing.rows import How, Incoming, Stop
from prospects.importing.staging import run

SAME_ROW = "One row of a sheet has both addresses"
SCORE = 0.9
# Whose address it is already: that person's first one, or a further one; of people who were merged, the survivor's.
# Another's address is not taken, and a person decides. Its key is kept all the same: whoever of the two says no, both
# are left alone until then.
ALIASES = """
WITH said AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(emails)s::text[], %(keys)s::text[]) AS said(id, email, key)
), whose AS (
    SELECT said.*, COALESCE(
        (SELECT COALESCE(p.person_id, p.id) FROM prospects_prospect p WHERE p.identity_key = said.key),
        (SELECT COALESCE(p.person_id, p.id) FROM prospects_address a JOIN prospects_prospect p ON p.id = a.prospect_id
          WHERE a.key = said.key)) AS owner
    FROM said
), kept AS (
    INSERT INTO prospects_address (prospect_id, email, key, state)
    SELECT DISTINCT ON (key) id, email, key, 'alias' FROM whose WHERE owner IS NULL ORDER BY key, id
    ON CONFLICT (key) DO NOTHING
), alike AS (
    INSERT INTO prospects_duplicate (public_id, first_id, second_id, reason, score)
    SELECT gen_random_uuid(), LEAST(id, owner), GREATEST(id, owner), %(reason)s, %(score)s
    FROM whose WHERE owner <> id GROUP BY 2, 3 ORDER BY 2, 3
    ON CONFLICT (first_id, second_id) DO NOTHING
)
SELECT id, string_agg('address:' || key, ' ' ORDER BY key) FROM whose GROUP BY id ORDER BY id"""
KEYS = """
UPDATE prospects_prospect p SET contact_keys = p.contact_keys || ARRAY(
    SELECT key FROM unnest(string_to_array(new.keys, ' ')) AS key WHERE key <> ALL (p.contact_keys))
FROM unnest(%s::bigint[], %s::text[]) AS new(id, keys)
WHERE p.id = new.id AND NOT p.contact_keys @> string_to_array(new.keys, ' ')::varchar(300)[]"""
LOCK = "SELECT id FROM prospects_prospect WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
NOTES = """
INSERT INTO prospects_note (public_id, prospect_id, text, created_by_id)
SELECT said.public_id, said.id, said.text, %(by)s
FROM unnest(%(public_ids)s::uuid[], %(ids)s::bigint[], %(texts)s::text[]) AS said(public_id, id, text)
WHERE NOT EXISTS (SELECT FROM prospects_note n WHERE n.prospect_id = said.id AND n.text = said.text)
ORDER BY said.public_id"""
STAGES = """
SELECT id AS prospect_id, %(program)s::bigint AS program_id, name, %(why)s::text AS why, %(now)s::timestamptz AS at
FROM unnest(%(ids)s::bigint[], %(names)s::text[]) AS said(id, name)"""
STOPS = """
INSERT INTO prospects_suppression (public_id, kind, key, value, reason, source, created_by_id)
SELECT public_id, kind, key, value, 'imported', %(source)s, %(by)s
FROM unnest(%(public_ids)s::uuid[], %(kinds)s::text[], %(keys)s::text[], %(values)s::text[])
    AS said(public_id, kind, key, value)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET expires_at = NULL WHERE prospects_suppression.expires_at IS NOT NULL"""
SITES = """
INSERT INTO prospects_site (public_id, domain, hold_reason, is_to_research, source, import_batch_id)
SELECT public_id, domain, '', true, %(source)s, %(batch)s
FROM unnest(%(public_ids)s::uuid[], %(domains)s::text[]) AS said(public_id, domain)
ORDER BY domain
ON CONFLICT (domain) DO NOTHING"""


def has_any(row: Incoming) -> bool:
    """Whether a row says anything that is kept here."""
    return bool(row.others or row.note or row.stage)


def keep(
    cursor: CursorWrapper, *, rows: Mapping[int, Incoming], people: Mapping[int, Person], how: How, now: datetime
) -> None:
    """Keeps what the rows at these places say about the people they are."""
    said = [(people[place].id, row) for place, row in rows.items() if place in people]
    if aliases := [(id, email) for id, row in said for email in row.others]:
        _keep_aliases(cursor, aliases)
    if notes := [(id, row.note) for id, row in said if row.note]:
        values = {"public_ids": _public_ids(notes), "by": how.by_id}
        run(cursor, NOTES, {**values, "ids": [id for id, _ in notes], "texts": [text for _, text in notes]})
    if found := [(id, row.stage) for id, row in said if row.stage and how.program_id]:
        ids, names = [id for id, _ in found], [name for _, name in found]
        why = f"said by {how.source}"[:200]
        stages.advance(
            facts=STAGES, values={"program": how.program_id, "why": why, "now": now, "ids": ids, "names": names}
        )


def stop(cursor: CursorWrapper, *, stops: Sequence[Stop], how: How) -> None:
    """Writes the facts that nobody writes there again; what is there already stays, and ends no more."""
    by_key = {stop.key: stop for stop in stops}
    if by_key:
        found = list(by_key.values())
        run(
            cursor,
            STOPS,
            {
                "public_ids": _public_ids(found),
                "kinds": [stop.kind for stop in found],
                "keys": list(by_key),
                "values": [stop.value for stop in found],
                "source": how.source[:200],
                "by": how.by_id,
            },
        )


def research(cursor: CursorWrapper, *, domains: Sequence[str], how: How) -> None:
    """Keeps sites where somebody is still to be found; one that is known stays as it is."""
    found = list(dict.fromkeys(domains))
    if found:
        values = {"public_ids": _public_ids(found), "domains": found, "source": how.source[:200]}
        run(cursor, SITES, {**values, "batch": how.batch_id})


def _keep_aliases(cursor: CursorWrapper, aliases: Sequence[tuple[int, str]]) -> None:
    values: dict[str, Any] = {
        "ids": [id for id, _ in aliases],
        "emails": [email for _, email in aliases],
        "keys": [identity.address_key(email) for _, email in aliases],
        "reason": SAME_ROW,
        "score": SCORE,
    }
    found = run(cursor, ALIASES, values)
    ids = [id for id, _ in found]
    run(cursor, LOCK, [ids])
    run(cursor, KEYS, [ids, [keys for _, keys in found]])


def _public_ids(values: Sequence[object]) -> list[str]:
    return [str(new_public_id()) for _ in values]
