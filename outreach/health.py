"""Is it alive, and can it work? In words, and in time even when a server it asks hangs."""

import select
import time
from collections.abc import Callable

import psycopg2
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from psycopg2.extensions import POLL_OK, POLL_READ
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from campaigns import reaching

PATIENCE = 1.3  # seconds for each server: both hung still answer within three
BEAT_IS_LATE_AFTER = 60  # seconds
# How long ago beat last ticked, and since when the journal of opt-outs can't be written (seconds).
AGES = """SELECT unnest(ARRAY[extract(epoch FROM clock_timestamp() - ticked_at)::float,
                               extract(epoch FROM clock_timestamp() - journal_failed_at)::float])
            FROM campaigns_sendingcontrol"""

Word = tuple[bool, str]  # fine or not, and a sentence


class Hung(Exception):
    """The database did not answer in time."""


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Alive: this process answers. Asks nobody else, so that a dead database never restarts the web server.

    A header says which installation this is: the pre-flight finds out by it where the public address leads.
    """
    whose = {reaching.HEADER: reaching.fingerprint()}
    return HttpResponse("alive\n", content_type="text/plain", headers=whose)


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when database, broker, beat and journal of opt-outs all work, else 503; says which does not, and how."""
    database, beat, journal = _database_beat_and_journal()
    words = {"database": database, "broker": _broker(), "beat": beat, "journal": journal}
    fine = all(good for good, _ in words.values())
    body = {"ready": fine, **{name: sentence for name, (_, sentence) in words.items()}}
    return JsonResponse(body, status=200 if fine else 503)


def _database_beat_and_journal() -> tuple[Word, Word, Word]:
    untold = (False, "can't be told without the database")
    try:
        ages = _ask(AGES, patience=PATIENCE)
    except (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedColumn):
        return (False, "answers, but was never migrated: run manage.py migrate"), (False, "no tick yet"), untold
    except Hung:
        return (False, f"no answer within {PATIENCE} s"), untold, untold
    except psycopg2.Error:
        return (False, "can't be reached"), untold, untold
    ticked, failed = ages or (None, None)
    return (True, "answers"), _beat(ticked), _journal(failed)


def _beat(age: float | None) -> Word:
    if age is None:
        return False, "no tick yet"
    if age > BEAT_IS_LATE_AFTER:
        return False, f"last tick {age:.0f} s ago: is beat running, and a worker?"
    return True, "ticks"


def _journal(age: float | None) -> Word:
    if age is None:
        return True, "writes"
    return False, f"opt-outs can't be written outside the database since {age:.0f} s: is the disk full?"


def _broker() -> Word:
    client = Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()
    except RedisError as error:
        return False, f"no answer ({type(error).__name__})"
    finally:
        client.close()
    return True, "answers"


def _ask(sql: str, *, patience: float) -> list[float | None]:
    """Runs one query on a connection of its own and returns its first column. Raises Hung, psycopg2.Error.

    libpq's `connect_timeout` counts whole seconds and says nothing about a query, so the connection is asynchronous and
    every wait is ours.
    """
    deadline = time.monotonic() + patience
    link = psycopg2.connect(**_parameters(), async_=True)
    try:
        _wait(link.poll, link.fileno, deadline)
        cursor = link.cursor()
        cursor.execute(sql)
        _wait(link.poll, link.fileno, deadline)
        return [row[0] for row in cursor.fetchall()]
    finally:
        link.close()


def _parameters() -> dict[str, object]:
    wanted = ("dbname", "user", "password", "host", "port", "sslmode", "service", "passfile")
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in wanted if name in parameters}


def _wait(poll: Callable[[], int], fileno: Callable[[], int], deadline: float) -> None:
    while (state := poll()) != POLL_OK:
        left = deadline - time.monotonic()
        reading, writing = ([fileno()], []) if state == POLL_READ else ([], [fileno()])
        if left <= 0 or not any(select.select(reading, writing, [], left)):
            raise Hung
