"""What a process calls first: fills in what the environment lacks and makes sure that the servers are up."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import MutableMapping
from pathlib import Path

from outreach.embedded import folder as folders
from outreach.embedded import keys, processes, servers
from outreach.embedded.folder import EmbeddedError, Folder

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
_AGAIN_SECONDS = 0.5
_REFUSED = 3

_in_use: dict[Path, int] = {}  # the locks by which this process says that it uses a folder's servers


def provide(environ: MutableMapping[str, str] = os.environ, *, data_dir: str | Path | None = None) -> None:
    """Fill in the absent ones of DATABASE_URL, REDIS_URL, SECRET_KEY, FIELD_ENCRYPTION_KEYS and INSTALLATION_KEY.

    The environment wins over `.env`, which wins over the data folder's own secrets. A server is started only where no
    URL names one; it then runs for as long as a process that called this one does. Raises EmbeddedError.
    """
    _fill(environ, keys.read(PROJECT / ".env"))
    folder = folders.at(data_dir or environ.get("DATA_DIR") or PROJECT / ".data")
    if not keys.MADE.keys() <= environ.keys():
        _fill(environ, keys.agree(folder))
    ours = {"DATABASE_URL": folder.database_url, "REDIS_URL": folder.redis_url}
    if any(environ.get(name, url) == url for name, url in ours.items()):
        ensure_up(folder.path)
        _fill(environ, ours)


def ensure_up(data_dir: str | Path) -> None:
    """Return when both servers of the folder answer, starting them if nobody did. Raises EmbeddedError."""
    folder = folders.at(data_dir)
    _use(folder)
    if _up(folder):
        return
    folder.prepare()
    with folder.locked("start"):  # of ten processes that come at once, one starts and nine wait for it
        deadline = time.monotonic() + START_SECONDS
        while not _up(folder):
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"The embedded servers did not answer within {START_SECONDS:.0f} seconds: see {folder.logs}."
                )
            _start_supervisor(folder)


def pids(data_dir: str | Path) -> dict[str, int]:
    """The running ones of `supervisor`, `postgres` and `valkey`, by process id: for tests that kill them."""
    try:
        known: dict[str, int] = json.loads(folders.at(data_dir).pids.read_text())
    except (FileNotFoundError, PermissionError):
        return {}
    return {name: pid for name, pid in known.items() if processes.alive(pid)}


def stop(data_dir: str | Path) -> None:
    """Stop the servers of a folder, whoever uses them, and return when they are gone."""
    folder = folders.at(data_dir)
    if handle := _in_use.pop(folder.path, None):
        os.close(handle)
    if supervisor := pids(data_dir).get("supervisor"):
        processes.send([supervisor], signal.SIGTERM)
        with folder.locked("supervisor"):
            pass


def _fill(environ: MutableMapping[str, str], values: dict[str, str]) -> None:
    for name, value in values.items():
        environ.setdefault(name, value)


def _use(folder: Folder) -> None:
    """Say that this process uses the servers; waits while a supervisor that found nobody is ending."""
    if folder.path not in _in_use:
        folder.prepare()
        handle = folders.open_lock(folder.lock_file("users"))
        fcntl.flock(handle, fcntl.LOCK_SH)
        _in_use[folder.path] = handle


def _up(folder: Folder) -> bool:
    """Servers that answer without a supervisor are about to end: its death reached them a moment ago."""
    return "supervisor" in pids(folder.path) and servers.all_up(folder)


def _start_supervisor(folder: Folder) -> None:
    """Try once; a supervisor that is there already is left to its work. Raises EmbeddedError with what it says."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "outreach.embedded", str(folder.path)],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    answer, complaint = process.communicate()  # until it is up, or gone
    if process.returncode == _REFUSED:
        processes.pause(_AGAIN_SECONDS)
    elif process.returncode:
        raise EmbeddedError(complaint.strip() or "The embedded servers could not be started.")
    elif not answer:  # killed while it started: the caller tries again
        processes.pause(_AGAIN_SECONDS)
    elif answer != "up":
        raise EmbeddedError(answer)
