"""Suppressing many at once: what each line names, whom it concerns, and then the stop itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import User
from campaigns import stopping
from outreach.lib.errors import DomainError
from prospects import identity, suppression_lists
from prospects import suppression as facts
from prospects.models import Suppression

MOST_LINES = 500
COUNTED = 10_000
CONCERNED = """
WITH known AS MATERIALIZED (
    SELECT wanted.key, person.id FROM unnest(%(keys)s::varchar(300)[]) AS wanted(key), LATERAL (
        SELECT id FROM prospects_prospect WHERE contact_keys @> ARRAY[wanted.key] LIMIT %(most)s) person
), running AS (
    SELECT DISTINCT enrollment.prospect_id AS id FROM campaigns_enrollment enrollment
    JOIN campaigns_campaign campaign ON campaign.id = enrollment.campaign_id
    WHERE enrollment.prospect_id IN (SELECT id FROM known) AND enrollment.state = 'active'
        AND campaign.state = 'running' AND campaign.rehearsal_of_id IS NULL
)
SELECT known.key, count(DISTINCT known.id), count(DISTINCT running.id)
FROM known LEFT JOIN running USING (id) GROUP BY GROUPING SETS ((known.key), ())"""  # the row without a key: everybody


class TooManyLines(DomainError):
    """More lines than are taken at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One address or domain to suppress: how many people here it concerns, how many of them in running campaigns."""

    kind: str
    value: str
    key: str
    known: int = 0
    running: int = 0
    is_there: bool = False

    @property
    def line(self) -> str:
        """What somebody writes to name it."""
        before = {Suppression.Kind.X: "@", Suppression.Kind.LINKEDIN: "linkedin.com/"}
        return before.get(Suppression.Kind(self.kind), "") + self.value

    @property
    def is_free_mail(self) -> bool:
        """Whether strangers share this domain."""
        return self.kind == Suppression.Kind.DOMAIN and identity.is_free_mail(self.value)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that names nobody, and why."""

    number: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Concerned:
    """What was asked for: the good lines with their people, the bad ones, and everybody together.

    People are counted to 10,000 for each line.
    """

    entries: tuple[Entry, ...]
    bad: tuple[BadLine, ...]
    known: int = 0
    running: int = 0


def look_up(*, text: str) -> Concerned:
    """Reads one address or domain a line and says whom it concerns; nothing is stored. Raises TooManyLines."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(lines) > MOST_LINES:
        raise TooManyLines(f"At most {MOST_LINES} lines at once; these are {len(lines):,}.")
    entries, bad = _read(lines)
    counts = _counted(list(entries))
    there = set(Suppression.objects.filter(key__in=entries).values_list("key", flat=True))
    known, running = counts.get(None, (0, 0))
    return Concerned(
        entries=tuple(
            Entry(kind, value, key, *counts.get(key, (0, 0)), is_there=key in there)
            for key, (kind, value) in entries.items()
        ),
        bad=tuple(bad),
        known=known,
        running=running,
    )


def suppress_all(
    *, entries: Iterable[Entry], reason: str, source: str, by: User | None, expires_at: datetime | None = None
) -> int:
    """Stops each in a transaction of its own; returns how many were not on the list before."""
    created = (
        stopping.suppress(
            kind=entry.kind, value=entry.value, reason=reason, source=source, by=by, expires_at=expires_at
        )[1]
        for entry in entries
    )
    return sum(created)


def listed(*, search: str = "", reason: str = "", kind: str = "") -> QuerySet[Suppression]:
    """The list, searched by an address, handle or page in any spelling, or by a part of what is shown of it."""
    found = Suppression.objects.select_related("created_by")
    if reason in Suppression.Reason.values:
        found = found.filter(reason=reason)
    if kind in Suppression.Kind.values:
        found = found.filter(kind=kind)
    if search:
        keys = [identity.key_for(name, search) for name in Suppression.Kind.values]
        found = found.filter(Q(key__in=keys) | Q(value__icontains=search))
    return found


def known_people(*, key: str) -> int:
    """How many people a suppression of this key is about, counted to 10,000."""
    return _counted([key]).get(None, (0, 0))[0]


def _read(lines: Sequence[tuple[int, str]]) -> tuple[dict[str, tuple[str, str]], list[BadLine]]:
    """Kind and value by key, so that what is said twice counts once; and the lines that name nobody."""
    entries: dict[str, tuple[str, str]] = {}
    bad = []
    for number, line in lines:
        kind = suppression_lists.kind_of(line)
        try:
            value, key = facts.named(kind=kind, value=line)
        except identity.BadAddress as error:
            bad.append(BadLine(number, line[:100], str(error)))
        else:
            entries.setdefault(key, (kind, value))
    return entries, bad


def _counted(keys: Sequence[str]) -> dict[str | None, tuple[int, int]]:
    """By key how many people are known and how many of them are in running campaigns; None is everybody together."""
    with connection.cursor() as cursor:
        cursor.execute(CONCERNED, {"keys": list(keys), "most": COUNTED})
        return {key: (known, running) for key, known, running in cursor.fetchall()}
