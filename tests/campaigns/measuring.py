"""What PostgreSQL did for a query: how that grows with the tables is the same on every machine."""

import json

from django.db import connection


def rows_passed(query):
    """How many rows the steps of its plan handed on, all in all: with each row of one table beside each of another,
    more than the product of both."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    (plan,) = json.loads(query.explain(analyze=True, format="json"))
    return _passed(plan["Plan"])


def _passed(step):
    return step["Actual Rows"] * step["Actual Loops"] + sum(map(_passed, step.get("Plans", ())))
