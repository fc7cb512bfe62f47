"""Keeps the two servers running for as long as somebody uses them."""

import fcntl
import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from outreach.embedded import folder as folders
from outreach.embedded import processes, servers
from outreach.embedded.folder import EmbeddedError, Folder

LINGER_SECONDS = 5.0  # after the last user: one command often follows another
_LOOK_SECONDS = 0.5
_STOP_SECONDS = 30.0
_LONGEST_BACKOFF = 10.0
_LOG_BYTES = 10_000_000

log = logging.getLogger("outreach.embedded")


@dataclass
class _Kept:
    """One server and its process."""

    server: servers.Server
    process: subprocess.Popen[bytes] | None = None
    said_before: int = 0  # where in the log file this start begins
    failures: int = 0
    next_try: float = field(default_factory=time.monotonic)


class Supervisor:
    """Holds the supervisor's lock; starts, restarts and stops the servers of one folder."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.signals = processes.Signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        self.kept = [_Kept(servers.Postgres(folder)), _Kept(servers.Valkey(folder))]
        self.lock = folders.open_lock(folder.lock_file("supervisor"))

    def start(self) -> None:
        """Return when both servers answer. Raises EmbeddedError with the reason when one does not start."""
        for kept in self.kept:
            self._launch(kept)
        for kept in self.kept:
            while not kept.server.answers():
                if self._ended(kept):
                    raise EmbeddedError(kept.server.explain(self._said(kept)))
                if self.signals.wait(0.02) & {signal.SIGTERM, signal.SIGINT}:
                    raise EmbeddedError("The embedded servers were stopped while they started.")

    def watch(self) -> None:
        """Restart whatever dies; return when nobody has used the servers for a while, or on SIGTERM."""
        users = folders.open_lock(self.folder.lock_file("users"))
        last_used = time.monotonic()
        while not self.signals.wait(_LOOK_SECONDS) & {signal.SIGTERM, signal.SIGINT}:
            for kept in self.kept:
                self._look_after(kept)
            if not self._folder_is_ours():
                return
            if not _free(users):
                last_used = time.monotonic()
            elif time.monotonic() - last_used > LINGER_SECONDS:
                return  # still holding the users' lock: who comes now waits until we are gone
            else:
                fcntl.flock(users, fcntl.LOCK_UN)

    def stop(self) -> None:
        """Stop both servers cleanly, and for sure."""
        for kept in self.kept:
            if kept.process is not None:
                alive = _while_running(kept.process)
                processes.end(alive, by=kept.server.stop_signal, seconds=_STOP_SECONDS)
        self.folder.pids.unlink(missing_ok=True)

    def _launch(self, kept: _Kept) -> None:
        kept.server.prepare()
        path = self.folder.logs / f"{kept.server.name}.log"
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as output:
            kept.said_before = output.tell()
            kept.process = processes.start(
                kept.server.command(),
                directory=self.folder.path,
                output=output,
                on_orphaned=signal.SIGQUIT if kept.server.name == "postgres" else signal.SIGTERM,
                environ=servers.ENVIRON,
            )
        log.info("%s started as process %s", kept.server.name, kept.process.pid)
        found = {each.server.name: each.process.pid for each in self.kept if each.process is not None}
        folders.replace(self.folder.pids, json.dumps({"supervisor": os.getpid(), **found}))

    def _look_after(self, kept: _Kept) -> None:
        if not self._ended(kept):
            if kept.failures and kept.server.answers():
                kept.failures = 0
            return
        if time.monotonic() < kept.next_try:
            return
        log.warning("%s ended with status %s", kept.server.name, kept.process and kept.process.returncode)
        kept.failures += 1
        kept.next_try = time.monotonic() + min(0.25 * 2**kept.failures, _LONGEST_BACKOFF)
        try:
            self._launch(kept)
        except (EmbeddedError, OSError) as error:  # a full disk may be empty again at the next try
            log.error("%s does not start: %s", kept.server.name, error)

    def _ended(self, kept: _Kept) -> bool:
        return kept.process is None or kept.process.poll() is not None

    def _said(self, kept: _Kept) -> str:
        with (self.folder.logs / f"{kept.server.name}.log").open("rb") as file:
            file.seek(kept.said_before)
            return file.read().decode(errors="replace")

    def _folder_is_ours(self) -> bool:
        """False when somebody removed the folder, lock and all: a new one would belong to a new supervisor."""
        try:
            return os.path.samestat(os.fstat(self.lock), self.folder.lock_file("supervisor").stat())
        except FileNotFoundError:
            return False


def _while_running(process: subprocess.Popen[bytes]) -> Callable[[], list[int]]:
    return lambda: [process.pid] if process.poll() is None else []


def _free(lock: int) -> bool:
    """Whether nobody holds `lock`; if so we do now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
