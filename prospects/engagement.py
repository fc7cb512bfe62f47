"""When people were last written to and what they did last: facts that only ever move forward. In sets."""

from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

from prospects.models import Prospect

COLUMNS = ("contacted_at", "clicked_at", "replied_at", "bounced_at")

_NEWEST = ", ".join(f"max(t.{name}) AS {name}" for name in COLUMNS)
_NOTE = f"""
INSERT INTO prospects_engagement AS o (prospect_id, {", ".join(COLUMNS)})
SELECT p.id, {_NEWEST}
  FROM ({{facts}}) t
  JOIN prospects_prospect row ON row.id = t.prospect_id
  JOIN prospects_prospect p ON p.id = coalesce(row.person_id, row.id) AND p.erased_at IS NULL
 GROUP BY p.id ORDER BY p.id
    ON CONFLICT (prospect_id) DO UPDATE
   SET {", ".join(f"{name} = greatest(o.{name}, excluded.{name})" for name in COLUMNS)}
 WHERE {" OR ".join(f"excluded.{name} > coalesce(o.{name}, '-infinity')" for name in COLUMNS)}
"""  # noqa: S608
_OF_ROW = f"SELECT prospect_id, {', '.join(COLUMNS)} FROM prospects_engagement WHERE prospect_id = %(merged)s"  # noqa: S608


@transaction.atomic
def note(*, facts: str, values: Mapping[str, Any]) -> int:
    """Keeps the newest of what is known and what is told; returns for how many people something was new.

    `facts` is a SELECT of prospect_id, contacted_at, clicked_at, replied_at and bounced_at. One statement; harmless
    when repeated, late or out of order. What is told of a row that was merged away is about its person.
    """
    with connection.cursor() as cursor:
        cursor.execute(_NOTE.format(facts=facts), dict(values))
        return int(cursor.rowcount)


def take_over(*, merged: Prospect) -> None:
    """After a merge: what the merged row did, its person did. Call it once `merged.person` is stored."""
    note(facts=_OF_ROW, values={"merged": merged.pk})
