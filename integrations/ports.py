"""What passes between the domain and the vendors: frozen values and errors, no vendor's words."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol


class Phase(StrEnum):
    """How far an SMTP conversation came before it ended (RFC 5321 section 3.3)."""

    CONNECT = "connect"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT_SENT = "dot_sent"
    ACCEPTED = "accepted"


class Verdict(StrEnum):
    """What the receiving side did with one message."""

    ACCEPTED = "accepted"  # it took responsibility: 250 after the final dot
    REFUSED = "refused"  # 5yz: never again with this content to this address
    DEFERRED = "deferred"  # 4yz or a loss before the final dot: try the same row later
    UNKNOWN = "unknown"  # silence after the final dot: reconciled, never resent
    WITHHELD = "withheld"  # the text did not leave: nothing was handed over


class Fault(StrEnum):
    """Whose fault a refusal is: decides what is paused or suppressed."""

    NONE = ""
    RECIPIENT = "recipient"  # the address does not exist or takes no mail
    CONTENT = "content"  # this text is not wanted
    POLICY = "policy"  # our reputation or authentication (5.7.x, 4.7.x)
    MAILBOX = "mailbox"  # our credentials or our account (530, 535)
    SERVER = "server"  # the network or the server


@dataclass(frozen=True)
class SmtpAccount:
    """How to reach a submission server. Secrets are plain text here: never log it, `repr` hides the password."""

    host: str
    port: int
    security: str  # "none" | "starttls" | "tls"
    username: str = ""
    password: str = field(default="", repr=False)
    local_hostname: str = ""
    loopback_only: bool = False  # demo mailboxes: refuse to connect anywhere else


@dataclass(frozen=True)
class ImapAccount:
    """How to reach a mailbox's incoming mail."""

    host: str
    port: int
    security: str
    username: str
    password: str = field(default="", repr=False)
    folder: str = "INBOX"
    loopback_only: bool = False


@dataclass(frozen=True)
class ServiceAccount:
    """How to reach a service that sends for others over HTTP. `repr` hides the key."""

    service: str  # "resend" | "brevo" | "postmark"
    key: str = field(default="", repr=False)
    loopback_only: bool = False


@dataclass(frozen=True)
class Outcome:
    """The end of one hand-over: what happened, how far it came and what the server said."""

    verdict: Verdict
    phase: Phase
    code: int = 0  # SMTP reply code, 0 when none came
    status: str = ""  # enhanced status code x.y.z (RFC 3463), "" when none came
    reply: str = ""  # the server's words, at most 500 characters
    fault: Fault = Fault.NONE
    retry_after: timedelta = timedelta(0)  # how long it asked us to wait


@dataclass(frozen=True)
class OutgoingMail:
    """One mail to one person, as plain strings; `mime.build` turns it into bytes."""

    message_id: str  # with angle brackets
    from_name: str
    from_address: str
    to_name: str
    to_address: str
    subject: str
    text: str
    date: datetime
    html: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    unsubscribe_url: str = ""  # https (or loopback http) one-click address, RFC 8058


class MailKind(StrEnum):
    """What an incoming mail is, in the order the tests are made (reliability rule A3)."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"
    UNSUBSCRIBE = "unsubscribe"
    REPLY = "reply"


class BounceKind(StrEnum):
    """What a delivery report says of the address."""

    HARD = "hard"  # permanent, the recipient's class: suppress
    SOFT = "soft"  # temporary or not about the address: never suppress
    DELAYED = "delayed"
    DELIVERED = "delivered"


class ReplyClass(StrEnum):
    """What a person's answer says, as far as words tell."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    QUESTION = "question"
    UNSUBSCRIBE = "unsubscribe"
    OTHER = "other"


@dataclass(frozen=True)
class IncomingMail:
    """One incoming mail in our own words."""

    kind: MailKind
    message_id: str  # "" when the mail carries none
    sender: str  # bare address of From, lower-cased domain; "" when unreadable
    subject: str
    sent_at: datetime | None  # UTC, from Date; None when missing or unreadable
    candidates: tuple[
        str, ...
    ]  # Message-IDs it refers to, best first: In-Reply-To, References from the end, quoted in parts and body
    bounce: BounceKind | None = None
    status: str = ""  # enhanced status of a bounce
    diagnostic: str = ""  # the report's words, at most 500 characters
    recipients: tuple[str, ...] = ()  # failed recipients named by the report
    return_date: date | None = None  # of an out-of-office
    own_words: str = ""  # the person's text without quote, at most 20,000 characters
    reply_class: ReplyClass | None = None


class IntegrationError(Exception):
    """An outside system said no or did not answer; `str()` is a sentence for the operator."""


class CredentialsRefused(IntegrationError):
    """We were refused: the login (530, 534, 535) or by policy. Pause the mailbox, do not try again by yourself."""


class Unreachable(IntegrationError):
    """No connection, a lost connection or a TLS failure: may be tried later."""


Proceed = Callable[[], bool]
"""Asked right before the text leaves; False withholds the message."""


class Transport(Protocol):
    """What mail leaves by: one for each run, kept open from message to message. Not for two threads at once."""

    @property
    def is_open(self) -> bool:
        """True when a message may be handed over."""

    def open(self) -> None:
        """Gets ready. Raises CredentialsRefused or Unreachable in words."""

    def close(self) -> None:
        """Lets go; raises nothing."""

    def send(self, *, envelope_from: str, recipient: str, data: bytes, proceed: Proceed) -> Outcome:
        """Hands one message to one recipient and tells how it ended. Raises ValueError for an impossible address."""
