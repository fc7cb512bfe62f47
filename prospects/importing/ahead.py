"""Making ready in a process beside this one: while the database takes one thing, the other processor makes the next."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from traceback import format_exception
from typing import Any, Never, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

T = TypeVar("T")


class Lost(Exception):
    """The process beside this one ended without a word; somebody may have killed it."""


@contextmanager
def beside(make: Callable[[], Iterator[T]]) -> Iterator[Iterator[T]]:
    """What `make` gives, worked out by a copy of this process that is one thing ahead; what it raises is raised here.

    The copy sees all that this one knew, and has a connection of its own: it finds what was committed. Leaving ends it.
    """
    ours, theirs = Pipe(duplex=False)
    copy = os.fork()
    if not copy:
        _work(make, theirs)
    theirs.close()
    try:
        yield _received(ours)
    finally:
        os.kill(copy, signal.SIGKILL)
        os.waitpid(copy, 0)
        ours.close()


def _received(ours: Connection) -> Iterator[Any]:
    while True:
        try:
            kind, value = ours.recv()
        except EOFError:
            raise Lost("What read the file ended before its time.") from None
        if kind is None:
            return
        if kind is Exception:
            raise value
        yield value


def _work(make: Callable[[], Iterator[Any]], theirs: Connection) -> Never:
    """The life of the copy. When nobody listens any more, writing ends it."""
    try:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)  # they are meant for the process that it works for
        inherited = connections[DEFAULT_DB_ALIAS]  # noqa: F841 - kept, else it would say good-bye to the server
        del connections[DEFAULT_DB_ALIAS]
        # The server is to see it at once when the other process dies.
        os.closerange(3, theirs.fileno())
        os.closerange(theirs.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        _send_all(make, theirs)
    finally:
        os._exit(0)


def _send_all(make: Callable[[], Iterator[Any]], theirs: Connection) -> None:
    try:
        for made in make():
            theirs.send((object, made))
        theirs.send((None, None))
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised in the other process
        error.add_note("".join(format_exception(error)))
        theirs.send((Exception, error))
