"""Making and changing mailboxes: a change of servers or accounts asks for a new check."""

import ipaddress
import re
from typing import Any

from integrations import outages
from integrations.models import Mailbox
from integrations.models.mailbox import Security, Service
from outreach.lib.errors import DomainError, Problem

KEY = re.compile(r"[!-~]*")  # what an HTTP header takes
CONNECTION = frozenset(
    f"{side}_{part}"
    for side in ("smtp", "imap")
    for part in ("host", "port", "security", "username", "password", "folder")
) | {"service", "service_key"}


class InvalidMailbox(DomainError):
    """A field of a mailbox has a value that can't be."""


def add_mailbox(**fields: Any) -> Mailbox:
    """A new mailbox, not checked yet. Raises InvalidMailbox."""
    mailbox = Mailbox(**fields)
    _check(mailbox)
    mailbox.save(force_insert=True)
    return mailbox


def change_mailbox(*, mailbox: Mailbox, **fields: Any) -> Mailbox:
    """Changes these fields only. What concerns a connection makes the last check void. Raises InvalidMailbox."""
    changed = {name for name, value in fields.items() if getattr(mailbox, name) != value}
    for name in changed:
        setattr(mailbox, name, fields[name])
    if changed & CONNECTION:
        mailbox.verified_at = mailbox.copies_seen_at = None
        mailbox.send_failures, mailbox.send_error, mailbox.send_again_at = 0, "", None
        changed |= {"verified_at", "copies_seen_at", *outages.NONE}
    _check(mailbox)
    mailbox.save(update_fields=sorted(changed))
    return mailbox


def _check(mailbox: Mailbox) -> None:
    """Plain text goes over loopback only: a password must not cross a network in the clear."""
    by_smtp = mailbox.service == Service.SMTP
    problems = [
        Problem(f"{side}_security", "Without STARTTLS or TLS only a server on this machine can be used.")
        for side in (("smtp", "imap") if by_smtp else ("imap",))
        if getattr(mailbox, f"{side}_security") == Security.NONE and not _is_here(getattr(mailbox, f"{side}_host"))
    ]
    if by_smtp and not mailbox.smtp_host:
        problems.append(Problem("smtp_host", "Name the server that its mail leaves by."))
    if not by_smtp and not mailbox.service_key:
        problems.append(Problem("service_key", f"{mailbox.get_service_display()} asks for a key."))
    if not KEY.fullmatch(mailbox.service_key):
        problems.append(Problem("service_key", "A key has no spaces, line breaks or accents: was all of it copied?"))
    if mailbox.ramp_start is not None:
        words = {"ramp_step": "Say how many more it may be each day.", "ramp_from": "Say on which day it begins."}
        problems += [Problem(name, sentence) for name, sentence in words.items() if getattr(mailbox, name) is None]
    if problems:
        raise InvalidMailbox("", problems)


def _is_here(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
