"""A database that is put back; the fixture is known to every test through tests/conftest.py."""

import uuid

import pytest
from django.db import connection

from tests import databases


class Backup:
    """A copy of the whole database, and the way back."""

    def __init__(self):
        self.name, self.copy = connection.settings_dict["NAME"], f"backup_{uuid.uuid4().hex[:12]}"
        self._copy(self.name, self.copy)

    def restore(self, *, again=False):
        """The copy takes the database's place, which costs no second copy; or stays, to be restored `again`."""
        connection.close()
        self.forget(self.name)
        if again:
            self._copy(self.copy, self.name)
        else:
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"ALTER DATABASE {self.copy} RENAME TO {self.name}")
        databases.hurry()  # a copy has the rows, and none of the settings

    def forget(self, name=None):
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name or self.copy} WITH (FORCE)")

    def _copy(self, source, target):
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [source])
            cursor.execute(f"CREATE DATABASE {target} TEMPLATE {source}")


@pytest.fixture
def backup():
    made = []

    def make():
        made.append(Backup())
        return made[-1]

    yield make
    for each in made:
        each.forget()
