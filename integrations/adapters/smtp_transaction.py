"""One SMTP transaction with one recipient, told so exactly that a lost reply is never mistaken for a lost message."""

import re
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass

from integrations.adapters import connecting
from integrations.adapters.smtp_replies import classify, status_of
from integrations.adapters.smtp_wire import Wire
from integrations.ports import Fault, Outcome, Phase, Proceed, Verdict
from outreach.lib.faults import fault
from outreach.lib.text import printable

LINE_END = re.compile(rb"\r\n|\r|\n")
LEADING_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for each reply (RFC 5321 section 4.5.3.2). Ten minutes after the dot make duplicates rare."""

    connect: float = 30
    command: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
    quit: float = 5


class Transaction:
    """One MAIL … dot exchange. `begun` once anything was said; `lost` when the connection can't be used again."""

    def __init__(self, *, wire: Wire, timeouts: Timeouts, encrypted: bool) -> None:
        self.wire = wire
        self.timeouts = timeouts
        self.encrypted = encrypted
        self.lost = False
        self.begun = False

    def run(self, *, sender: str, receiver: str, data: bytes, proceed: Proceed) -> Outcome:
        impossible = self._cannot_carry(sender=sender, receiver=receiver)
        if impossible is not None:
            return impossible
        body = _stuffed(data)
        refused = self._announce(
            (
                (Phase.MAIL, f"MAIL FROM:<{sender}>" + self._options(sender + receiver, body)),
                (Phase.RCPT, f"RCPT TO:<{receiver}>"),
                (Phase.DATA, "DATA"),
            )
        )
        if refused is not None:
            return refused
        if not proceed():
            self.lost = True  # it waits for a text: only hanging up withholds it
            return Outcome(verdict=Verdict.WITHHELD, phase=Phase.DATA)
        return self._hand_over(body)

    def _announce(self, commands: Sequence[tuple[Phase, str]]) -> Outcome | None:
        """None when the server waits for the text. Says all at once where the server takes that, DATA last (RFC 2920).

        Every command said has its reply read, also after a refusal; the first refusal is what ends it.
        """
        fault("before_data")
        at_once = self.wire.has_extn("pipelining")
        to_say = [[command for _, command in commands], [], []] if at_once else [[command] for _, command in commands]
        refused = None
        for (phase, _), say in zip(commands, to_say, strict=True):
            code, text = self._exchange(say, self.timeouts.data if phase is Phase.DATA else self.timeouts.command)
            if refused is not None:
                self.lost |= code == 354  # it waits for the text of a mail to nobody
            elif not (code == 354 if phase is Phase.DATA else 200 <= code < 300):
                refused = self._ended(phase, code, text)
            if refused is not None and (self.lost or not at_once):
                break
        return refused

    def ask(self, command: str) -> tuple[int, str]:
        """One command and its reply; (0, why) when the connection was lost or the reply is no reply."""
        return self._exchange([command], self.timeouts.command)

    def _hand_over(self, body: bytes) -> Outcome:
        """The text first and the final dot in a write of its own: so it is certain which of them left."""
        wire = self.wire
        wire.patience = self.timeouts.block
        try:
            wire.say(body)
        except OSError as error:
            return self._broken(Phase.DATA, error)
        if not self.encrypted and wire.has_spoken():  # or hung up: the dot has not left, and never will
            code, text = self._exchange([], self.timeouts.data)
            self.lost = True
            return classify(phase=Phase.DATA, code=code, status=status_of(text), text=text)
        fault("before_dot")
        try:
            wire.say(b".\r\n")
        except OSError as error:
            # A refused write of three bytes on a plain socket left nothing; under TLS it can't be told.
            return self._broken(Phase.DOT_SENT if self.encrypted else Phase.DATA, error)
        fault("after_dot")
        code, text = self._exchange([], self.timeouts.dot)
        return self._ended(Phase.DOT_SENT, code, text)

    def _exchange(self, commands: Sequence[str], seconds: float) -> tuple[int, str]:
        """Says these in one write, then reads one reply."""
        self.begun = True
        if self.wire.sock is None:
            self.lost = True
            return 0, "The connection is not open."
        try:
            self.wire.patience = seconds
            if commands:
                self.wire.send("".join(f"{command}\r\n" for command in commands))
            code, reply = self.wire.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self.lost = True
            return 0, connecting.reason(error)
        text = words(reply)
        if not 200 <= code < 600:
            self.lost = True  # no reply line at all: what comes next cannot be trusted
            return 0, text
        return code, text

    def _ended(self, phase: Phase, code: int, text: str) -> Outcome:
        outcome = classify(phase=phase, code=code, status=status_of(text), text=text)
        if 200 <= code < 400 and outcome.verdict is not Verdict.ACCEPTED:
            self.lost = True  # a reply of the wrong class: client and server no longer agree where they are
        return outcome

    def _broken(self, phase: Phase, error: OSError) -> Outcome:
        self.lost = True
        return classify(phase=phase, code=0, status="", text=connecting.reason(error))

    def _options(self, addresses: str, body: bytes) -> str:
        options = ""
        if not body.isascii() and self.wire.has_extn("8bitmime"):
            options += " BODY=8BITMIME"
        if not addresses.isascii():
            self.wire.command_encoding = "utf-8"
            options += " SMTPUTF8"
        return options

    def _cannot_carry(self, *, sender: str, receiver: str) -> Outcome | None:
        """A local part outside ASCII needs SMTPUTF8 (RFC 6531); without it nothing is said to the server."""
        if (sender + receiver).isascii() or self.wire.has_extn("smtputf8"):
            return None
        ours = receiver.isascii()
        return Outcome(
            verdict=Verdict.REFUSED,
            phase=Phase.MAIL if ours else Phase.RCPT,
            code=553,
            status="5.6.7",
            reply="The mail server cannot carry an address with letters outside ASCII before the @ (no SMTPUTF8).",
            fault=Fault.MAILBOX if ours else Fault.RECIPIENT,
        )


def words(text: bytes) -> str:
    return " ".join(printable(text.decode("utf-8", "replace")).split()).rstrip(".")


def _stuffed(data: bytes) -> bytes:
    """The text as it goes over the wire: CRLF only, leading dots doubled, a line end last (RFC 5321 section 4.5.2)."""
    ends = data.count(b"\r\n")
    lines = data if ends == data.count(b"\r") == data.count(b"\n") else LINE_END.sub(b"\r\n", data)
    lines = LEADING_DOT.sub(b"..", lines) if b"\n." in lines or lines.startswith(b".") else lines
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"
