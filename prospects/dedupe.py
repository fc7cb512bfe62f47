"""Pairs of rows that look like one person, over the whole table: a person decides, and what was decided stays.

Every rule groups the rows by one key and pairs each with the oldest of its group, so that the work grows with the rows
and not with their square; a group larger than a person has rows (everybody called "Support" at one site) says nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import User
from outreach.lib.models import new_public_id
from prospects.models import Duplicate

LARGEST_GROUP = 20
BATCH = 5_000
GENERIC = (
    *("info", "hello", "contact", "office", "mail", "hi", "team", "support", "sales", "admin", "press", "marketing"),
    *("kontakt", "hallo", "redaktion", "contacto", "contatto", "partner", "partners", "affiliate", "affiliates", "ads"),
)  # whoever has such an address is many people
SHORTEST = 3  # letters of a local part or of a domain's name that says who somebody is

_PRESENT = "p.person_id IS NULL AND p.erased_at IS NULL"
_NAMED = f"{_PRESENT} AND p.first_name <> '' AND p.last_name <> ''"
_NAME = "least(lower(p.first_name), lower(p.last_name)) || '|' || greatest(lower(p.first_name), lower(p.last_name))"
_LOCAL = "split_part(split_part(lower(p.email), '@', 1), '+', 1)"
_PERSONAL = f"""{_PRESENT} AND p.email <> '' AND p.address_kind = '' AND length({_LOCAL}) >= {SHORTEST}
       AND {_LOCAL} <> ALL(%(generic)s)"""


@dataclass(frozen=True)
class Rule:
    """`sql` finds (id, key, form): rows of one key may be one person; `other_form` is why when their forms differ."""

    reason: str
    score: float
    sql: str
    other_form: str = ""


RULES = (
    *(
        Rule(
            f"The same {words}",
            score,
            f"""SELECT p.id, k AS key, '' AS form FROM prospects_prospect p, unnest(p.contact_keys) k
                 WHERE {_PRESENT} AND starts_with(k, '{kind}:')""",  # noqa: S608
        )
        for kind, words, score in (("address", "address", 0.99), ("x", "X handle", 0.95), ("linkedin", "page", 0.95))
    ),
    Rule(
        "The same name at the same site",
        0.9,
        f"""SELECT p.id, p.site_id || '|' || {_NAME} AS key, lower(p.first_name) AS form FROM prospects_prospect p
             WHERE {_NAMED} AND p.site_id IS NOT NULL""",  # noqa: S608
        "The same name at the same site, first and last name swapped",
    ),
    Rule(
        "The same name at the same company",
        0.8,
        f"""SELECT p.id, lower(p.company) || '|' || {_NAME} AS key, lower(p.first_name) AS form
              FROM prospects_prospect p WHERE {_NAMED} AND p.company <> ''""",  # noqa: S608
        "The same name at the same company, first and last name swapped",
    ),
    Rule(
        "The same address at another domain of the company",
        0.7,
        f"""SELECT p.id, lower(p.company) || '|' || {_LOCAL} AS key, '' AS form
              FROM prospects_prospect p WHERE {_PERSONAL} AND p.company <> ''""",  # noqa: S608
    ),
    Rule(
        "The same address at a domain of the same name",
        0.6,
        f"""SELECT p.id, split_part(s.domain, '.', 1) || '|' || {_LOCAL} AS key, '' AS form
              FROM prospects_prospect p JOIN prospects_site s ON s.id = p.site_id
             WHERE {_PERSONAL} AND split_part(lower(p.email), '@', 2) = s.domain
               AND length(split_part(s.domain, '.', 1)) >= {SHORTEST}""",  # noqa: S608
    ),
)
_PAIRS = """
SELECT DISTINCT first, id, form = oldest FROM (
    SELECT id, form, first_value(id) OVER one AS first, first_value(form) OVER one AS oldest,
           count(*) OVER (PARTITION BY key) AS n
      FROM ({sql}) keyed
    WINDOW one AS (PARTITION BY key ORDER BY id)) grouped
 WHERE id <> first AND n <= %(largest)s"""
_ADD = """
INSERT INTO prospects_duplicate AS d (public_id, first_id, second_id, reason, score)
SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::text[], %s::float8[])
    ON CONFLICT (first_id, second_id) DO UPDATE SET reason = excluded.reason, score = excluded.score
 WHERE d.dismissed_at IS NULL AND d.score < excluded.score"""
_GONE = """
DELETE FROM prospects_duplicate d USING prospects_prospect p
 WHERE d.dismissed_at IS NULL AND p.id IN (d.first_id, d.second_id)
   AND (p.person_id IS NOT NULL OR p.erased_at IS NOT NULL)"""


def find() -> int:
    """Looks over everybody; returns how many pairs are new or have a better reason. Dismissed pairs stay dismissed.

    A minute for a million people; reads without a lock, and writes in small steps.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GONE)
    return sum(_write(rule, _pairs(rule)) for rule in RULES)


@transaction.atomic
def _pairs(rule: Rule) -> list[tuple[int, int, bool]]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        statement = _PAIRS.format(sql=rule.sql)
        cursor.execute(statement, {"generic": list(GENERIC), "largest": LARGEST_GROUP})
        found: list[tuple[int, int, bool]] = cursor.fetchall()
        return found


def _write(rule: Rule, pairs: list[tuple[int, int, bool]]) -> int:
    written, rest = 0, iter(pairs)
    while batch := list(islice(rest, BATCH)):
        columns: tuple[list[str], list[int], list[int], list[str], list[float]] = (
            [str(new_public_id()) for _ in batch],
            [first for first, _, _ in batch],
            [second for _, second, _ in batch],
            [rule.reason if same_form else rule.other_form for _, _, same_form in batch],
            [rule.score] * len(batch),
        )
        with connection.cursor() as cursor:
            cursor.execute(_ADD, columns)
            written += cursor.rowcount
    return written


def open_pairs() -> QuerySet[Duplicate]:
    """What is still to be decided, the likeliest first."""
    found = Duplicate.objects.filter(dismissed_at=None, first__person=None, second__person=None)
    return found.select_related("first__site", "second__site").order_by("-score", "id")


def dismiss(*, duplicate: Duplicate, by: User | None, now: datetime) -> bool:
    """Says that these are two people: the pair is never offered again. False when that was said before."""
    found = Duplicate.objects.filter(pk=duplicate.pk, dismissed_at=None)
    return bool(found.update(dismissed_at=now, dismissed_by=by))


def bring_back(*, duplicate: Duplicate) -> bool:
    """Takes `dismiss` back. False when there was nothing to take back."""
    found = Duplicate.objects.filter(pk=duplicate.pk, dismissed_at__isnull=False)
    return bool(found.update(dismissed_at=None, dismissed_by=None))
