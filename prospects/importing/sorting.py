"""Sorting what an import added into the search indexes, beside the import rather than in its way.

Such an index (GIN) collects what is new in a list and sorts it in when the list is long, which is a third of adding a
person. Here another connection does that all the time: both processors have work, and the list, which every search
reads through, stays short.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import structlog
from django.db import DatabaseError, connection

log = structlog.get_logger(__name__)

INDEXES = ("prospect_search", "prospect_tags")


@contextmanager
def beside() -> Iterator[Callable[[], None]]:
    """Gives what is to be called after every chunk; it never waits. Leaving waits for the last sorting."""
    with ThreadPoolExecutor(1, "sorting") as pool:
        last: list[Future[None]] = []

        def sort() -> None:
            if not last or last[0].done():
                last[:] = [pool.submit(_sort_in)]

        try:
            yield sort
        finally:
            if last:
                pool.submit(_sort_in)
                pool.submit(_disconnect)


def _sort_in() -> None:
    """Whoever may not do this (the owner of the tables may) leaves it to the import and to autovacuum."""
    try:
        with connection.cursor() as cursor:
            for index in INDEXES:
                cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [index])
    except DatabaseError as error:
        log.warning("index_not_sorted", error=str(error).strip())


def _disconnect() -> None:
    """The connection of this thread; nobody else closes it."""
    connection.close()
