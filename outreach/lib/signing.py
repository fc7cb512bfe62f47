"""Keyed hashes and mailed tokens under INSTALLATION_KEY, each bound to a purpose."""

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Callable

from django.conf import settings

TAG_BYTES = 16
BLOCK_BYTES = 64  # of SHA-256


class BadToken(Exception):
    """A token that this installation never made for this purpose."""


def keyed_hash(purpose: str, *parts: str) -> str:
    """HMAC-SHA256 (RFC 2104) over purpose and parts, as 64 hexadecimal digits; parts can't run into each other."""
    return _digest(purpose, *(part.encode() for part in parts)).hex()


def keyed_hasher(purpose: str) -> Callable[[str], str]:
    """`keyed_hash` of one part under one purpose, for a million of them: the two states of RFC 2104 are kept."""
    key = settings.INSTALLATION_KEY.encode()
    key = (hashlib.sha256(key).digest() if len(key) > BLOCK_BYTES else key).ljust(BLOCK_BYTES, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in key)) for pad in (0x36, 0x5C))
    inner.update(len(purpose.encode()).to_bytes(4, "big") + purpose.encode())

    def hashed(part: str) -> str:
        said = part.encode()
        first, second = inner.copy(), outer.copy()
        first.update(len(said).to_bytes(4, "big") + said)
        second.update(first.digest())
        return second.hexdigest()

    return hashed


def _digest(purpose: str, *parts: bytes) -> bytes:
    framed = b"".join([len(part).to_bytes(4, "big") + part for part in (purpose.encode(), *parts)])
    return hmac.digest(settings.INSTALLATION_KEY.encode(), framed, "sha256")


def make_token(purpose: str, public_id: uuid.UUID, *, number: int = 0) -> str:
    """An opaque, URL-safe token that names one row (and a small number within it) for one purpose; never expires."""
    body = public_id.bytes + number.to_bytes(4, "big")
    return base64.urlsafe_b64encode(body + _digest(purpose, body)[:TAG_BYTES]).rstrip(b"=").decode()


def read_token(purpose: str, token: str) -> tuple[uuid.UUID, int]:
    """Returns what `make_token` was given. Raises BadToken, the same for every kind of damage."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadToken from error
    body, tag = raw[:-TAG_BYTES], raw[-TAG_BYTES:]
    canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == token
    if len(body) != 20 or not canonical or not hmac.compare_digest(_digest(purpose, body)[:TAG_BYTES], tag):
        raise BadToken
    return uuid.UUID(bytes=body[:16]), int.from_bytes(body[16:], "big")
