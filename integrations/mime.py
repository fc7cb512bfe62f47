"""One mail as bytes: RFC 5322 and MIME, built from plain strings that nobody trusts."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache

from integrations.internationalised import ascii_domain
from integrations.ports import OutgoingMail

LINE = 76  # octets, CRLF not counted; RFC 5322 section 2.1.1 says 78 should, 998 must
LONGEST_TOKEN = 900  # what can't be folded: a URL, a Message-ID
REFERENCES_KEPT = 20
ENCODED_WORD_BYTES = 42  # base64 of 42 bytes and the frame are 68 characters of the 75 that RFC 2047 allows

FORBIDDEN = re.compile(r"[\r\n\x00]")
PRINTABLE = re.compile(r"[ -~]*\Z")
ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
ADDRESS = re.compile(r"[^\x00-\x20\x7f<>()\[\],;:\\\"@]+@[^\x00-\x20\x7f<>()\[\],;:\\\"@]+\Z")
TOKEN = re.compile(r"[!-;=?-~]+\Z")
LINE_END = re.compile(r"\r\n?")
FOREIGN = bytes(range(128, 256))  # what ASCII does not know


def build(mail: OutgoingMail) -> bytes:
    """The whole mail with CRLF line ends, before dot-stuffing: the same mail always gives the same bytes.

    Exactly one each of the header fields; text/plain always, and multipart/alternative when there is HTML; nothing
    outside ASCII but an internationalised address (RFC 6532). Raises ValueError naming the field when one holds CR,
    LF or NUL, is no address, no Message-ID or no URL, or when `date` has no zone.
    """
    fields = [*_fields(mail), "MIME-Version: 1.0"]
    head = "\r\n".join(fields).encode() + b"\r\n"
    if not mail.html:
        return head + _part(mail.text, "plain")
    boundary = "=_" + hashlib.sha256(mail.message_id.encode()).hexdigest()[:32]
    # The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
    first, second, last = (
        f"{line}\r\n".encode() for line in (f"--{boundary}", f"\r\n--{boundary}", f"\r\n--{boundary}--")
    )
    kind = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode()
    return head + kind + first + _part(mail.text, "plain") + second + _part(mail.html, "html") + last


def _fields(mail: OutgoingMail) -> Iterator[str]:
    if mail.date.tzinfo is None:
        raise ValueError("date: it has no time zone.")
    yield _date(mail.date, mail.date.utcoffset())
    yield _mailbox("From", name=mail.from_name, address=mail.from_address, field="from")
    yield _mailbox("To", name=mail.to_name, address=mail.to_address, field="to")
    yield _fold("Subject", _words(_clean(mail.subject, "subject")))
    yield "Message-ID: " + _message_id(mail.message_id, "message_id")
    if mail.in_reply_to:
        yield "In-Reply-To: " + _message_id(mail.in_reply_to, "in_reply_to")
    references = _references(mail.references)
    if references:
        yield _fold("References", references)
    if mail.unsubscribe_url:
        yield f"List-Unsubscribe: <{_url(mail.unsubscribe_url)}>"
        yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click"


@lru_cache(maxsize=16)  # a batch has one
def _date(date: datetime, offset: timedelta | None) -> str:
    """`offset` tells apart what is equal: the same instant in two zones."""
    return "Date: " + format_datetime(date)


def _clean(value: str, field: str) -> str:
    if FORBIDDEN.search(value):
        raise ValueError(f"{field}: a header value may not hold a line break or a NUL.")
    return value


@lru_cache(maxsize=256)
def _mailbox(header: str, *, name: str, address: str, field: str) -> str:
    _clean(name, f"{field}_name")
    if not ADDRESS.match(_clean(address, f"{field}_address")):
        raise ValueError(f"{field}_address: {address!r} is not an address.")
    spec = f"<{ascii_domain(address)}>"
    return _fold(header, [*_phrase(name.strip()), spec])


def _phrase(name: str) -> list[str]:
    """A display name: atoms as they are, other ASCII quoted, the rest as encoded-words (RFC 5322 section 3.2.5)."""
    if not PRINTABLE.match(name) or len(name) > LINE // 2 or "=?" in name:
        return list(_encoded(name))
    if not name or ATOMS.match(name):
        return name.split()
    return ['"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"']


def _words(value: str) -> list[str]:
    """Unstructured text in pieces that may stand on a line of their own."""
    pieces = value.split(" ")
    plain = PRINTABLE.match(value) and "=?" not in value and all(0 < len(piece) <= LINE // 2 for piece in pieces)
    return pieces if plain else list(_encoded(value))


def _encoded(value: str) -> Iterator[str]:
    """RFC 2047 encoded-words, each of whole characters."""
    chunk = b""
    for character in value:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > ENCODED_WORD_BYTES:
            yield f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="
            chunk = b""
        chunk += octets
    if chunk:
        yield f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="


def _fold(header: str, pieces: list[str]) -> str:
    """A header field of several lines, broken only between pieces."""
    lines = [header + ":"]
    for piece in pieces:
        if len(lines[-1]) + 1 + len(piece) > LINE and lines[-1] != header + ":":
            lines.append("")
        lines[-1] += " " + piece
    return "\r\n".join(lines)


def _message_id(value: str, field: str) -> str:
    _clean(value, field)
    inner = value[1:-1]
    if not (value.startswith("<") and value.endswith(">") and TOKEN.match(inner) and len(inner) <= LONGEST_TOKEN):
        raise ValueError(f"{field}: {value!r} is not a Message-ID.")
    return value


def _references(values: tuple[str, ...]) -> list[str]:
    """The first and the latest ids of the thread. Other people's ids may be odd: those are left out."""
    kept = []
    for value in values:
        inner = _clean(value, "references")[1:-1]
        if value.startswith("<") and value.endswith(">") and TOKEN.match(inner) and len(inner) <= LONGEST_TOKEN:
            kept.append(value)
    return kept if len(kept) <= REFERENCES_KEPT else [kept[0], *kept[-REFERENCES_KEPT + 1 :]]


def _url(value: str) -> str:
    _clean(value, "unsubscribe_url")
    if not value.startswith(("https://", "http://")) or not TOKEN.match(value) or len(value) > LONGEST_TOKEN:
        raise ValueError(f"unsubscribe_url: {value!r} cannot stand in a header.")
    return value


def _part(text: str, subtype: str) -> bytes:
    """A text part with its own header fields, its lines short and in ASCII."""
    body = LINE_END.sub("\n", text) if "\r" in text else text
    if not body.endswith("\n"):
        body += "\n"
    encoding, data = _transfer(body.encode("utf-8", "replace"))
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + data.replace(b"\n", b"\r\n")


def _transfer(body: bytes) -> tuple[str, bytes]:
    """7bit when it is short clean ASCII, else the smaller of quoted-printable and base64; lines end in LF."""
    longest = max(map(len, body.split(b"\n")))
    if longest <= LINE and PRINTABLE.match(body.decode("ascii", "replace").replace("\n", "").replace("\t", "")):
        return "7bit", body
    foreign = len(body) - len(body.translate(None, FOREIGN))
    if foreign * 6 > len(body):
        return "base64", base64.encodebytes(body.replace(b"\n", b"\r\n"))
    return "quoted-printable", binascii.b2a_qp(body, istext=True)
