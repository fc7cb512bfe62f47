"""The list of people: its facets, whom they find, and the same as a segment's rule."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Upper
from django.db.models.lookups import Contains, Exact, GreaterThanOrEqual, LessThanOrEqual

from accounts.models import User
from outreach.lib.text import printable
from prospects import places, segments, suppression
from prospects.models import ImportBatch, Prospect, Segment, Stage, searchable

NO_ROW = -1  # a key that no row has
MOST_WORDS, LONGEST = 6, 200
MOST_CHOICES = 200
RECENT = 2_000  # tags are offered from so many of the newest people
HERE = "held", "protected", "stopped", "suppressed"  # states that this app can tell; campaigns tells the others
SEARCHED = ("first_name", "last_name", "company", "email", "x_handle")
STATE_RULES: dict[str, tuple[str, str, object]] = {  # every state as a segment says it
    "never": ("contacted_at", "is_empty", None),
    "written": ("contacted_at", "not_empty", None),
    "replied": ("replied_at", "not_empty", None),
    "held": ("held", "is", True),
    "protected": ("protected", "is", True),
    "stopped": ("stopped", "is", True),
    "suppressed": ("suppressed", "is", True),
}

# The distinct values of an indexed column by jumping from one to the next: as many steps as values, not as rows.
_DISTINCT = """
WITH RECURSIVE found AS (
    (SELECT {key} AS key, {column} AS value FROM prospects_prospect ORDER BY {key} LIMIT 1)
    UNION ALL
    SELECT following.* FROM found CROSS JOIN LATERAL (
        SELECT {key}, {column} FROM prospects_prospect WHERE {key} > found.key ORDER BY {key} LIMIT 1) following)
SELECT value FROM found WHERE value <> '' LIMIT %s
"""
_TAGS = """
SELECT DISTINCT unnest(tags) AS tag FROM (SELECT tags FROM prospects_prospect ORDER BY id DESC LIMIT %s) newest
 ORDER BY tag LIMIT %s
"""


@dataclass(frozen=True)
class Facets:
    """What the list is narrowed to; "" is everybody.

    `site` is a domain, `owner` a user name, `segment` and `batch` (an import) are public ids.
    """

    q: str = ""
    tag: str = ""
    country: str = ""
    source: str = ""
    owner: str = ""
    reach: str = ""
    state: str = ""
    segment: str = ""
    site: str = ""
    demo: str = ""
    stage: str = ""
    batch: str = ""

    def given(self) -> dict[str, str]:
        """The facets that narrow anything."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True)
class Choices:
    """What the facets can be set to."""

    tags: list[str]
    countries: list[tuple[str, str]]
    sources: list[str]
    owners: list[User]
    segments: list[Segment]


def read(params: Mapping[str, str]) -> Facets:
    """The facets of a query string; what makes no sense narrows to nobody, never to an error."""
    return Facets(**{field.name: printable(params.get(field.name, ""))[:LONGEST] for field in fields(Facets)})


def people(facets: Facets, *, now: datetime) -> QuerySet[Prospect]:
    """Whom the facets find, in no order: neither merged nor erased people.

    States that are not of this app's facts are left to the caller. Raises segments.BadFilter.
    """
    found = with_words(Prospect.objects.present(), facets.q)
    plain = {"country": "country", "site": "site__domain"}
    found = found.filter(**{column: getattr(facets, name) for name, column in plain.items() if getattr(facets, name)})
    if facets.source:
        found = found.filter(Exact(Upper(F("source")), Upper(Value(facets.source))))
    if facets.tag:
        found = found.filter(tags__contains=[facets.tag])
    if facets.reach:
        found = found.filter(email="") if facets.reach == "none" else found.exclude(email="")
    if facets.demo:
        found = found.filter(is_demo=facets.demo == "yes")
    for key, wanted in _keys(facets).items():
        found = found.filter(Exact(F(f"{key}_id"), wanted))
    for rule in _by_rule(facets):
        found = found.filter(segments.compile(rule, now=now))
    return found.filter(_standing(facets.state)) if facets.state in HERE else found


def bounded(found: QuerySet[Prospect], facets: Facets) -> QuerySet[Prospect]:
    """The same people, for reading them newest first.

    That nobody of an import or an owner is newer than their newest goes without saying, but not to the planner: it
    would look for an old import's people from the newest person on. Count without: it tells the planner lies.
    """
    for key, wanted in _keys(facets).items():
        column = F(f"{key}_id")
        theirs = Prospect.objects.filter(GreaterThanOrEqual(column, wanted), LessThanOrEqual(column, wanted))
        newest = Coalesce(Subquery(theirs.order_by(key, "-pk").values("pk")[:1]), Value(NO_ROW))
        found = found.filter(pk__lte=newest)
    return found


def _keys(facets: Facets) -> dict[str, Combinable]:
    """The keys that the owner and the import stand for, each looked up once; NO_ROW for one that is not there."""
    rows: dict[str, QuerySet[Any]] = {}
    if facets.owner:
        rows["owner"] = User.objects.filter(username=facets.owner)
    if facets.batch:
        batches = ImportBatch.objects.all()
        rows["import_batch"] = batches.filter(public_id=facets.batch) if _is_id(facets.batch) else batches.none()
    return {key: Coalesce(Subquery(row.values("pk")[:1]), Value(NO_ROW)) for key, row in rows.items()}


def _by_rule(facets: Facets) -> list[dict[str, Any]]:
    """The facets that are a segment's conditions; one that makes no sense is nobody's."""
    nobody: dict[str, Any] = {"any": []}
    rules = []
    if facets.segment:
        chosen = segment_of(facets)
        rules.append(chosen.filter if chosen else nobody)
    if facets.stage:
        rules.append(_leaf("stage", "is", facets.stage) if facets.stage in Stage.Name.values else nobody)
    return rules


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def with_words(found: QuerySet[Prospect], text: str) -> QuerySet[Prospect]:
    """Those with every word of the text somewhere in name, company, address or handle."""
    for word in text.split()[:MOST_WORDS]:
        found = found.filter(Contains(searchable(), Upper(Value(word))))  # as the database says: not ß as SS
    return found


def _standing(state: str) -> Q:
    match state:
        case "held":
            return Q(held_at__isnull=False)
        case "protected":
            return Q(protected_at__isnull=False)
        case "stopped":
            return Q(stopped_at__isnull=False)
    return Q(suppression.names_them())


def segment_of(facets: Facets) -> Segment | None:
    """The segment that the list is narrowed to."""
    try:
        return Segment.objects.filter(public_id=UUID(facets.segment)).first()
    except ValueError:
        return None


def choices() -> Choices:
    """What to choose from, in five queries whatever the number of people."""
    countries = [(code, places.country_name(code) or code) for code in _distinct("country")]
    return Choices(
        tags=texts_of(_TAGS, [RECENT, MOST_CHOICES]),
        countries=sorted(countries, key=lambda pair: pair[1]),
        sources=_distinct("source", key="UPPER(source)"),
        owners=list(User.objects.filter(is_active=True).order_by("username")[:MOST_CHOICES]),
        segments=list(Segment.objects.order_by("name")[:MOST_CHOICES]),
    )


def _distinct(column: str, *, key: str = "") -> list[str]:
    return texts_of(_DISTINCT.format(column=column, key=key or column), [MOST_CHOICES])


def texts_of(statement: str, values: list[Any]) -> list[str]:
    """The one column of what a statement finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def as_rule(facets: Facets) -> dict[str, Any]:
    """The facets as a segment's rule; {} is everybody."""
    rules = [_words_rule(word) for word in facets.q.split()[:MOST_WORDS]]
    named = {"tag": "tags", "country": "country", "source": "source", "site": "site", "owner": "owner"}
    named |= {"stage": "stage", "batch": "import_batch"}
    rules += [_leaf(field, "is", getattr(facets, name)) for name, field in named.items() if getattr(facets, name)]
    if facets.reach:
        rules.append({"field": "email", "op": "is_empty" if facets.reach == "none" else "not_empty"})
    if facets.demo:
        rules.append(_leaf("is_demo", "is", facets.demo == "yes"))
    if facets.state in STATE_RULES:
        rules.append(_leaf(*STATE_RULES[facets.state]))
    if (chosen := segment_of(facets) if facets.segment else None) and chosen.filter:
        rules.append(chosen.filter)
    return {} if not rules else rules[0] if len(rules) == 1 else {"all": rules}


def _words_rule(word: str) -> dict[str, Any]:
    return {"any": [_leaf(field, "contains", word) for field in SEARCHED]}


def _leaf(field: str, op: str, value: object) -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})
