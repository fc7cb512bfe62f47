"""Processes: started so that they die with their parent, found by their folder, ended for sure."""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PAUSE = threading.Event()  # never set: a wait that needs no clock of its own


def pause(seconds: float) -> None:
    """Let other processes go on for `seconds`."""
    _PAUSE.wait(seconds)


def start(
    command: Sequence[str],
    *,
    directory: Path,
    output: int | IO[bytes],
    on_orphaned: signal.Signals,
    environ: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a group of its own; the kernel sends `on_orphaned` when the calling thread's process ends."""
    return subprocess.Popen(  # noqa: S603
        command,
        cwd=directory,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_die_with_parent(os.getpid(), on_orphaned),
    )


def _die_with_parent(parent: int, wanted: signal.Signals) -> Callable[[], None]:
    def ask_the_kernel() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(wanted))
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

    return ask_the_kernel


def alive(pid: int) -> bool:
    """Whether a process runs under this number; a dead one waiting for its parent counts as gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc").exists()


def working_in(directory: Path) -> list[int]:
    """The processes whose working directory is `directory`: for a PostgreSQL data folder, its server's processes."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is somebody else's
            if (entry / "cwd").readlink() == directory and alive(int(entry.name)):
                found.append(int(entry.name))
    return found


def end(pids: Callable[[], Iterable[int]], *, by: signal.Signals, seconds: float) -> None:
    """Ask every process that `pids()` finds to end; kill what is still there after `seconds`; wait until none is."""
    send(pids(), by)
    deadline = time.monotonic() + seconds
    while remaining := list(pids()):
        if time.monotonic() > deadline:
            send(remaining, signal.SIGKILL)
        pause(0.02)


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to those of the processes that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


class Signals:
    """Signals as something to wait for: they interrupt nothing, `arrived()` says which ones came."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)
        for number in numbers:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._writer)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.reader, selectors.EVENT_READ)

    def arrived(self) -> set[int]:
        """The signals since the last look."""
        try:
            return set(os.read(self.reader, 512))
        except BlockingIOError:
            return set()

    def wait(self, seconds: float) -> set[int]:
        """The signals that came, waiting at most `seconds` for one."""
        self._selector.select(seconds)
        return self.arrived()
