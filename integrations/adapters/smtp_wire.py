"""smtplib's lines and replies with few calls of the system: for every message each of them counts."""

import select
import smtplib
import socket
from typing import TYPE_CHECKING

from integrations.adapters import connecting
from integrations.ports import SmtpAccount

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LONGEST_LINE = 8192  # smtplib's own limit
CHUNK = 16_384  # bytes


class Wire(smtplib.SMTP):
    """smtplib over a socket that we opened: it asks no name server for our own name, and reads into our own buffer.

    `patience` is how many seconds what is said or heard next may take.
    """

    def __init__(self, account: SmtpAccount, *, seconds: float) -> None:
        self.account = account
        self.patience = seconds
        self._heard = b""  # and not yet read as a reply
        self._poll = select.poll()
        super().__init__(local_hostname=account.local_hostname or "localhost", timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = connecting.connect(host=host, port=port, seconds=timeout, loopback_only=self.account.loopback_only)
        if not self.account.local_hostname:
            self.local_hostname = _literal(sock.getsockname()[0])
        self._poll.register(sock, select.POLLIN)  # by its number, which it keeps under TLS
        return connecting.wrap(sock, host=host) if self.account.security == "tls" else sock

    def secure(self) -> None:
        """TLS from here on; what was said in the clear is forgotten (RFC 3207 section 4.2)."""
        assert self.sock is not None
        self.sock, self._heard = connecting.wrap(self.sock, host=self.account.host), b""
        self.ehlo_resp, self.esmtp_features, self.does_esmtp = None, {}, False

    def has_spoken(self) -> bool:
        """True when the other side has said something that was not read, or hung up."""
        return bool(self._heard or self._poll.poll(0))

    def say(self, data: bytes) -> None:
        """Writes all of it. Raises OSError."""
        self._patient().sendall(data)

    def send(self, s: "ReadableBuffer | str") -> None:
        """As smtplib's."""
        self._patient()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib's, from our buffer."""
        said = []
        while True:
            line = self._line()
            said.append(line[4:].strip(b" \t\r\n"))
            try:
                code = int(line[:3])
            except ValueError:
                code = -1
                break
            if line[3:4] != b"-":
                break
        return code, b"\n".join(said)

    def _line(self) -> bytes:
        """The next line of a reply; what stands before the other side hangs up is one as well."""
        while not (end := self._heard.find(b"\n") + 1) and len(self._heard) <= LONGEST_LINE:
            if not (more := self._received()):
                break
            self._heard += more
        line = self._heard[: end or None]
        self._heard = self._heard[len(line) :]
        if not line:
            self.close()
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        if len(line) > LONGEST_LINE:
            self.close()
            raise smtplib.SMTPResponseException(500, "Line too long.")
        return line

    def _received(self) -> bytes:
        try:
            return self._patient().recv(CHUNK)
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected(f"Connection unexpectedly closed: {error}") from error

    def _patient(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("please run connect() first")
        if self.sock.gettimeout() != self.patience:  # to set it is a call of the system
            self.sock.settimeout(self.patience)
        return self.sock


def _literal(address: str) -> str:
    """Our own address as a literal, which RFC 5321 section 4.1.3 allows where a host has no name."""
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
