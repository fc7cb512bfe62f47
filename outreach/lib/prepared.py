"""Statements that PostgreSQL plans once per connection rather than once per call.

For the few that run for every message: planning the gate costs more than asking it. A cached plan follows the tables'
statistics (PostgreSQL plans anew after ANALYZE), and is gone with its connection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection
from django.db.backends.utils import CursorWrapper

_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Prepared:
    """A statement with $1, $2 … and the types of these values."""

    sql: str
    types: tuple[str, ...]

    @cached_property
    def name(self) -> str:
        """Of its text, so that two statements never share a plan."""
        return "p_" + sha256(self.sql.encode()).hexdigest()[:24]

    def call(self) -> str:
        """The words to run it with, its values as %s; only on a connection that `ready` was told of."""
        return f"EXECUTE {self.name}({', '.join(['%s'] * len(self.types))})"


def ready(cursor: CursorWrapper, *statements: Prepared) -> None:
    """Has the connection plan the statements, unless it did before.

    Once, whatever their values are: PostgreSQL would plan anew for each of the first five calls.
    """
    known = _known.setdefault(connection.connection, set())
    if not known:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
    for statement in statements:
        if statement.name not in known:
            cursor.execute(f"PREPARE {statement.name} ({', '.join(statement.types)}) AS {statement.sql}")
            known.add(statement.name)


def run(cursor: CursorWrapper, *calls: tuple[Prepared, Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Runs the statements in one transaction and one trip to the server; what the last one gives back.

    Each sees what was committed before it began, also while the one before it waited (READ COMMITTED).
    """
    ready(cursor, *(statement for statement, _ in calls))
    values = [_array(value) if isinstance(value, list) else value for _, values in calls for value in values]
    cursor.execute("; ".join(statement.call() for statement, _ in calls), values)
    return list(cursor.fetchall()) if cursor.description else []


def _array(values: list[Any]) -> str:
    """A list as PostgreSQL writes it: read as one value, where psycopg2's is an expression to plan."""
    return "{" + ",".join(_element(value) for value in values) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
