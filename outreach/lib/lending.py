"""A database connection that several threads use, one at a time: what it has planned is planned for all of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper


def own() -> BaseDatabaseWrapper:
    """The connection of this thread."""
    return connections[DEFAULT_DB_ALIAS]


def another() -> BaseDatabaseWrapper:
    """One more that may be lent; whoever asked for it closes it."""
    made = connections.create_connection(DEFAULT_DB_ALIAS)
    made.inc_thread_sharing()
    return made


@contextmanager
def lendable(lender: BaseDatabaseWrapper) -> Iterator[None]:
    """Other threads may be lent it meanwhile."""
    lender.inc_thread_sharing()
    try:
        yield
    finally:
        lender.dec_thread_sharing()


@contextmanager
def lent(lender: BaseDatabaseWrapper) -> Iterator[None]:
    """In this thread `django.db.connection` is that one meanwhile. The caller sees to it that nobody else uses it."""
    before = own()
    connections[DEFAULT_DB_ALIAS] = lender
    try:
        yield
    except Error:
        lender.close_if_unusable_or_obsolete()
        raise
    finally:
        connections[DEFAULT_DB_ALIAS] = before
