"""What the environment does not say: `.env`, and the secrets an installation makes for itself once."""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from outreach.embedded import folder as folders
from outreach.embedded.folder import EmbeddedError, Folder

MADE: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "FIELD_ENCRYPTION_KEYS": lambda: base64.urlsafe_b64encode(os.urandom(32)).decode(),  # one Fernet key
    "INSTALLATION_KEY": lambda: secrets.token_urlsafe(32),
}
_HEADING = (
    "# Made on the first start. Keep a copy somewhere safe: without it the stored mailbox passwords cannot be read,\n"
    "# and links already mailed stop working.\n"
)


def read(path: Path) -> dict[str, str]:
    """The variables of a `NAME=value` file; quotes, `export` and comment lines are understood; {} without the file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise EmbeddedError(f"{path} cannot be read: {error}. Correct or remove it.") from error
    found = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            value = value.strip()
            quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
            found[name.strip()] = value[1:-1] if quoted else value.partition(" #")[0].rstrip()
    return found


def agree(folder: Folder) -> dict[str, str]:
    """The installation's own secrets; made on the first call, and the same for all processes. Raises EmbeddedError."""
    folder.prepare()
    known = read(folder.keys)
    if MADE.keys() <= known.keys():
        return known
    with folder.locked("keys"):
        known = read(folder.keys)
        if not folder.keys.exists() and folder.postgres.exists():
            raise EmbeddedError(
                f"{folder.keys} is missing, but there is a database that was used with it. Restore the file from your "
                "backup; or create an empty one, which makes new secrets: mailbox passwords must then be entered again."
            )
        missing = {name: make() for name, make in MADE.items() if name not in known}
        if missing:
            old = folder.keys.read_text(encoding="utf-8") if known else _HEADING
            folders.replace(folder.keys, old + "".join(f"{name}={value}\n" for name, value in missing.items()))
    return {**missing, **known}
