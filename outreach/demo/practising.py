"""Practice mailboxes: on the demo world's two servers, for trying everything without a mail provider."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet

from integrations import editing, sending
from integrations.models import Mailbox
from outreach.demo.loops import HOST
from outreach.lib import signing
from outreach.lib.errors import DomainError, Problem

ADDRESS = "practice@outreach.example"
NAME = "Practice mailbox"
CAP, GAP = 50, 5  # messages a day, seconds
RUNS = r"^partners\.run[0-9a-f]+@lumentea\.example$"  # a told story has servers of its own


class CannotPractise(DomainError):
    """There can be no practice mailbox now; `str()` says why."""

    status = 409


@dataclass(frozen=True)
class Ports:
    """Where the two servers listen, on this machine."""

    smtp_port: int
    imap_port: int


def folder() -> Path:
    """Where the demo world keeps what it knows."""
    return Path(settings.DATA_DIR) / "demo"


def ports() -> Ports | None:
    """Where the servers listen, or listened last; None when they were never started on this data folder."""
    try:
        return Ports(**json.loads((folder() / "servers.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def announce(found: Ports) -> None:
    """Writes down where the servers listen, and tells every mailbox that lives on them."""
    draft = folder() / "servers.json.new"
    draft.write_text(json.dumps(asdict(found)), encoding="utf-8")
    draft.replace(folder() / "servers.json")
    for mailbox in mailboxes():
        _mend(mailbox, found)


def mailboxes() -> QuerySet[Mailbox]:
    """Every mailbox on the demo world's servers: the practice mailboxes, and the demo world's own while it is there."""
    here = Mailbox.objects.filter(is_demo=True, smtp_host=HOST, imap_host=HOST)
    return here.exclude(from_address__regex=RUNS).order_by("id")


def password_of(address: str) -> str:
    """The password of a mailbox on the demo world's servers, which know no list: any address may have one at once."""
    return signing.keyed_hash("demo mailbox", address.lower())[:24]


def open_mailbox(
    *, now: datetime, from_address: str = ADDRESS, from_name: str = "", name: str = NAME
) -> tuple[Mailbox, list[str]]:
    """A mailbox whose mail never leaves this machine; when one is at this address already, that, with this name.

    Returns it with what its check says, as `sending.check` does. Raises CannotPractise.
    """
    found = ports()
    if found is None:
        raise CannotPractise("The practice servers are not running: `make run` starts them, unless DEMO is off.")
    mailbox = Mailbox.objects.filter(from_address__iexact=from_address).first()
    if mailbox is None:
        mailbox = editing.add_mailbox(
            name=name,
            from_name=from_name or NAME,
            from_address=from_address,
            **_peers(from_address),
            **asdict(found),
            is_demo=True,
            daily_cap=CAP,
            gap_seconds=GAP,
        )
    elif not mailbox.is_demo:
        raise CannotPractise("", [Problem("from_address", f"{from_address} is the address of a real mailbox.")])
    else:
        _mend(mailbox, found, **({"from_name": from_name} if from_name else {}))
    return mailbox, sending.check(mailbox=mailbox, now=now)


def _mend(mailbox: Mailbox, found: Ports, **said: str) -> None:
    """What another start, or somebody's hand, has made untrue, and what is `said` of it now."""
    wanted = {**said, **asdict(found), "imap_password": password_of(mailbox.imap_username)}
    changed = {name: value for name, value in wanted.items() if getattr(mailbox, name) != value}
    if changed:
        for name, value in changed.items():
            setattr(mailbox, name, value)
        mailbox.save(update_fields=sorted(changed))


def _peers(address: str) -> dict[str, str]:
    return {
        "smtp_host": HOST,
        "smtp_security": "none",
        "imap_host": HOST,
        "imap_security": "none",
        "imap_username": address,
        "imap_password": password_of(address),
    }
