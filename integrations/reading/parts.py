"""A raw mail taken apart without ever failing: bounded in size, number and depth."""

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from functools import cached_property

from integrations.reading.markup import text_of

LARGEST = 1_000_000  # octets that are looked at: reports and answers stand at the front
MOST_PARTS = 60
TEXT_CHARACTERS = 100_000
# What the standard library's parser, and its charsets, are known to raise on malformed mail.
MALFORMED = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError, ArithmeticError)
BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Parts:
    """One mail: its header fields and its parts in reading order, containers left out."""

    message: Message

    @cached_property
    def leaves(self) -> list[Message]:
        """The parts with content. The inside of a quoted mail is among them; `own_leaves` leaves it out."""
        return [part for part, _ in _walk(self.message)]

    @cached_property
    def own_leaves(self) -> list[Message]:
        return [part for part, quoted in _walk(self.message) if not quoted]

    @cached_property
    def text(self) -> str:
        """What a person reads: the plain parts, or the HTML ones as text where there are no plain ones."""
        plain = self._of_type("text/plain")
        return "\n".join(plain) if any(each.strip() for each in plain) else self.html_as_text(clean=False)

    @cached_property
    def has_plain_text(self) -> bool:
        return any(each.strip() for each in self._of_type("text/plain"))

    def html_as_text(self, *, clean: bool) -> str:
        """The HTML parts as text; `clean` leaves out what mail programs mark as quote or signature."""
        return "\n".join(text_of(each, clean=clean) for each in self._of_type("text/html"))

    def header(self, name: str) -> str:
        """A header field in readable words, "" when it is missing; the first when there are several."""
        return decoded(self.message.get(name))

    def addresses(self, name: str) -> list[str]:
        """The bare addresses of a field, domains in lower case."""
        try:
            found = getaddresses([str(value) for value in self.message.get_all(name, [])])
        except MALFORMED:
            return []
        return [address_of(address) for _, address in found[:50] if "@" in address]

    def sent_at(self) -> datetime | None:
        """The Date in UTC; a date without a zone is taken as UTC."""
        try:
            found = parsedate_to_datetime(str(self.message.get("Date", "")))
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (*MALFORMED, OverflowError):
            return None

    def _of_type(self, content_type: str) -> list[str]:
        wanted = (part for part in self.own_leaves if kind(part) == content_type and not part.get_filename(""))
        return [content(part) for part in wanted]


def parse(raw: bytes) -> Parts:
    """Takes the mail apart; one that is nested or broken beyond reading keeps its header and its bytes as text."""
    whole = raw[:LARGEST]
    try:
        return Parts(BytesParser(policy=policy.compat32).parsebytes(whole))
    except MALFORMED:
        message = BytesHeaderParser(policy=policy.compat32).parsebytes(whole)
        for name in ("Content-Type", "Content-Transfer-Encoding"):
            del message[name]
        return Parts(message)


def kind(part: Message) -> str:
    """The lower-cased content type; text/plain for one that makes no sense."""
    try:
        return part.get_content_type()
    except MALFORMED:
        return "text/plain"


def content(part: Message) -> str:
    """A part's text with LF line ends, whatever its charset says; undecodable octets become U+FFFD."""
    try:
        payload = part.get_payload(decode=True)
    except MALFORMED:
        payload = None
    if not isinstance(payload, bytes):
        return ""
    text = payload[: TEXT_CHARACTERS * 4].decode(_codec(part), "replace")[:TEXT_CHARACTERS]
    return storable(text.replace("\r\n", "\n").replace("\r", "\n"))


def storable(text: str) -> str:
    """The text without what PostgreSQL can't hold: NUL, and halves of surrogate pairs (UTF-7 brings them)."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def decoded(value: object) -> str:
    """A header value with its encoded-words read; as it stands when they are broken."""
    if value is None:
        return ""
    plain = str(value)[:10_000]
    with suppress(*MALFORMED):
        plain = str(make_header(decode_header(plain)))
    return BLANKS.sub(" ", storable(plain)).strip()


def address_of(value: str) -> str:
    """A bare address with its domain in lower case; "" for what cannot be one."""
    local, at, domain = value.strip().strip("<>;,.\"'").rpartition("@")
    address = f"{local}{at}{domain.lower()}"
    return address if local and domain and len(address) <= 254 and address.isprintable() and " " not in address else ""


def _codec(part: Message) -> str:
    try:
        name = part.get_content_charset() or "utf-8"
        "".encode(name)  # refuses codecs that are not about text
        return codecs.lookup(name).name
    except MALFORMED:
        return "utf-8"


def _walk(message: Message) -> Iterator[tuple[Message, bool]]:
    """The leaves in order, each with whether it belongs to a quoted mail; no recursion, and no more than enough."""
    stack: list[tuple[Message, bool]] = [(message, False)]
    seen = 0
    while stack and seen < MOST_PARTS * 10:
        part, quoted = stack.pop()
        seen += 1
        inside = part.get_payload() if part.is_multipart() else None
        if not isinstance(inside, list):
            yield part, quoted
            continue
        whole_mail = kind(part).startswith("message/")
        if whole_mail:
            yield part, quoted
        children = [each for each in inside[:MOST_PARTS] if isinstance(each, Message)]
        stack.extend((each, quoted or whole_mail) for each in reversed(children))
