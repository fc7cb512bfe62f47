"""Which of a mailbox's folders keeps what was sent."""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from imap_tools.imap_utf7 import utf7_decode

LISTED = re.compile(rb'\((?P<flags>[^)]*)\) (?:"(?:\\.|[^"])*"|NIL) (?P<name>.*)', re.IGNORECASE)
PARTS = re.compile(r"[/.\\]")
CLOSED = {b"\\noselect", b"\\nonexistent"}
# The last part of its name, where a server marks no folder.
NAMES = frozenset(
    {
        *("sent", "sent items", "sent messages", "sent mail", "sent-mail", "sent objects"),
        *("gesendet", "gesendete elemente", "gesendete objekte", "envoyés", "éléments envoyés", "messages envoyés"),
        *("enviados", "elementos enviados", "itens enviados", "inviati", "inviata", "posta inviata", "verzonden"),
        *("verzonden items", "wysłane", "skickat", "skickade", "sendt", "отправленные", "已发送", "送信済み"),
    }
)


def sent(listed: Iterable[Any]) -> str | None:
    """From the answer to LIST the folder marked \\Sent (RFC 6154), else the first with a usual name.

    It comes quoted, as SELECT takes it; None when there is neither.
    """
    usual = None
    for item in listed:
        line, literal = item if isinstance(item, tuple) else (item, None)
        found = LISTED.match(line or b"")
        if found is None:
            continue
        flags = set(found["flags"].lower().split())
        bare = literal if literal is not None else found["name"].strip().removeprefix(b'"').removesuffix(b'"')
        if flags & CLOSED or not bare.isascii():
            continue
        name = f'"{bare.decode()}"'
        if b"\\sent" in flags:
            return name
        if usual is None and _last_part(bare) in NAMES:
            usual = name
    return usual


def _last_part(name: bytes) -> str:
    with suppress(ValueError):
        return PARTS.split(str(utf7_decode(name)))[-1].casefold()
    return ""
