"""What `manage.py run` does: the parts of one installation as child processes, under one readable log."""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from redis import Redis, RedisError

from outreach import embedded
from outreach.embedded import processes

PROJECT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 7.0  # for web, worker and beat; then the demo world, which answers them until the end
DEMO_STOP_SECONDS = 2.0
LONGEST_BACKOFF = 30.0
_HEALTHY_SECONDS = 30.0  # a child that lived so long has its failures forgiven
_PORT_SECONDS = 3.0  # the web of a run that was just killed needs a moment to let go
_NAME_WIDTH = 6
_COLOURS = {"run": 37, "web": 36, "worker": 32, "mail": 34, "beat": 35, "demo": 33}
_LONGEST_LINE = 65536
_CALM_SECONDS, _LONGEST_START = 4.0, 60.0  # without a line in the log; after the web answered
LOST = "Note it down: it is kept nowhere. A new one: .venv/bin/python manage.py changepassword admin"
_ADDRESSES = {"Open": "/", "API": "/api/v1/docs/", "State": "/ready"}


@dataclass(frozen=True)
class Program:
    """One child: its name in the log and its command."""

    name: str
    command: Sequence[str]


def programs(*, port: int, demo: bool) -> list[Program]:
    """What one installation consists of."""
    python = sys.executable
    celery = [python, "-m", "celery", "--quiet", "-A", "outreach"]
    web = ["--worker-class", "gthread", "--threads", "8", "--no-control-socket", "--graceful-timeout", "5"]
    worker = [*celery, "worker", "--loglevel", "info", "--without-gossip", "--without-mingle"]
    found = [
        Program("web", [python, "-m", "gunicorn", "outreach.wsgi", *web, "-b", f"127.0.0.1:{port}"]),
        Program("worker", [*worker, "-n", "ticks@%h", "-Q", "celery", "--pool", "prefork", "--concurrency", "2"]),
        Program("mail", [*worker, "-n", "mail@%h", "-Q", "mail", "--pool", "threads", "--concurrency", "16"]),
        Program("beat", [*celery, "beat", "-S", "django", "--loglevel", "info"]),
    ]
    return [*found, Program("demo", [python, "manage.py", "demo"])] if demo else found


def check_servers() -> None:
    """Raises CommandError with a sentence when PostgreSQL or Redis, wherever they are, does not answer."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        why = str(error).partition("\n")[0]
        raise CommandError(
            f"PostgreSQL can't be reached: {why}. "
            "Start it or mend DATABASE_URL; without DATABASE_URL an embedded one is used."
        ) from error
    try:
        Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5).ping()
    except RedisError as error:
        raise CommandError(
            f"Redis can't be reached: {error}. Start it or mend REDIS_URL; without REDIS_URL an embedded one is used."
        ) from error


def port_from(environ: Mapping[str, str]) -> int:
    """The port to serve on: PORT, or 8000. Raises CommandError when it is no port or somebody else's."""
    said = environ.get("PORT") or "8000"
    if not said.isdecimal() or not 0 < int(said) < 65536:
        raise CommandError(f"PORT={said} is not a port: choose a number from 1 to 65535, as in `PORT=8001 make run`.")
    port = int(said)
    deadline = time.monotonic() + _PORT_SECONDS
    while not _free(port):
        if time.monotonic() > deadline:
            other = port + 1 if port < 65535 else 8001
            raise CommandError(
                f"Port {port} is in use by another program, perhaps by Outreach itself: stop that one, "
                f"or choose another port with `PORT={other} make run`."
            )
        processes.pause(0.1)
    return port


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise CommandError(
                f"Port {port} is reserved for root: choose another, as in `PORT=8001 make run`."
            ) from error
        except OSError:
            return False
    return True


class Log:
    """One stream for all: each line begins with the name of the process that said it, in its colour on a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.on_terminal = out.isatty()
        self.spoken_at = time.monotonic()
        self._coloured = self.on_terminal and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()
        self._begun: dict[str, bytes] = {}

    def feed(self, name: str, data: bytes) -> None:
        """Take what a process wrote; whole lines are printed, the rest waits for its end."""
        *lines, rest = (self._begun.get(name, b"") + data).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        self._begun[name] = rest
        for line in lines:
            self.say(line.decode(errors="replace").rstrip("\r"), name=name)

    def finish(self, name: str) -> None:
        """The process ended: print the line it did not finish."""
        if rest := self._begun.pop(name, b""):
            self.say(rest.decode(errors="replace"), name=name)

    def say(self, text: str, *, name: str = "run") -> None:
        """Print a line, or several."""
        mark = f"{name:<{_NAME_WIDTH}} |"
        if self._coloured:
            mark = f"\x1b[{_COLOURS.get(name, 37)}m{mark}\x1b[0m"
        with self._lock, contextlib.suppress(OSError):  # nobody reads any more: stopping matters more
            self._out.write("".join(f"{mark} {line}\n" for line in text.split("\n")))
            self._out.flush()
            self.spoken_at = time.monotonic()


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    next_try: float = field(default_factory=time.monotonic)


class Runner:
    """Starts the programs, restarts what dies, announces readiness, and stops everything on a signal."""

    def __init__(self, *, children: Sequence[Program], port: int, out: TextIO, password: str | None = None) -> None:
        self.log = Log(out)
        self.port = port
        self._password = password
        self._children = [_Child(program) for program in children]
        self._ending = threading.Event()
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Return after SIGINT, SIGTERM or SIGHUP, when every child is gone."""
        signals = processes.Signals(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
        self._selector.register(signals.reader, selectors.EVENT_READ)
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        try:
            while not signals.arrived() & {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}:
                for child in self._children:
                    self._look_after(child)
                self._pump(0.25)
        finally:
            self._ending.set()
            self._stop()
            self._tell_password()
            watcher.join(timeout=1)

    def _watch(self) -> None:
        """Beside the log: keep the embedded servers up, and say once that the web answers.

        On a terminal the first password is said again below what all processes said while they started; a file that the
        output is sent to gets it once.
        """
        announced_at = None
        while not self._ending.wait(1.0):
            try:
                embedded.provide()
            except embedded.EmbeddedError as error:
                self.log.say(str(error))
            if announced_at is None and _ready(self.port):
                announced_at = time.monotonic()
                self.log.say(welcome(self.port, self._password))
                self._password = self._password if self.log.on_terminal else None
            elif announced_at is not None and self._is_calm(announced_at):
                self._tell_password()
                self._password = None

    def _is_calm(self, announced_at: float) -> bool:
        now = time.monotonic()
        return now - self.log.spoken_at > _CALM_SECONDS or now - announced_at > _LONGEST_START

    def _look_after(self, child: _Child) -> None:
        """Start a child that is not there, waiting longer each time it dies young."""
        now = time.monotonic()
        if child.process is not None:
            if child.process.poll() is None:
                return
            _end_group(child.process.pid)
            child.failures = 1 if now - child.started > _HEALTHY_SECONDS else child.failures + 1
            delay = min(0.5 * 2**child.failures, LONGEST_BACKOFF)
            child.next_try = now + delay
            status = _in_words(child.process.returncode)
            self.log.say(f"{child.program.name} ended ({status}) and starts again in {delay:.0f} s")
            child.process = None
        if now >= child.next_try:
            self._start(child)

    def _start(self, child: _Child) -> None:
        child.started = time.monotonic()
        reader, writer = os.pipe()
        child.process = processes.start(
            child.program.command,
            directory=PROJECT,
            output=writer,
            on_orphaned=signal.SIGKILL,  # nobody would restart or stop it; the ledger survives any kill
            environ=_environ(),
        )
        os.close(writer)
        self._selector.register(reader, selectors.EVENT_READ, child.program.name)

    def _pump(self, seconds: float) -> None:
        """Print what the children wrote, waiting at most `seconds` for it."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                continue
            data = os.read(key.fd, 65536)
            if data:
                self.log.feed(key.data, data)
            else:
                self._selector.unregister(key.fd)
                os.close(key.fd)
                self.log.finish(key.data)

    def _stop(self) -> None:
        self.log.say("stopping")
        last = [child for child in self._children if child.program.name == "demo"]
        first = [child for child in self._children if child not in last]
        self._end(first, seconds=STOP_SECONDS)
        self._end(last, seconds=DEMO_STOP_SECONDS)
        self._pump(0)
        self.log.say("stopped")

    def _end(self, children: Sequence[_Child], *, seconds: float) -> None:
        running = [child.process for child in children if child.process is not None]
        processes.send([process.pid for process in running if process.poll() is None], signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while any(process.poll() is None for process in running) and time.monotonic() < deadline:
            self._pump(0.05)
        for process in running:
            _end_group(process.pid)
            process.wait()

    def _tell_password(self) -> None:
        """It is told once and stored nowhere: also when the web never answered."""
        if self._password is not None:
            self.log.say(f"Sign in as admin with the password {self._password}\n{LOST}")


def welcome(port: int, password: str | None) -> str:
    """A box with the addresses, and with the first administrator's password while nobody was told."""
    base = f"http://127.0.0.1:{port}"
    lines = ["Outreach is ready", ""]
    lines += [f"  {what:<12} {base}{path}" for what, path in _ADDRESSES.items()]
    if password is not None:
        lines += ["", f"  Sign in as admin with the password {password}", f"  {LOST}"]
    lines += ["", "Ctrl-C stops everything."]
    width = max(map(len, lines))
    edge = "+" + "-" * (width + 2) + "+"
    return "\n".join([edge, *(f"| {line:<{width}} |" for line in lines), edge])


def _ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _environ() -> dict[str, str]:
    """Ours, but for the settings: those of a worker are leaner."""
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**kept, "PYTHONUNBUFFERED": "1"}


def _end_group(group: int) -> None:
    """What a dead child left behind, a pool's processes for example, goes with it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _in_words(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
