"""How many people a list holds: exactly as far as that is quick, else about, by the planner's estimate."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Case, CharField, Q, QuerySet, Value, When
from psycopg2.errors import QueryCanceled

from outreach.lib import words
from prospects.models import Prospect

LIMIT = 10_000
MOST_MS = 100  # of counting: a page shows about how many rather than let its reader wait
DIGITS = 2  # of an estimate that mean anything
ALL = 2**31  # a limit that cuts nothing off: each person is sorted once, before the groups are made


@dataclass(frozen=True)
class Count:
    """How many there are; `about` when that is an estimate."""

    number: int
    about: bool = False

    @property
    def amount(self) -> str:
        """The number as it is read: 1,234 or about 230,000."""
        return f"about {self.number:,}" if self.about else f"{self.number:,}"

    @property
    def people(self) -> str:
        """1 person, 1,234 people, about 230,000 people."""
        return f"about {words.people(self.number)}" if self.about else words.people(self.number)


def counted(found: QuerySet[Prospect], *, every: Sequence[Any] | None = None) -> Count:
    """How many there are: exact to 10,000. No query when `every` says that these are all of them.

    Beyond that, or where counting takes longer than `MOST_MS`, the planner's estimate in two digits.
    """
    if every is not None:
        return Count(len(every))
    exact = _exactly(found)
    if exact is not None and exact <= LIMIT:
        return Count(exact)
    return Count(_rounded(max(_estimated(found), 0 if exact is None else LIMIT)), about=True)


def first_of(reasons: Mapping[str, Q], *, otherwise: str) -> Case:
    """For each person the first reason that fits."""
    cases = [When(condition, then=Value(reason)) for reason, condition in reasons.items()]
    return Case(*cases, default=Value(otherwise), output_field=CharField())


def by_reason(found: QuerySet[Prospect], reasons: Mapping[str, Q], *, otherwise: str) -> dict[str, int]:
    """How many people there are for each reason, everybody counted under the first that fits. One query."""
    first = found.order_by().annotate(reason=first_of(reasons, otherwise=otherwise)).values("reason")[:ALL]
    statement, values = first.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT reason, count(*) FROM ({statement}) people GROUP BY reason", values)  # noqa: S608
        return dict(cursor.fetchall())


def _exactly(found: QuerySet[Prospect]) -> int | None:
    """As far as one more than the limit; None when it takes too long."""
    try:
        with _in_time(MOST_MS):
            return found.order_by()[: LIMIT + 1].count()
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return None


@contextmanager
def _in_time(milliseconds: int) -> Iterator[None]:
    """Ends a statement that takes longer; what was set before holds again afterwards, also inside a transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        before = cursor.fetchone()[0]
        setting = "SELECT set_config('statement_timeout', %s, true)"
        cursor.execute(setting, [str(milliseconds)])
        yield
        cursor.execute(setting, [before])


def _estimated(found: QuerySet[Prospect]) -> int:
    (plan,) = json.loads(found.order_by().values("pk").explain(format="json"))
    return int(plan["Plan"]["Plan Rows"])


def _rounded(number: int) -> int:
    return round(number, min(0, DIGITS - len(str(number))))
