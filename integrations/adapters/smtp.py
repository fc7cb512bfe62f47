"""Our thin transport over smtplib: one kept connection, every way it can end in words."""

import base64
import re
import smtplib

from integrations.adapters import connecting
from integrations.adapters.smtp_replies import classify, status_of
from integrations.adapters.smtp_transaction import Timeouts, Transaction, words
from integrations.adapters.smtp_wire import Wire
from integrations.internationalised import ascii_domain
from integrations.ports import (
    CredentialsRefused,
    Fault,
    IntegrationError,
    Outcome,
    Phase,
    Proceed,
    SmtpAccount,
    Unreachable,
    Verdict,
)

CONTROLS = re.compile(r"[\x00-\x20\x7f<>]")
TIMEOUTS = Timeouts()


class SmtpConnection:
    """A connection to one submission server, kept open from message to message. Not for two threads at once."""

    def __init__(self, *, account: SmtpAccount, timeouts: Timeouts | None = None) -> None:
        self.account = account
        self.timeouts = timeouts or TIMEOUTS
        self._wire: Wire | None = None

    @property
    def is_open(self) -> bool:
        """True when a message may be handed over. A server that has hung up, or said 421 meanwhile, is noticed here."""
        wire = self._wire
        if wire is None or wire.sock is None:
            return False
        if wire.has_spoken():
            self._drop()
            return False
        return True

    def open(self) -> None:
        """Connect, greet, secure and log in; nothing when it is open already.

        Raises CredentialsRefused when the login was refused, Unreachable for everything else, both in words.
        STARTTLS that is not offered or not verified is an error: there is no fall back to clear text (RFC 3207).
        """
        if self.is_open:
            return
        wire = Wire(self.account, seconds=self.timeouts.connect)
        try:
            self._greet(wire)
            if self.account.security == "starttls":
                self._secure(wire)
            if self.account.username:
                self._login(wire)
        except (OSError, smtplib.SMTPException) as error:
            wire.close()
            raise Unreachable(f"{self._name} hung up: {connecting.reason(error)}.") from error
        except BaseException:
            wire.close()
            raise
        self._wire = wire

    def close(self) -> None:
        """Say QUIT and hang up; what goes wrong there matters to nobody."""
        wire, self._wire = self._wire, None
        if wire is None:
            return
        try:
            if wire.sock is not None:
                wire.patience = self.timeouts.quit
                wire.docmd("QUIT")
        except (OSError, smtplib.SMTPException):
            pass  # the message before was answered; a lost goodbye changes nothing
        finally:
            wire.close()

    def send(self, *, envelope_from: str, recipient: str, data: bytes, proceed: Proceed) -> Outcome:
        """Hand one message to one recipient and tell how it ended; only `proceed` itself may raise in between.

        `data` may have any line ends; dots are stuffed here. `proceed` is asked right before the text; False withholds.
        Raises ValueError for an envelope address with a control character, a space, an angle bracket or no real domain.
        """
        for address in (envelope_from, recipient):
            if CONTROLS.search(address):
                raise ValueError(f"An envelope address holds a character that SMTP cannot carry: {address!r}.")
        sender, receiver = ascii_domain(envelope_from), ascii_domain(recipient)
        if not self.is_open or self._wire is None:
            return classify(phase=Phase.CONNECT, code=0, status="", text="The connection is not open.")
        transaction = Transaction(wire=self._wire, timeouts=self.timeouts, encrypted=self._encrypted)
        try:
            outcome = transaction.run(sender=sender, receiver=receiver, data=data, proceed=proceed)
        except BaseException:
            self._drop()
            raise
        self._settle(transaction, outcome)
        return outcome

    @property
    def _name(self) -> str:
        return f"{self.account.host} port {self.account.port}"

    @property
    def _encrypted(self) -> bool:
        return self.account.security != "none"

    def _greet(self, wire: Wire) -> None:
        code, text = wire.connect(self.account.host, self.account.port)
        if code != 220:
            raise self._unwelcome(code, text, "does not want to talk")
        self._hello(wire)

    def _hello(self, wire: Wire) -> None:
        code, text = wire.ehlo()
        if code in (500, 502):
            code, text = wire.helo()
        if not 200 <= code < 300:
            raise self._unwelcome(code, text, "refused our greeting")

    def _unwelcome(self, code: int, text: bytes, what: str) -> IntegrationError:
        """A server that refuses us for good before it heard of any mail is not asked again every few minutes."""
        said = words(text)
        outcome = classify(phase=Phase.CONNECT, code=code, status=status_of(said), text=said)
        ours = outcome.verdict is Verdict.REFUSED and outcome.fault in (Fault.MAILBOX, Fault.POLICY)
        return (CredentialsRefused if ours else Unreachable)(f"{self._name} {what}: {code} {said}.")

    def _secure(self, wire: Wire) -> None:
        if not wire.has_extn("starttls"):
            raise Unreachable(f"{self._name} does not offer STARTTLS, and nothing is sent in the clear instead.")
        code, text = wire.docmd("STARTTLS")
        if code != 220:
            raise Unreachable(f"{self._name} refused STARTTLS: {code} {words(text)}.")
        wire.secure()
        self._hello(wire)

    def _login(self, wire: Wire) -> None:
        """One try with one method: three refused tries in a row would lock some mailboxes."""
        methods = wire.esmtp_features.get("auth", "").upper().split()
        user, password = (part.encode() for part in (self.account.username, self.account.password))
        if "PLAIN" in methods:
            code, text = wire.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0".join((b"", user, password))).decode())
        elif "LOGIN" in methods:
            code, text = wire.docmd("AUTH", "LOGIN " + base64.b64encode(user).decode())
            if code == 334:
                code, text = wire.docmd(base64.b64encode(password).decode())
        else:
            raise CredentialsRefused(f"{self._name} offers no login that we speak (PLAIN or LOGIN).")
        if 500 <= code < 600:
            raise CredentialsRefused(f"{self._name} refused the login: {code} {words(text)}.")
        if code != 235:
            raise Unreachable(f"{self._name} could not check the login: {code} {words(text)}.")

    def _settle(self, transaction: "Transaction", outcome: Outcome) -> None:
        """Leave the connection ready for the next message, or drop it."""
        if transaction.lost or outcome.code == 421:
            self._drop()
        elif transaction.begun and outcome.verdict is not Verdict.ACCEPTED and outcome.phase is not Phase.DOT_SENT:
            code, _ = transaction.ask("RSET")
            if not 200 <= code < 300:
                self._drop()

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()
