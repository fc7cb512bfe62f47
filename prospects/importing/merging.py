"""Putting a batch of people into the table: new ones are added, empty fields of known ones are filled, in sets.

Two imports at once can't deadlock (rows are taken in key order) and can't add a person twice (the index decides).
Nothing here touches stops, holds or suppressions. A person is known by the identity of a row, by a further address,
and where the row has none, by a handle or page; of people who were merged it is the survivor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from prospects.importing.rows import FILLED, How, Incoming
from prospects.importing.staging import fill, line_of, run, text_of

KINDS = ("kind", "source")  # never empty here: only replaced
DATED = ("notice_date", "owner_id")
REMEMBERED = (
    *FILLED, *KINDS, *DATED, "time_zone", "tags", "custom", "site_id", "contact_keys", "contacted_elsewhere_at",
)  # fmt: skip
ADD_SITES = """
INSERT INTO prospects_site (public_id, domain, hold_reason)
SELECT gen_random_uuid(), domain, '' FROM (SELECT DISTINCT i.site_domain AS domain FROM incoming i {wanted}) new
WHERE domain <> '' AND (SELECT s.id FROM prospects_site s WHERE s.domain = new.domain) IS NULL
ORDER BY domain
ON CONFLICT (domain) DO NOTHING"""
SITE = "(SELECT s.id FROM prospects_site s WHERE s.domain = i.site_domain)"
KEYS = "i.contact_keys::varchar(300)[]"  # read as an array where they are needed only
TAGS = "%(tags)s::varchar(50)[]"
ADD = f"""
WITH added AS (
    INSERT INTO prospects_prospect (
        identity_key, public_id, kind, email, address_kind, contact_keys, site_id, time_zone, source, tags, custom,
        {", ".join(FILLED)}, notice_date, contacted_elsewhere_at, owner_id, is_demo, import_batch_id,
        stop_reason, hold_reason)
    SELECT identity_key, public_id, COALESCE(NULLIF(kind, ''), 'person'), email, address_kind, {KEYS}, {SITE},
        time_zone, COALESCE(NULLIF(source, ''), %(source)s),
        CASE WHEN tags = '{{}}' THEN {TAGS} ELSE tags || ARRAY(
            SELECT tag FROM unnest({TAGS}) WITH ORDINALITY AS new(tag, place) WHERE tag <> ALL (i.tags) ORDER BY place)
        END, custom,
        {", ".join(FILLED)}, notice_date, contacted_elsewhere_at, owner_id, %(is_demo)s, %(batch)s, '', ''
    FROM incoming i
    WHERE NOT EXISTS (SELECT FROM known k WHERE k.place = i.place)
    ORDER BY identity_key
    ON CONFLICT (identity_key) WHERE identity_key IS NOT NULL DO NOTHING
    RETURNING id)
SELECT count(*) FROM added"""  # noqa: S608 - names from this module only
# One look-up per row, whatever the planner thinks of tables that were never analysed.
WHO = """COALESCE(
    (SELECT COALESCE(p.person_id, p.id) FROM prospects_prospect p WHERE p.identity_key = i.identity_key),
    (SELECT COALESCE(p.person_id, p.id) FROM prospects_address a JOIN prospects_prospect p ON p.id = a.prospect_id
      WHERE a.key = i.identity_key),
    CASE WHEN i.email = '' THEN (
        SELECT min(COALESCE(p.person_id, p.id)) FROM prospects_prospect p
         WHERE p.erased_at IS NULL AND p.contact_keys && ARRAY(
            SELECT key FROM unnest(i.contact_keys::varchar(300)[]) AS own(key) WHERE key !~ '^domain:')) END)"""
# First who is known by the row's own key; then, of the rest, who is known in another way.
FOUND = """
INSERT INTO known (place, id, learns, due)
SELECT place, id, learns, learns OR lacks FROM (
    SELECT i.place, p.id, {learns} AS learns, {lacks} AS lacks
    FROM incoming i, LATERAL (
        SELECT * FROM prospects_prospect p WHERE p.{known_by} OFFSET 0) p
    WHERE p.person_id IS NULL AND p.erased_at IS NULL {rest} OFFSET 0) found"""
OWN_KEY = "identity_key = i.identity_key"
REST = "AND NOT EXISTS (SELECT FROM known k WHERE k.place = i.place)"
ANOTHER_WAS_FASTER = f"{REST} AND p.public_id <> i.public_id"
# Mostly there is nobody to be found so. The least key is looked up in an index, whatever the planner expects.
OTHERWISE = """
SELECT EXISTS (SELECT FROM prospects_address) OR (SELECT min(person_id) FROM prospects_prospect) IS NOT NULL
    OR EXISTS (SELECT FROM incoming WHERE email = '')"""
TWICE = """
DELETE FROM known k USING (SELECT place, min(place) OVER (PARTITION BY id) AS first FROM known) twice
WHERE k.place = twice.place AND twice.place <> twice.first
RETURNING twice.place, twice.first"""
DROPPED = "DELETE FROM incoming WHERE place = ANY(%s)"
DUE = "SELECT id FROM known WHERE due ORDER BY id"
LOCK = "SELECT id FROM prospects_prospect WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
VALUES = ", ".join(f"'{name}', p.{name}" for name in REMEMBERED)
CHANGE = f"""
WITH old AS (
    SELECT p.id, jsonb_build_object({VALUES}) AS said FROM prospects_prospect p WHERE p.id = ANY(%(ids)s)
), new AS (
    UPDATE prospects_prospect p SET {{sets}}
    FROM known k JOIN incoming i ON i.place = k.place
    WHERE p.id = ANY(%(ids)s) AND k.id = p.id AND k.due AND p.erased_at IS NULL AND p.person_id IS NULL
    RETURNING p.id, jsonb_build_object({VALUES}) AS said
), remembered AS (
    INSERT INTO prospects_importchange (batch_id, prospect_id, before)
    SELECT %(batch)s, id, changed.before
    FROM old JOIN new USING (id), LATERAL (
        SELECT jsonb_object_agg(key, jsonb_build_array(value, new.said -> key)) AS before FROM jsonb_each(old.said)
        WHERE value IS DISTINCT FROM new.said -> key) changed
    WHERE %(batch)s IS NOT NULL AND changed.before IS NOT NULL
)
SELECT count(*) FROM new"""  # noqa: S608 - names from this module only
IDS = """
SELECT i.place, i.identity_key, COALESCE(k.id, p.id), k.id IS NULL, COALESCE(k.learns, false)
FROM incoming i LEFT JOIN known k ON k.place = i.place
LEFT JOIN prospects_prospect p ON k.id IS NULL AND p.public_id = i.public_id
WHERE i.place = ANY(%s)"""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many were added, and how many known ones learned something; `twice`: the place of whoever is the same
    person as the row at an earlier place."""

    added: int
    changed: int
    twice: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Merged:
    """By the identity keys of the rows: who was added, who was known and learned something, and everybody's id."""

    added: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    ids: dict[str, int] = field(default_factory=dict)


def merge(rows: Sequence[Incoming], how: How) -> Merged:
    """Adds and fills in, a few people. Call it in a transaction; no two rows may have the same identity."""
    if not rows:
        return Merged()
    with connection.cursor() as cursor:
        lines = [(place, line_of(row)) for place, row in enumerate(rows)]
        merge_lines(cursor, text_of(lines), len(lines), how)
        found = people(cursor, range(len(rows)))
    return Merged(
        frozenset(person.identity_key for person in found.values() if person.is_new),
        frozenset(person.identity_key for person in found.values() if person.learned),
        {person.identity_key: person.id for person in found.values()},
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Who a row of the staging table is."""

    identity_key: str
    id: int
    is_new: bool
    learned: bool


def people(cursor: CursorWrapper, places: Sequence[int]) -> dict[int, Person]:
    """Who the rows at these places are, after `merge_lines`; without those who stood there twice."""
    return {place: Person(*said) for place, *said in run(cursor, IDS, [list(places)])}


def merge_lines(cursor: CursorWrapper, text: bytes, size: int, how: How) -> Counts:
    """Adds and fills in so many lines (`staging.text_of`). In a transaction; no two may have the same identity."""
    if not size:
        return Counts(0, 0)
    values = {"source": how.source, "is_demo": how.is_demo, "batch": how.batch_id, "tags": list(how.tags)}
    fill(cursor, text)
    run(cursor, _found(how, OWN_KEY), values)
    [(more,)] = run(cursor, OTHERWISE)
    if more:
        run(cursor, _found(how, f"id = {WHO}", REST), values)
    [(known, different)] = run(cursor, "SELECT count(*), count(DISTINCT id) FROM known")
    twice = dict(run(cursor, TWICE)) if different < known else {}
    if twice:
        run(cursor, DROPPED, [list(twice)])
    added = 0
    wanted = size - known
    if wanted:
        run(cursor, ADD_SITES.format(wanted="WHERE NOT EXISTS (SELECT FROM known k WHERE k.place = i.place)"))
        [(added,)] = run(cursor, ADD, values)
        if added < wanted:
            run(cursor, _found(how, OWN_KEY, ANOTHER_WAS_FASTER), values)
    changed = _change(cursor, how, values)
    return Counts(added, changed, twice)


def _found(how: How, known_by: str, rest: str = "") -> str:
    lacks = f"NOT p.tags @> {TAGS}" if how.tag_known and how.tags else "false"
    return FOUND.format(learns=_learns(how), lacks=lacks, known_by=known_by, rest=rest)


def _change(cursor: CursorWrapper, how: How, values: dict[str, Any]) -> int:
    """Fills in what is due; returns how many learned something of their own."""
    ids = [id for (id,) in run(cursor, DUE)]
    if not ids:
        return 0
    run(cursor, ADD_SITES.format(wanted="JOIN known k ON k.place = i.place AND k.due"))
    run(cursor, LOCK, [ids])
    run(cursor, CHANGE.format(sets=_sets(how)), {**values, "ids": ids})
    [(changed,)] = run(cursor, "SELECT count(*) FROM known WHERE learns")
    return int(changed)


def _takes(name: str, how: How) -> str:
    """The condition under which the file's value of a field is taken."""
    if name in DATED:
        free = "true" if name.removesuffix("_id") in how.replace else f"p.{name} IS NULL"
        free = f"{free} AND {OPEN}" if name == "owner_id" else free
        return f"(i.{name} IS DISTINCT FROM p.{name} AND i.{name} IS NOT NULL AND {free})"
    if name in how.replace:
        return f"(i.{name} <> '' AND p.{name} <> i.{name})"
    return "false" if name in KINDS else f"(p.{name} = '' AND i.{name} <> '')"


def _takes_zone(how: How) -> str:
    """A zone that was told from the country is no news about somebody of another country."""
    if "time_zone" in how.replace:
        return "(i.time_zone <> '' AND p.time_zone <> i.time_zone)"
    same = "i.country IN ('', p.country) OR p.country = ''"
    return f"(p.time_zone = '' AND i.time_zone <> '' AND ({same}))"


def _custom(how: How) -> str:
    return "(p.custom || i.custom)" if "custom" in how.replace else "(i.custom || p.custom)"


# Whoever is protected, or belongs to a protected site, gets an owner by hand only: that one may lift it.
OPEN = """p.protected_at IS NULL
    AND NOT EXISTS (SELECT FROM prospects_site s WHERE s.id = p.site_id AND s.protected_at IS NOT NULL)"""
CONTACTED_LATER = "(i.contacted_elsewhere_at > COALESCE(p.contacted_elsewhere_at, '-infinity'))"


def _learns(how: How) -> str:
    """Whether the row says anything new about the person: what it has a site or keys for is among its texts."""
    taken = [_takes(name, how) for name in (*FILLED, *KINDS, *DATED) if _takes(name, how) != "false"]
    more = [
        _takes_zone(how),
        "(i.tags <> '{}' AND NOT p.tags @> i.tags)",
        f"(i.custom <> '{{}}' AND {_custom(how)} <> p.custom)",
        f"COALESCE({CONTACTED_LATER}, false)",
    ]
    return f"({' OR '.join(taken + more)})"


def _sets(how: How) -> str:
    """The assignments of the update."""
    sets = {
        name: f"CASE WHEN {_takes(name, how)} THEN i.{name} ELSE p.{name} END" for name in (*FILLED, *KINDS, *DATED)
    }
    website = _takes("website", how)
    tags = f"(i.tags || {TAGS})" if how.tag_known else "i.tags"
    sets |= {
        "time_zone": f"CASE WHEN {_takes_zone(how)} THEN i.time_zone ELSE p.time_zone END",
        "contacted_elsewhere_at": "GREATEST(p.contacted_elsewhere_at, i.contacted_elsewhere_at)",
        "custom": _custom(how),
        "site_id": f"CASE WHEN {website} THEN COALESCE({SITE}, p.site_id) ELSE p.site_id END",
        "tags": f"""p.tags || ARRAY(SELECT tag FROM unnest({tags}) WITH ORDINALITY AS new(tag, place)
            WHERE tag <> ALL (p.tags) GROUP BY tag ORDER BY min(place))""",  # noqa: S608 - names from this module only
        "contact_keys": f"""p.contact_keys || ARRAY(SELECT key FROM unnest({KEYS}) AS new(key)
            WHERE key <> ALL (p.contact_keys) AND CASE split_part(key, ':', 1) WHEN 'x' THEN {_takes("x_handle", how)}
                WHEN 'linkedin' THEN {_takes("linkedin_url", how)} ELSE {website} END)""",  # noqa: S608
    }
    return ", ".join(f"{name} = {value}" for name, value in sets.items())
