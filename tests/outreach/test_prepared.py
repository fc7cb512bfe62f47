"""Statements that are planned once, and the values that reach them."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from hypothesis import example, given
from hypothesis import strategies as st

from outreach.lib.prepared import Prepared, run

pytestmark = pytest.mark.django_db

TEXTS = Prepared("SELECT unnest($1)", ("text[]",))
TIMES = Prepared("SELECT n, at FROM unnest($1, $2) AS told (n, at)", ("bigint[]", "timestamptz[]"))


@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
@example(["", "NULL", "null", "{}", '"', "\\", '\\"', "a,b", " x ", "'", "%s", "$1", "\r\n\t", None])
def test_gives_texts_as_they_are(texts):
    with connection.cursor() as cursor:
        assert [text for (text,) in run(cursor, (TEXTS, [texts]))] == texts


def test_gives_numbers_and_instants_as_they_are():
    at = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
    with connection.cursor() as cursor:
        assert run(cursor, (TIMES, [[1, -(2**62), None], [at, None, at]])) == [(1, at), (-(2**62), None), (None, at)]
