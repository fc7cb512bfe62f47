"""What a data folder of an older version gets when it is migrated."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

WRITTEN = "SELECT indexdef FROM pg_indexes WHERE indexname = 'enrollment_written'"


def index():
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        return cursor.fetchone()


@pytest.mark.django_db(transaction=True)
def test_adds_the_index_that_an_older_folder_lacks():
    made = index()
    call_command("migrate", "campaigns", "0010", stdout=StringIO())
    try:
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX enrollment_written")
    finally:
        call_command("migrate", stdout=StringIO())
    assert index() == made is not None
    call_command("migrate", "campaigns", "0010", stdout=StringIO())
    call_command("migrate", stdout=StringIO())  # where it is there already
    assert index() == made
