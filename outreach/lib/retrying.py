"""Doing a database transaction again after a deadlock or a lost connection."""

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection

log = structlog.get_logger(__name__)

Args = ParamSpec("Args")
Result = TypeVar("Result")

FIRST_WAIT = 0.1  # seconds, doubled each time
TRIES = 6


def is_away(error: BaseException | None) -> bool:
    """Whether PostgreSQL went away, or ended the transaction of its own accord: what was asked may be asked again.

    psycopg2 raises DatabaseError itself, none of its kinds, when a server ends in the middle of a statement.
    """
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError


def retried(work: Callable[Args, Result]) -> Callable[Args, Result]:
    """The verb, tried up to six times over three seconds when PostgreSQL ended a deadlock with it or went away.

    For verbs that are one transaction and may be repeated. Inside a caller's transaction nothing is retried: the
    whole of it is lost, and its owner decides.
    """

    @wraps(work)
    def call(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        if connection.in_atomic_block:
            return work(*args, **kwargs)
        for attempt in range(TRIES - 1):
            try:
                return work(*args, **kwargs)
            except Error as error:
                if not is_away(error):
                    raise
                log.warning("transaction_retried", verb=work.__qualname__, error=str(error).partition("\n")[0])
                connection.close_if_unusable_or_obsolete()
                threading.Event().wait(FIRST_WAIT * 2**attempt)
        return work(*args, **kwargs)

    return call
