"""The two servers: how each is prepared, started, asked whether it answers, and explained when it does not start."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path
from typing import Protocol

from outreach.embedded import binaries, processes
from outreach.embedded import folder as folders
from outreach.embedded.folder import EmbeddedError, Folder

_MEMORY_MB = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": f"{min(512, max(128, _MEMORY_MB // 16))}MB",  # a million people's indexes are larger than 128
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",
    "jit": "off",  # our queries are short: compiling them takes longer than running them
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # No log may outlive the erasure of a person with their data: an error says which rule was broken, not by what.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
ENVIRON = {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"}
_CANNOT_CONNECT_NOW = b"C57P03"


class Server(Protocol):
    """What the supervisor needs to know about a server."""

    name: str
    stop_signal: signal.Signals

    def command(self) -> list[str]: ...
    def prepare(self) -> None: ...
    def answers(self) -> bool: ...
    def explain(self, log: str) -> str: ...


class Postgres:
    """PostgreSQL on a socket, durable; its folder appears at once, complete with the database `outreach`."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.programs, self.major = binaries.postgres()

    def command(self) -> list[str]:
        settings = {**_SETTINGS, "unix_socket_directories": str(self.folder.sockets)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [*self._prefix(self.folder.postgres), *self._program("postgres", self.folder.postgres), *options]

    def prepare(self) -> None:
        """Create the folder if there is none; refuse another version's; clear what a kill or a reboot left behind."""
        data = self.folder.postgres
        if not data.exists():
            self._create()
        try:
            made_by = (data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise EmbeddedError(self.explain(f"{error.filename}: {error.strerror}")) from error
        if made_by != str(self.major):
            raise EmbeddedError(
                f"The database in {data} was made by PostgreSQL {made_by}, but {self.major} is what runs here. "
                "Move it by dump and restore (docs/setup.md), or choose another folder with DATA_DIR=/some/folder."
            )
        binaries.hand_over(data)
        # After a kill of the first process the others go by themselves; none may be left to meet the next server.
        processes.end(lambda: processes.working_in(data), by=signal.SIGQUIT, seconds=5)
        for leftover in (data / "postmaster.pid", *self.folder.sockets.glob(".s.PGSQL.5432*")):
            leftover.unlink(missing_ok=True)  # the number in it may be another process's by now

    def answers(self) -> bool:
        return _postgres_answers(self.folder)

    def explain(self, log: str) -> str:
        return (
            f"PostgreSQL does not start on {self.folder.postgres}: {_last_complaint(log)} "
            f"Put that right, restore the folder from a backup, or move it away to begin with an empty database. "
            f"The log is in {self.folder.logs}."
        )

    def _create(self) -> None:
        """Made beside its place and then renamed, so that a kill in between leaves nothing half-made."""
        fresh = self.folder.path / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        locale = ["--locale=C.UTF-8"]
        if self.major >= 17:  # sorts the same on every machine, whatever its C library
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["--username=outreach", "--auth=trust"]  # the sockets' folder lets only its owner in
        self._run([*self._program("initdb", fresh), "--encoding=UTF8", *access, *locale])
        self._run([*self._program("postgres", fresh, "--single"), "postgres"], "CREATE DATABASE outreach;\n")
        fresh.rename(self.folder.postgres)
        folders.sync(self.folder.path)

    def _run(self, command: list[str], text: str = "") -> None:
        done = subprocess.run(  # noqa: S603
            [*self._prefix(self.folder.path), *command],
            input=text, capture_output=True, text=True, check=False, cwd=self.folder.path, env=ENVIRON,
        )  # fmt: skip
        if done.returncode or "ERROR" in done.stderr:
            raise EmbeddedError(
                f"PostgreSQL could not make its folder in {self.folder.path}: {_last_complaint(done.stderr)} "
                "Put that right, or choose another folder with DATA_DIR=/some/folder."
            )

    def _program(self, name: str, data: Path, *first: str) -> list[str]:
        return [str(self.programs / name), *first, "-D", str(data)]

    def _prefix(self, place: Path) -> list[str]:
        return binaries.unprivileged(place.stat().st_uid)


class Valkey:
    """Valkey or Redis on a socket; it refuses writes when full rather than forget something."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.program = binaries.valkey()

    def command(self) -> list[str]:
        place = ["--port", "0", "--unixsocket", str(self.folder.valkey_socket), "--unixsocketperm", "700"]
        keep = ["--dir", str(self.folder.valkey), "--appendonly", "yes", "--maxmemory-policy", "noeviction"]
        owner = self.folder.valkey.stat().st_uid
        return [*(binaries.unprivileged(owner) if owner else []), str(self.program), *place, *keep]

    def prepare(self) -> None:
        """Wait for one whose supervisor was killed; a torn end of the file is cut by the server itself."""
        processes.end(lambda: processes.working_in(self.folder.valkey), by=self.stop_signal, seconds=5)

    def answers(self) -> bool:
        return _valkey_answers(self.folder)

    def explain(self, log: str) -> str:
        return (
            f"The Redis-protocol server does not start on {self.folder.valkey}: {_last_complaint(log)} "
            f"Nothing in that folder is needed: remove it and start again. The log is in {self.folder.logs}."
        )


def all_up(folder: Folder) -> bool:
    """Whether both servers answer."""
    return _postgres_answers(folder) and _valkey_answers(folder)


def _postgres_answers(folder: Folder) -> bool:
    """Whether a session could begin: the first packet is answered by anything but "not now"."""
    body = struct.pack("!i", 3 << 16) + b"user\0outreach\0database\0outreach\0\0"
    reply = _exchange(folder.sockets / ".s.PGSQL.5432", struct.pack("!i", len(body) + 4) + body)
    return reply[:1] in (b"R", b"E") and _CANNOT_CONNECT_NOW not in reply


def _valkey_answers(folder: Folder) -> bool:
    return _exchange(folder.valkey_socket, b"PING\r\n").startswith(b"+PONG")


def _exchange(path: Path, question: bytes) -> bytes:
    """The first packet answered on a socket; empty when nobody answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(path))
            connection.sendall(question)
            return connection.recv(4096)
        except OSError:
            return b""


def _last_complaint(log: str) -> str:
    """The line of a log that says most: the last error before anything that merely follows from it."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    loud = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "ERROR", "error", "denied"))]
    said = (loud or lines or ["it gave no reason"])[-1]
    return re.sub(r"^.*(FATAL|PANIC|ERROR):\s+", "", said).rstrip(".") + "."
