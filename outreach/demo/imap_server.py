"""A real IMAP server on loopback, in memory; mail is put in through its backend."""

import asyncio
import re
import secrets
import ssl
import threading
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend.dict import Config, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxSet
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import UserMetadata
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import Cleartext

from outreach.demo.loops import HOST, LoopServer, LoopThread

LINE_END = re.compile(rb"\r?\n")


class _Config(Config):
    """The backend's settings; the greeting names no machine (and asks no name server)."""

    @property
    def greeting(self) -> bytes:
        return b"Demo mail server ready"


class _Cleartext(Cleartext):
    """Demo passwords as they are; the library's own comparison fails on letters outside ASCII."""

    def verify(self, secret: str, hash: str) -> bool:
        return secrets.compare_digest(secret.encode(), hash.encode())


class _Login(Login):
    """Lets an unknown user in with the password that `password_of` says; without it there are no unknown users."""

    def __init__(self, config: Config, password_of: Callable[[str], str] | None) -> None:
        super().__init__(config)
        self._password_of = password_of

    async def authenticate(self, credentials: ServerCredentials) -> Any:
        self.welcome(credentials.authcid)
        return await super().authenticate(credentials)

    def welcome(self, user: str) -> None:
        """Makes the account of a user who has none yet."""
        if self._password_of and user not in self.users_dict:
            self.add(user, self._password_of(user))

    def add(self, user: str, password: str) -> None:
        """Creates an account with an empty INBOX, or changes its password."""
        self.users_dict[user] = UserMetadata(self.config, user, password=password)
        self.config.set_cache.setdefault(user, (MailboxSet(), FilterSet()))


class ImapServer(LoopServer):
    """An IMAP server in a thread, on 127.0.0.1 only. Its mailboxes live as long as it does.

    With `password_of` anybody has an account who knows the password it says.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        tls: ssl.SSLContext | None = None,
        password_of: Callable[[str], str] | None = None,
    ) -> None:
        self.port = port
        self._tls = tls
        self._lock = threading.Lock()
        self._thread = LoopThread("demo-imap")
        self._config = _Config(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            demo_data=False,
            demo_user="",
            demo_password="",
            host=HOST,
            port=port,
            tls_enabled=False,
            hash_context=_Cleartext(),
            reject_dnsbl=False,
            invalid_user_sleep=0.0,
        )
        self._login = _Login(self._config, password_of)

    def add_user(self, user: str, password: str) -> None:
        """Create a user with an empty INBOX, or change the password of one who exists."""
        self._thread.call(self._add_user(user, password))

    def deliver(self, user: str, raw: bytes, *, folder: str = "INBOX") -> int:
        """Put one mail into the user's folder and answer its UID. Raises KeyError for an unknown user."""
        return self._thread.call(self._deliver(user, raw, folder))

    def expunge(self, user: str, uid: int) -> None:
        """Remove one mail for good; an unknown UID is no error."""
        self._thread.call(self._expunge(user, uid))

    def renumber(self, user: str) -> None:
        """Give the INBOX a new UIDVALIDITY, its mails kept, as a restored mailbox does (RFC 3501 section 2.3.1.1)."""
        self._thread.call(self._renumber(user))

    async def _listen(self) -> None:
        serve = ProxyProtocolReader(ProxyProtocolVersion.get(None)).get_callback(IMAPServer(self._login, self._config))
        server = await asyncio.start_server(serve, HOST, self.port, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]

    async def _add_user(self, user: str, password: str) -> None:
        self._login.add(user, password)

    async def _deliver(self, user: str, raw: bytes, folder: str) -> int:
        self._login.welcome(user)
        folders, _ = self._config.set_cache[user]
        if (await folders.list_mailboxes()).get(folder) is None:
            await folders.add_mailbox(folder)
        lines = LINE_END.sub(b"\r\n", raw)  # a mail store keeps CRLF, whatever came
        message = await (await folders.get_mailbox(folder)).append(AppendMessage(lines, datetime.now(UTC)), recent=True)
        return message.uid

    async def _expunge(self, user: str, uid: int) -> None:
        folders, _ = self._config.set_cache[user]
        inbox = await folders.get_mailbox("INBOX")
        await inbox.delete([uid])

    async def _renumber(self, user: str) -> None:
        before, filters = self._config.set_cache[user]
        mails = [mail async for mail in (await before.get_mailbox("INBOX")).messages()]
        after = MailboxSet()
        inbox = await after.get_mailbox("INBOX")
        for mail in mails:
            await inbox.append(AppendMessage(bytes(mail._content), mail.internal_date), recent=True)  # type: ignore[arg-type]
        self._config.set_cache[user] = (after, filters)
