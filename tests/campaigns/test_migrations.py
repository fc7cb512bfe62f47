"""What a data folder of an older version gets when it is migrated."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

WRITTEN = "SELECT indexdef FROM pg_indexes WHERE indexname = 'enrollment_written'"


def index():
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        return cursor.fetchone()


@pytest.fixture
def again(transactional_db):
    """Does once more what the migration does, on the tables as they are."""

    def work():
        added = MigrationLoader(connection).get_migration("campaigns", "0011_enrollment_written")
        with connection.schema_editor(atomic=added.atomic) as editor:
            added.apply(ProjectState(), editor)

    return work


def test_adds_the_index_that_an_older_folder_lacks(again):
    made = index()
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX enrollment_written")
    again()
    assert index() == made is not None
    again()  # where it is there already
    assert index() == made


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
def test_adds_that_index_on_the_way_from_an_older_version():
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
