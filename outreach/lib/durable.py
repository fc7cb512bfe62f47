"""Small private files that outlive a power cut: replaced whole, or grown by a line."""

import fcntl
import os
from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Writes the whole file at once: readers see the old text or the new. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    _write(fresh, text, os.O_TRUNC)
    fresh.rename(path)
    _sync(path.parent)


def append(path: Path, line: str) -> None:
    """Adds one line, on disk when this returns; several processes may do so at once. Raises OSError.

    An empty line comes before it: half a line that a power cut left spoils no other.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_new = not path.exists()
    _write(path, f"\n{line}\n", os.O_APPEND)
    if is_new:
        _sync(path.parent)


def _write(path: Path, text: str, how: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        left = text.encode()
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
