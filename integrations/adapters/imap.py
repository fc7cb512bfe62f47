"""Reading a mailbox over IMAP: what is new since a cursor, in batches, without changing anything there."""

import imaplib
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from imap_tools import BaseMailBox, ImapToolsError, MailboxFolderSelectError, MailboxLoginError

from integrations.adapters import connecting, imap_folders
from integrations.ports import CredentialsRefused, ImapAccount, IntegrationError, Unreachable
from outreach.lib.text import printable

SECONDS = 60.0
LARGEST = 25 * 1024 * 1024  # octets of one mail that are fetched whole
FIRST_LOOK = 1_000  # UIDs
EXCERPT = 256 * 1024  # octets of a larger one: its headers and the beginning of its text
SIZE = re.compile(rb"\bUID (\d+)\b.*?\bRFC822\.SIZE (\d+)|\bRFC822\.SIZE (\d+).*?\bUID (\d+)\b")
BUSY = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]")  # RFC 5530: the login itself was not judged
UID = re.compile(rb"\bUID (\d+)\b")
MESSAGE_ID = re.compile(rb"<[^<>\s]+>")
SEARCHABLE = re.compile(r"[!#-\[\]-~]+")  # what needs no escape between quotes
IDS_AT_ONCE = 20  # in one SEARCH: servers limit the length of a line


@dataclass(frozen=True)
class Batch:
    """Some new mails, by ascending UID, and the UIDVALIDITY their numbers belong to (RFC 3501 section 2.3.1.1)."""

    uidvalidity: int
    mails: list[tuple[int, bytes]]


def fetch_new(account: ImapAccount, *, uidvalidity: int | None, last_uid: int, batch: int = 50) -> Iterator[Batch]:
    """What came after `last_uid`, in batches; when the iterator ends, the run was complete.

    The first batch may be empty: it tells the UIDVALIDITY. When that is new, the numbers mean nothing (any more) and
    the newest thousand or so are read. Mails keep their flags. A mail over 25 MB comes cut after its first 256 kB.
    Raises CredentialsRefused or Unreachable, also in the middle of a run.
    """
    with _mailbox(account) as mailbox:
        current = _uidvalidity(mailbox.client)
        after = last_uid if current == uidvalidity else _first_look(mailbox.client)
        uids = _uids(mailbox.client, after=after)
        yield Batch(uidvalidity=current, mails=[])
        for start in range(0, len(uids), batch):
            for mails in _mails(mailbox.client, uids[start : start + batch]):
                yield Batch(uidvalidity=current, mails=mails)


def check(account: ImapAccount, *, mark: str = "") -> bool:
    """Log in and open the folder. True when the Sent folder holds a mail with `mark` in its List-Unsubscribe.

    Raises CredentialsRefused or Unreachable in words; a Sent folder that can't be searched is no error.
    """
    with _mailbox(account) as mailbox:
        try:
            return bool(mark) and _open_sent(mailbox.client) and _holds(mailbox.client, mark)
        except (OSError, imaplib.IMAP4.error):
            return False


def copies(account: ImapAccount, message_ids: Sequence[str]) -> set[str]:
    """Which of these Message-IDs the Sent folder holds: one login, and only headers are searched and read.

    What is not found proves nothing. Empty when no folder is known as Sent. Raises CredentialsRefused or Unreachable.
    """
    wanted = [each for each in message_ids if SEARCHABLE.fullmatch(each)]
    found: set[str] = set()
    with _mailbox(account) as mailbox:
        if not _open_sent(mailbox.client):
            return found
        for start in range(0, len(wanted), IDS_AT_ONCE):
            keys = [f'HEADER Message-ID "{each}"' for each in wanted[start : start + IDS_AT_ONCE]]
            either = "OR " * (len(keys) - 1) + " ".join(keys)
            hits = _search(mailbox.client, either)
            # Some servers search by words: what a hit is really called decides.
            for _, header in _bodies(mailbox.client, hits, "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"):
                found.update(each.decode("ascii", "replace") for each in MESSAGE_ID.findall(header))
    return found.intersection(wanted)


def append(account: ImapAccount, raw: bytes) -> None:
    """Put one mail into the folder, unread, as if it had come. Raises CredentialsRefused or Unreachable in words."""
    with _mailbox(account) as mailbox:
        mailbox.append(raw, account.folder)


class _Client(imaplib.IMAP4):
    """imaplib over a socket that we opened and, where asked, secured."""

    def __init__(self, account: ImapAccount) -> None:
        self.account = account
        super().__init__(account.host, account.port, SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        account = self.account
        sock = connecting.connect(
            host=account.host, port=account.port, seconds=timeout or SECONDS, loopback_only=account.loopback_only
        )
        return connecting.wrap(sock, host=account.host) if account.security == "tls" else sock

    def secure(self) -> None:
        """STARTTLS with a verified certificate; no fall back to clear text."""
        if "STARTTLS" not in self.capabilities:
            raise Unreachable(f"{_name(self.account)} does not offer STARTTLS, and no password is sent in the clear.")
        code, answer = self._simple_command("STARTTLS")
        if code != "OK":
            raise Unreachable(f"{_name(self.account)} refused STARTTLS: {_words(answer)}.")
        self.sock = connecting.wrap(self.sock, host=self.account.host)
        self._file = self.file = self.sock.makefile("rb")
        self._get_capabilities()


class _MailBox(BaseMailBox):
    """imap-tools around our client: login and folder names."""

    def __init__(self, account: ImapAccount) -> None:
        self.account = account
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        client = _Client(self.account)
        if self.account.security == "starttls":
            try:
                client.secure()
            except BaseException:
                client.shutdown()
                raise
        return client


@contextmanager
def _mailbox(account: ImapAccount) -> Iterator[_MailBox]:
    """A logged-in mailbox with its folder open for reading only; every failure of the other side in our words."""
    mailbox: _MailBox | None = None
    try:
        mailbox = _MailBox(account)
        _login(mailbox)
        mailbox.folder.set(account.folder, readonly=True)
        yield mailbox
    except IntegrationError:
        raise
    except MailboxFolderSelectError as error:
        raise Unreachable(f"{_name(account)} has no folder {account.folder!r} for this login.") from error
    except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
        raise Unreachable(f"{_name(account)} broke off: {connecting.reason(error)}.") from error
    finally:
        if mailbox is not None:
            with suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
                mailbox.logout()


def _login(mailbox: _MailBox) -> None:
    account = mailbox.account
    login = mailbox.login if (account.username + account.password).isascii() else mailbox.login_utf8
    try:
        login(account.username, account.password, initial_folder=None)
    except MailboxLoginError as error:
        if BUSY.search(str(error)):
            raise Unreachable(f"{_name(account)} takes no login now: {_words(error.command_result[1])}.") from error
        raise CredentialsRefused(f"{_name(account)} refused the login: {_words(error.command_result[1])}.") from error
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise CredentialsRefused(f"{_name(account)} refused the login: {connecting.reason(error)}.") from error


def _uidvalidity(client: imaplib.IMAP4) -> int:
    _, answer = client.response("UIDVALIDITY")
    if not answer or answer[0] is None:
        raise imaplib.IMAP4.error("the folder has no UIDVALIDITY")
    return int(answer[-1])


def _first_look(client: imaplib.IMAP4) -> int:
    """Where to begin in a folder we do not know: a mailbox of ten years is not read from its first letter on."""
    _, answer = client.response("UIDNEXT")
    known = answer[-1] if answer else None
    return max(0, int(known) - 1 - FIRST_LOOK) if known else 0


def _uids(client: imaplib.IMAP4, *, after: int) -> list[int]:
    """`n:*` always answers the last mail, also when its UID is below n: so the cursor is checked here again."""
    return [uid for uid in _search(client, f"UID {after + 1}:*") if uid > after]


def _search(client: imaplib.IMAP4, criteria: str) -> list[int]:
    answer = _ask(client, "SEARCH", criteria)
    return sorted({int(word) for line in answer if line for word in line.split() if word.isdigit()})


def _open_sent(client: imaplib.IMAP4) -> bool:
    """Opens the Sent folder for reading only; False when there is none that we know."""
    marked = "SPECIAL-USE" in client.capabilities  # such a server need not tell the use unasked
    code, answer = client.list('""', '"*" RETURN (SPECIAL-USE)' if marked else '"*"')
    name = imap_folders.sent(answer) if code == "OK" else None
    return name is not None and client.select(name, readonly=True)[0] == "OK"


def _holds(client: imaplib.IMAP4, mark: str) -> bool:
    if not SEARCHABLE.fullmatch(mark):
        return False
    hits = _search(client, f'HEADER List-Unsubscribe "{mark}"')[-1:]
    headers = _bodies(client, hits, "BODY.PEEK[HEADER.FIELDS (LIST-UNSUBSCRIBE)]")
    return any(mark.encode() in header for _, header in headers)


def _mails(client: imaplib.IMAP4, uids: Sequence[int]) -> Iterator[list[tuple[int, bytes]]]:
    """Whole mails in lots of at most 25 MB, a larger mail alone and cut. A mail expunged meanwhile is left out."""
    sizes = _sizes(client, uids)
    lot: list[int] = []
    for uid in sorted(sizes):
        if lot and sum(sizes[each] for each in lot) + sizes[uid] > LARGEST:
            yield list(_bodies(client, lot, "BODY.PEEK[]"))
            lot = []
        if sizes[uid] > LARGEST:
            yield list(_bodies(client, [uid], f"BODY.PEEK[]<0.{EXCERPT}>"))
        else:
            lot.append(uid)
    if lot:
        yield list(_bodies(client, lot, "BODY.PEEK[]"))


def _sizes(client: imaplib.IMAP4, uids: Sequence[int]) -> dict[int, int]:
    sizes = {}
    for line in _ask(client, "FETCH", _numbers(uids), "(UID RFC822.SIZE)"):
        found = SIZE.search(line) if isinstance(line, bytes) else None
        if found:
            uid, size, other_size, other_uid = found.groups()
            sizes[int(uid or other_uid)] = int(size or other_size)
    return sizes


def _bodies(client: imaplib.IMAP4, uids: Sequence[int], part: str) -> Iterator[tuple[int, bytes]]:
    """The literals of a FETCH. A server may write the UID before the literal or after it."""
    if not uids:
        return
    waiting: bytes | None = None
    for item in _ask(client, "FETCH", _numbers(uids), f"(UID {part})"):
        if isinstance(item, tuple):
            found = UID.search(item[0])
            waiting = None if found else item[1]
        else:
            found = UID.search(item) if waiting is not None and isinstance(item, bytes) else None
        if found and isinstance(item, tuple):
            yield int(found.group(1)), item[1]
        elif found and waiting is not None:
            yield int(found.group(1)), waiting
            waiting = None


def _ask(client: imaplib.IMAP4, command: str, *args: str) -> list[Any]:
    code, answer = client.uid(command, *args)
    if code != "OK":
        raise imaplib.IMAP4.error(f"{command} was refused: {_words(answer)}")
    return list(answer or [])


def _numbers(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _name(account: ImapAccount) -> str:
    return f"{account.host} port {account.port}"


def _words(answer: Any) -> str:
    parts = answer if isinstance(answer, (list, tuple)) else [answer]
    text = " ".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in parts)
    return " ".join(printable(text).split()).rstrip(".")[:300]
