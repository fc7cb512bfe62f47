"""The data folder: what lies where, under which addresses, and plain words when it cannot be used."""

import fcntl
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# A socket's address holds 107 bytes; ".s.PGSQL.5432" is the longest name put into the folder.
_LONGEST_FOLDER = 107 - len("/.s.PGSQL.5432")


class EmbeddedError(SystemExit):
    """One plain sentence about what is wrong and what to do.

    It is a SystemExit: wherever it surfaces (a command, a settings import, a test run) the process ends with
    status 1 and the sentence, without a traceback.
    """


@dataclass(frozen=True)
class Folder:
    """Every path and address below one data folder; two processes with the same folder compute the same ones."""

    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    @property
    def keys(self) -> Path:
        return self.path / "secrets.env"

    @property
    def pids(self) -> Path:
        return self.path / "pids.json"

    @property
    def sockets(self) -> Path:
        """`sockets` in the folder, or a short private one where that path does not fit into a socket's address."""
        inside = self.path / "sockets"
        plain = re.fullmatch(r"[A-Za-z0-9_./-]+", str(inside))  # anything else needs quoting in one URL or another
        if plain and len(os.fsencode(inside)) <= _LONGEST_FOLDER:
            return inside
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"outreach-{name}"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def database_url(self) -> str:
        return f"postgres://outreach@/outreach?host={self.sockets}"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.valkey_socket}?db=0"

    def lock_file(self, name: str) -> Path:
        """`users`: held shared by whoever needs the servers. `supervisor`, `start`, `keys`: held by one."""
        return self.path / f"{name}.lock"

    def prepare(self) -> None:
        """Make the folder and its parts, for the owner's eyes only. Raises EmbeddedError."""
        try:
            for part in (self.path, self.logs, self.valkey, self.sockets):
                part.mkdir(mode=0o700, parents=(part == self.path), exist_ok=True)
            _refuse_strangers(self.sockets)
            if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError
        except OSError as error:
            raise EmbeddedError(f"The data folder {self.path} cannot be used: {_why(self.path, error)}") from error

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold one of the folder's locks alone; waits for it."""
        handle = open_lock(self.lock_file(name))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def at(path: str | Path) -> Folder:
    """The folder at `path`, whether it exists or not."""
    return Folder(Path(path).expanduser().resolve())


def open_lock(path: Path) -> int:
    """A file descriptor to lock; not inherited by started programs, so a lock ends with its own process."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedError(f"The data folder {path.parent} cannot be used: {_why(path, error)}") from error


def replace(path: Path, text: str) -> None:
    """Write a whole private file at once: readers see the old text or the new, also after a power cut."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    sync(path.parent)


def sync(directory: Path) -> None:
    """Make a rename in `directory` durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_strangers(sockets: Path) -> None:
    """The short folder lies where everybody may write: somebody else's folder of that name must not be used."""
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), sockets.parent.stat().st_uid):
        raise PermissionError
    if found.st_uid == os.geteuid():
        sockets.chmod(0o700)


def _why(path: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return (
            f"{path} belongs to another user or may not be written. "
            "Start Outreach as the user who made it, or choose another folder with DATA_DIR=/some/folder."
        )
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{error.filename} is not a folder. Move it away, or choose another folder with DATA_DIR=/some/folder."
    return f"{error.strerror or error}. Put that right, or choose another folder with DATA_DIR=/some/folder."
