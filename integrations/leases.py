"""One worker owns a mailbox at a time: a lease with a fencing token, in the database's time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import Error, connection

log = structlog.get_logger(__name__)

TTL_SECONDS = 30

_TAKE = """
UPDATE integrations_mailbox
   SET lease_token = lease_token + 1, lease_owner = %s, lease_until = clock_timestamp() + make_interval(secs => %s)
 WHERE id = %s AND (lease_until IS NULL OR lease_until < clock_timestamp())
RETURNING lease_token
"""
_RENEW = """
UPDATE integrations_mailbox SET lease_until = clock_timestamp() + make_interval(secs => %s)
 WHERE id = %s AND lease_token = %s
"""
_RELEASE = "UPDATE integrations_mailbox SET lease_until = NULL, lease_owner = '' WHERE id = %s AND lease_token = %s"


def take(*, mailbox_id: int, owner: str) -> int | None:
    """Returns a token greater than every one before it, or None while somebody else's lease lives."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [owner[:100], TTL_SECONDS, mailbox_id])
        row = cursor.fetchone()
    return row[0] if row else None


def release(*, mailbox_id: int, token: int) -> None:
    """Gives the mailbox back; does nothing when the lease was lost."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [mailbox_id, token])


@contextmanager
def kept_alive(*, mailbox_id: int, token: int) -> Iterator[None]:
    """Renews the lease from a thread of its own, so that a slow server's worker is never overtaken while it lives."""
    done = threading.Event()

    def renew() -> None:
        try:
            while not done.wait(TTL_SECONDS / 3):
                _renew_once(mailbox_id, token)
        finally:
            connection.close()  # the thread's own connection

    keeper = threading.Thread(target=renew, name=f"lease-{mailbox_id}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


def _renew_once(mailbox_id: int, token: int) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_RENEW, [TTL_SECONDS, mailbox_id, token])
    except Error as error:  # the next turn tries again; a lease that runs out is safe
        log.warning("lease_not_renewed", mailbox_id=mailbox_id, error=type(error).__name__)
        connection.close()
