"""A real SMTP server on loopback whose manners a callable decides, and whose log is the truth in checks."""

import asyncio
import json
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.parser import BytesHeaderParser
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session, syntax

from outreach.demo.loops import HOST, LoopServer, LoopThread

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells every line it hears


class Stage(StrEnum):
    """Where in a conversation the behaviour is asked."""

    CONNECT = "connect"  # instead of the greeting
    EHLO = "ehlo"
    AUTH = "auth"  # before the password is looked at
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # the DATA command, before any text
    DOT = "dot"  # after the final dot: the only stage with a message
    QUIT = "quit"


class Manner(StrEnum):
    """What a behaviour may do instead of answering with a reply line."""

    CLOSE = "close"  # drop the connection without a word
    DROP = "drop"  # at DATA: say 354, read the first line, drop the connection
    HANG = "hang"  # say nothing until `SmtpServer.release()`, then drop the connection


Behaviour = Callable[[str, bytes | None, Stage], str | Manner | None]
"""(recipient, message, stage) → a reply line, a manner, or None for the usual answer. Runs on the server's thread."""


@dataclass(frozen=True)
class Received:
    """One accepted message, as the receiving side saw it."""

    at: datetime
    sender: str
    recipient: str
    message_id: str
    subject: str
    raw: bytes

    def line(self) -> str:
        """The log line: one JSON object without the text."""
        fact = {
            "at": self.at.isoformat(),
            "recipient": self.recipient,
            "message_id": self.message_id,
            "subject": self.subject,
            "sender": self.sender,
        }
        return json.dumps(fact, ensure_ascii=False)


class SmtpServer(LoopServer):
    """An SMTP server in a thread, on 127.0.0.1 only.

    A message counts as received when the final dot has come and the behaviour did not refuse it: also when the
    connection is then closed, or hangs, without a reply. `users` asks for AUTH; `starttls` offers TLS, `tls` speaks
    it from the start.
    """

    def __init__(
        self,
        port: int = 0,
        behaviour: Behaviour | None = None,
        log_path: Path | None = None,
        *,
        users: Mapping[str, str] | None = None,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        smtputf8: bool = True,
        pipelining: bool = True,
    ) -> None:
        self.port = port
        self.behaviour = behaviour
        self.received: list[Received] = []
        self.users = users
        self.starttls = starttls
        self.smtputf8 = smtputf8
        self.pipelining = pipelining
        self._tls = tls
        self._log_path = log_path
        self._lock = threading.Lock()
        self._released = asyncio.Event()
        self._thread = LoopThread("demo-smtp")

    def release(self) -> None:
        """Let go of the connections that hang."""
        self._thread.loop.call_soon_threadsafe(self._released.set)

    def ask(self, recipient: str, message: bytes | None, stage: Stage) -> str | Manner | None:
        """What the behaviour says; without one, everything is accepted."""
        return self.behaviour(recipient, message, stage) if self.behaviour else None

    def keep(self, *, sender: str, recipient: str, raw: bytes) -> None:
        """Write one accepted message to the list and to the log before the sender hears about it."""
        headers = BytesHeaderParser(policy=policy.compat32).parsebytes(raw)
        mail = Received(
            at=datetime.now(UTC),
            sender=sender,
            recipient=recipient,
            message_id=str(headers.get("Message-ID", "")).strip(),
            subject=str(headers.get("Subject", "")),
            raw=raw,
        )
        with self._lock:
            self.received.append(mail)
            if self._log_path is not None:
                with self._log_path.open("a", encoding="utf-8") as log:
                    log.write(mail.line() + "\n")

    async def until_released(self) -> None:
        await self._released.wait()

    async def _listen(self) -> None:
        server = await self._thread.loop.create_server(lambda: _Conversation(self), HOST, self.port, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]


class _Conversation(SMTP):
    """aiosmtpd's protocol, asking the behaviour at every stage."""

    def __init__(self, peer: SmtpServer) -> None:
        self.peer = peer
        super().__init__(
            _Hooks(peer),
            hostname="demo.example",
            ident="ESMTP",
            enable_SMTPUTF8=peer.smtputf8,
            tls_context=peer.starttls,
            auth_require_tls=peer.starttls is not None,
            authenticator=self._login,
            loop=asyncio.get_running_loop(),
        )

    async def _handle_client(self) -> None:
        greeting = await self.obey("", None, Stage.CONNECT)
        if greeting is not None:
            await self.push(greeting)
            self._writer.close()
            return
        await super()._handle_client()

    @syntax("EHLO hostname")
    async def smtp_EHLO(self, hostname: str) -> None:
        answer = await self.obey("", None, Stage.EHLO)
        if answer is not None:
            await self.push(answer)
            return
        await super().smtp_EHLO(hostname)

    @syntax("AUTH <mechanism>")
    async def smtp_AUTH(self, arg: str) -> None:
        answer = await self.obey("", None, Stage.AUTH)
        if answer is not None:
            await self.push(answer)
            return
        await super().smtp_AUTH(arg)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        recipients = self.envelope.rcpt_tos if self.envelope else []
        answer = await self.obey(recipients[0], None, Stage.DATA) if recipients else None
        if answer is not None:
            await self.push(answer)
            return
        await super().smtp_DATA(arg)

    @syntax("QUIT")
    async def smtp_QUIT(self, arg: str) -> None:
        answer = await self.obey("", None, Stage.QUIT)
        if answer is not None:
            await self.push(answer)
            return
        await super().smtp_QUIT(arg)

    async def obey(self, recipient: str, message: bytes | None, stage: Stage) -> str | None:
        """The reply line the behaviour wants; a manner ends the conversation here."""
        answer = self.peer.ask(recipient, message, stage)
        return await self.depart(answer) if isinstance(answer, Manner) else answer

    async def depart(self, manner: Manner) -> NoReturn:
        """Leave without an answer. aiosmtpd ends a conversation quietly when its task is cancelled."""
        if manner is Manner.DROP:
            await self.push("354 go on")
            await self._reader.readuntil(b"\n")
        if manner is Manner.HANG:
            await self.peer.until_released()
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]
        raise asyncio.CancelledError

    async def push(self, status: Any) -> None:
        await super().push(status)
        if str(status).startswith("421"):
            self._writer.close()

    def _login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, secret: Any) -> AuthResult:
        known = (self.peer.users or {}).get(secret.login.decode())
        return AuthResult(success=known is not None and known == secret.password.decode(), handled=False)


class _Hooks:
    """aiosmtpd's handler: MAIL, RCPT and the end of the message."""

    def __init__(self, peer: SmtpServer) -> None:
        self.peer = peer

    async def handle_EHLO(
        self, server: _Conversation, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *(["250-PIPELINING"] if self.peer.pipelining else []), responses[-1]]

    async def handle_MAIL(
        self, server: _Conversation, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.peer.users is not None and not session.authenticated:
            return "530 5.7.0 Authentication required"
        answer = await server.obey("", None, Stage.MAIL) or "250 2.1.0 OK"
        if answer.startswith("2"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(
        self, server: _Conversation, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await server.obey(address, None, Stage.RCPT) or "250 2.1.5 OK"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: _Conversation, session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        recipients = list(envelope.rcpt_tos)
        answer = self.peer.ask(recipients[0], raw, Stage.DOT) or "250 2.0.0 OK"
        if isinstance(answer, Manner) or answer.startswith("2"):
            for recipient in recipients:
                self.peer.keep(sender=envelope.mail_from or "", recipient=recipient, raw=raw)
        if isinstance(answer, Manner):
            return await server.depart(answer)
        return answer
