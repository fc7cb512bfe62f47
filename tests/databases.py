"""The tests' databases: every worker's is a copy of one that was migrated once, and is emptied by what was written."""

import hashlib
import os
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection
from django.test.testcases import TransactionTestCase

from tests.installation import PROJECT

MIGRATED = "test_migrated_"
EMPTY = """
CREATE OR REPLACE FUNCTION test_empty() RETURNS void LANGUAGE plpgsql
SET session_replication_role = replica  -- neither keys between tables nor guards against deletion
AS $$
BEGIN
    %s
END $$"""
EMPTY_ONE = "IF EXISTS (SELECT FROM {0}) THEN DELETE FROM {0}; END IF;"
MADE_WITH_TABLES = {"django_content_type", "auth_permission", "django_migrations"}


def template():
    """The name of a database with the schema of these files and of these packages, made when there is none."""
    found = hashlib.sha256()
    for path in (PROJECT / "requirements.txt", *sorted(PROJECT.glob("*/migrations/*.py"))):
        found.update(str(path.relative_to(PROJECT)).encode() + path.read_bytes())
    name = MIGRATED + found.hexdigest()[:16]
    with connection._nodb_cursor() as cursor, _alone(cursor):
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [MIGRATED])
        known = {row[0] for row in cursor.fetchall()}
        for old in known - {name}:
            cursor.execute(f'DROP DATABASE "{old}" WITH (FORCE)')
        if name not in known:
            _make(cursor, name)
    return name


@contextmanager
def _alone(cursor):
    """One worker makes it, the others wait."""
    cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [MIGRATED])
    yield
    cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [MIGRATED])


def _make(cursor, name):
    """It has its name once it is complete."""
    half = name.replace(MIGRATED, "test_half_migrated_")
    cursor.execute(f'DROP DATABASE IF EXISTS "{half}"')
    cursor.execute(f'CREATE DATABASE "{half}"')
    usual = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = half
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
    cursor.execute(f'ALTER DATABASE "{half}" RENAME TO "{name}"')


def prepare():
    """What emptying takes is planned once, and a commit waits for no disk.

    What survives the server's end is asked with DURABLE=1 (tests/faults).
    """
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    with connection.cursor() as cursor:
        cursor.execute(EMPTY % "\n    ".join(EMPTY_ONE.format(name) for name in sorted(tables - MADE_WITH_TABLES)))
    hurry()


def hurry():
    if os.environ.get("DURABLE"):
        return
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" SET synchronous_commit = off')
    connection.close()


def empty(case):
    """After a test with real transactions; Django's flush takes a fifth of a second, and makes all permissions anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT test_empty()")


TransactionTestCase._fixture_teardown = empty
