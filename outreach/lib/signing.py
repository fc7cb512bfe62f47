"""Keyed hashes and mailed tokens under INSTALLATION_KEY, each bound to a purpose."""

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from hashlib import _Hash

TAG_BYTES = 16
BLOCK_BYTES = 64  # of SHA-256


class BadToken(Exception):
    """A token that this installation never made for this purpose."""


def keyed_hash(purpose: str, *parts: str) -> str:
    """HMAC-SHA256 (RFC 2104) over purpose and parts, as 64 hexadecimal digits; parts can't run into each other."""
    return keyed_hasher(purpose)(*parts)


def keyed_hasher(purpose: str) -> Callable[..., str]:
    """`keyed_hash` under one purpose, for a million of them."""
    inner, outer = _states(settings.INSTALLATION_KEY, purpose)

    def hashed(*parts: str) -> str:
        first, second = inner.copy(), outer.copy()
        for part in parts:
            data = part.encode()
            first.update(len(data).to_bytes(4, "big") + data)
        second.update(first.digest())
        return second.hexdigest()

    return hashed


@lru_cache(maxsize=64)
def _states(secret: str, purpose: str) -> tuple["_Hash", "_Hash"]:
    """The two states of RFC 2104, the inner one after the purpose: kept, as they take longer than what is hashed."""
    key = secret.encode()
    key = (hashlib.sha256(key).digest() if len(key) > BLOCK_BYTES else key).ljust(BLOCK_BYTES, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in key)) for pad in (0x36, 0x5C))
    inner.update(_framed(purpose.encode()))
    return inner, outer


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def _digest(inner: "_Hash", outer: "_Hash", *parts: bytes) -> bytes:
    first, second = inner.copy(), outer.copy()
    for part in parts:
        first.update(_framed(part))
    second.update(first.digest())
    return second.digest()


def _tag(purpose: str, body: bytes) -> bytes:
    return _digest(*_states(settings.INSTALLATION_KEY, purpose), body)[:TAG_BYTES]


def make_token(purpose: str, public_id: uuid.UUID, *, number: int = 0) -> str:
    """An opaque, URL-safe token that names one row (and a small number within it) for one purpose; never expires."""
    body = public_id.bytes + number.to_bytes(4, "big")
    return base64.urlsafe_b64encode(body + _tag(purpose, body)).rstrip(b"=").decode()


def read_token(purpose: str, token: str) -> tuple[uuid.UUID, int]:
    """Returns what `make_token` was given. Raises BadToken, the same for every kind of damage."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadToken from error
    body, tag = raw[:-TAG_BYTES], raw[-TAG_BYTES:]
    canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == token
    if len(body) != 20 or not canonical or not hmac.compare_digest(_tag(purpose, body), tag):
        raise BadToken
    return uuid.UUID(bytes=body[:16]), int.from_bytes(body[16:], "big")
