"""Two transactions at once: one of them is not committed yet when the other comes to its rows."""

import time
from concurrent import futures

from django.db import connection, transaction

WAITS_FOR_US = """
SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"""


def meanwhile(work, *, under_way):
    """Does `under_way` in a transaction that commits once `work` waits for it, or is done; returns what `work` does."""
    with futures.ThreadPoolExecutor(max_workers=1) as pool:
        with transaction.atomic():
            under_way()
            other = pool.submit(_and_close, work)
            while not other.done() and not _somebody_waits():
                futures.wait([other], timeout=0.01)
        return other.result(timeout=60)


def until(what, *, seconds=180):
    """Returns once `what` is true of what another process does; fails when that takes longer.

    Beside seventy planners and workers of another test a server needs a minute for what else takes a second.
    """
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # noqa: TID251 - another process's progress, not our own pace


def _and_close(work):
    try:
        return work()
    finally:
        connection.close()


def _somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute(WAITS_FOR_US)
        return cursor.fetchone()[0]
