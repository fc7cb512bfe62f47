"""Keyed hashes and mailed tokens under INSTALLATION_KEY, each bound to a purpose."""

import base64
import binascii
import hashlib
import hmac
import uuid

from django.conf import settings

TAG_BYTES = 16


class BadToken(Exception):
    """A token that this installation never made for this purpose."""


def keyed_hash(purpose: str, *parts: str) -> str:
    """HMAC-SHA256 (RFC 2104) over purpose and parts, as 64 hexadecimal digits; parts can't run into each other."""
    return _digest(purpose, *(part.encode() for part in parts)).hex()


def _digest(purpose: str, *parts: bytes) -> bytes:
    mac = hmac.new(settings.INSTALLATION_KEY.encode(), digestmod=hashlib.sha256)
    for part in (purpose.encode(), *parts):
        mac.update(len(part).to_bytes(4, "big") + part)
    return mac.digest()


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
