"""Session locks of the database: gone with the connection, so a killed worker blocks nobody."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def held(*number: int, wait: bool = False) -> Iterator[bool]:
    """Yields True when this connection alone holds the advisory lock: one number, or two of 32 bits each.

    False when another one holds it, unless one waits for its end.
    """
    key = ", ".join(["%s"] * len(number))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_{'' if wait else 'try_'}advisory_lock({key})", number)
        taken = wait or bool(cursor.fetchone()[0])
    try:
        yield taken
    finally:
        if taken and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_advisory_unlock({key})", number)
        elif taken:
            connection.close()  # in a transaction that failed nothing else lets it go
