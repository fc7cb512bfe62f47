"""The list of people: its facets, whom they find, how many, and the same as a segment's rule."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.lookups import Contains

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.text import printable
from prospects import places, segments, suppression
from prospects.models import Prospect, Segment, searchable

COUNT_LIMIT, COSTLY_LIMIT = 10_000, 1_000  # the second for what has to look at more than the people's own rows
MOST_WORDS, LONGEST = 6, 200
MOST_CHOICES = 200
RECENT = 2_000  # tags are offered from so many of the newest people
HERE = "held", "stopped", "suppressed"  # states that this app can tell; campaigns tells the others
SEARCHED = ("first_name", "last_name", "company", "email")
NOT_SAVED = {"owner": "who looks after them", "state": "where they stand"}

# The distinct values of an indexed column by jumping from one to the next: as many steps as values, not as rows.
_DISTINCT = """
WITH RECURSIVE found AS (
    (SELECT {column} AS value FROM prospects_prospect ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM prospects_prospect WHERE {column} > found.value ORDER BY {column} LIMIT 1)
      FROM found WHERE found.value IS NOT NULL)
SELECT value FROM found WHERE value <> '' LIMIT %s
"""
_TAGS = """
SELECT DISTINCT unnest(tags) AS tag FROM (SELECT tags FROM prospects_prospect ORDER BY id DESC LIMIT %s) newest
 ORDER BY tag LIMIT %s
"""


class InvalidSegment(DomainError):
    """A segment that can't be saved under this name."""

    title = "The segment is not valid"


@dataclass(frozen=True)
class Facets:
    """What the list is narrowed to; "" is everybody. `site` is a domain, `segment` a public id, `owner` a user name."""

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


@dataclass(frozen=True)
class Count:
    """How many there are; `more` when counting ended at the limit."""

    number: int
    more: bool


def read(params: Mapping[str, str]) -> Facets:
    """The facets of a query string; what makes no sense narrows to nobody, never to an error."""
    return Facets(**{field.name: printable(params.get(field.name, ""))[:LONGEST] for field in fields(Facets)})


def people(facets: Facets) -> QuerySet[Prospect]:
    """Whom the facets find, in no order. States that are not of this app's facts are left to the caller."""
    found = with_words(Prospect.objects.all(), facets.q)
    plain = {"country": "country", "source": "source", "owner": "owner__username", "site": "site__domain"}
    found = found.filter(**{column: getattr(facets, name) for name, column in plain.items() if getattr(facets, name)})
    if facets.tag:
        found = found.filter(tags__contains=[facets.tag])
    if facets.reach:
        found = found.filter(email="") if facets.reach == "none" else found.exclude(email="")
    if facets.demo:
        found = found.filter(is_demo=facets.demo == "yes")
    if facets.segment:
        chosen = segment_of(facets)
        found = found.filter(segments.compile(chosen.filter)) if chosen else found.none()
    return found.filter(_standing(facets.state)) if facets.state in HERE else found


def with_words(found: QuerySet[Prospect], text: str) -> QuerySet[Prospect]:
    """Those with every word of the text somewhere in name, company, address or handle."""
    for word in text.split()[:MOST_WORDS]:
        found = found.filter(Contains(searchable(), word.upper()))
    return found


def _standing(state: str) -> Q:
    match state:
        case "held":
            return Q(held_at__isnull=False)
        case "stopped":
            return Q(stopped_at__isnull=False)
    return Q(suppression.names_them())


def segment_of(facets: Facets) -> Segment | None:
    """The segment that the list is narrowed to."""
    try:
        return Segment.objects.filter(public_id=UUID(facets.segment)).first()
    except ValueError:
        return None


def counted(found: QuerySet[Prospect], *, every: Sequence[Prospect] | None = None, limit: int = COUNT_LIMIT) -> Count:
    """How many, exactly up to the limit. One query; none when `every` says that these are all of them."""
    number = len(every) if every is not None else found.order_by()[: limit + 1].count()
    return Count(min(number, limit), number > limit)


def choices() -> Choices:
    """What to choose from, in five queries whatever the number of people."""
    countries = [(code, places.country_name(code) or code) for code in _distinct("country")]
    return Choices(
        tags=_column(_TAGS, [RECENT, MOST_CHOICES]),
        countries=sorted(countries, key=lambda pair: pair[1]),
        sources=_distinct("source"),
        owners=list(User.objects.filter(is_active=True).order_by("username")[:MOST_CHOICES]),
        segments=list(Segment.objects.order_by("name")[:MOST_CHOICES]),
    )


def _distinct(column: str) -> list[str]:
    return _column(_DISTINCT.format(column=column), [MOST_CHOICES])


def _column(statement: str, values: list[Any]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def as_rule(facets: Facets) -> dict[str, Any]:
    """The facets as a segment's rule, as far as `NOT_SAVED` allows; {} is everybody."""
    rules = [_words_rule(word) for word in facets.q.split()[:MOST_WORDS]]
    named = {"tag": "tags", "country": "country", "source": "source", "site": "site"}
    rules += [_leaf(field, "is", getattr(facets, name)) for name, field in named.items() if getattr(facets, name)]
    if facets.reach:
        rules.append({"field": "email", "op": "is_empty" if facets.reach == "none" else "not_empty"})
    if facets.demo:
        rules.append(_leaf("is_demo", "is", facets.demo == "yes"))
    if (chosen := segment_of(facets) if facets.segment else None) and chosen.filter:
        rules.append(chosen.filter)
    return {} if not rules else rules[0] if len(rules) == 1 else {"all": rules}


def _words_rule(word: str) -> dict[str, Any]:
    return {"any": [_leaf(field, "contains", word) for field in SEARCHED]}


def _leaf(field: str, op: str, value: object) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def save_segment(*, name: str, facets: Facets, by: User | None) -> Segment:
    """Saves what the facets find as a segment; see `as_rule`. Raises InvalidSegment for a name that is taken."""
    rule = as_rule(facets)
    segments.compile(rule)
    try:
        with transaction.atomic():
            return Segment.objects.create(name=name, filter=rule, created_by=by)
    except IntegrityError as error:
        raise InvalidSegment(problems=[Problem("name", "There is a segment of this name already.")]) from error
