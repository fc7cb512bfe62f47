"""API keys: made once, shown once, checked by hash."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import ApiKey, Role, User
from outreach.lib.errors import DomainError, Problem

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no letter that reads like a digit: a prefix is told on the telephone
PREFIX_LENGTH = len("ok_") + 8
USE_IS_NOTED_EVERY = timedelta(minutes=1)


class InvalidKey(DomainError):
    """A key can't be made as asked."""


def create_key(*, name: str, role: str, owner: User, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """Returns the stored key and the key itself, which nobody can show again.

    Raises InvalidKey when the role is not known or above the owner's.
    """
    if role not in Role.values:
        raise InvalidKey("", [Problem("role", f"One of {', '.join(Role.values)}.")])
    if not role_of_user(user=owner).covers(Role(role)):
        raise InvalidKey(
            "", [Problem("role", f"{owner} is {role_of_user(user=owner).label.lower()}: a key can't do more.")]
        )
    prefix = "ok_" + "".join(secrets.choice(ALPHABET) for _ in range(8))
    raw = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name, role=role, owner=owner, expires_at=expires_at, prefix=prefix, key_hash=_hash(raw)
    )
    return key, raw


def authenticate(*, raw: str, now: datetime) -> ApiKey | None:
    """Returns the key (with its owner) that `raw` is, or None: unknown, expired, revoked, or its owner left."""
    key = (
        ApiKey.objects.select_related("owner")
        .filter(Q(expires_at=None) | Q(expires_at__gt=now), prefix=raw[:PREFIX_LENGTH], revoked_at=None)
        .filter(owner__is_active=True)
        .first()
    )
    # A key carries 256 random bits, so a fast hash is enough; an unknown prefix is not a secret worth hiding.
    if key is None or not hmac.compare_digest(key.key_hash, _hash(raw)):
        return None
    _note_use(key, now)
    return key


def _note_use(key: ApiKey, now: datetime) -> None:
    """Writes at most once a minute, so that reading through the API stays reading."""
    stale = now - USE_IS_NOTED_EVERY
    if key.last_used_at is None or key.last_used_at < stale:
        ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=stale), pk=key.pk).update(last_used_at=now)


def revoke(*, key: ApiKey, now: datetime) -> bool:
    """Ends a key for good, from this commit on. False when it had ended already."""
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now))


def role_of_user(*, user: User) -> Role:
    """What a person may do; Django's superuser is an administrator by another name."""
    return Role.ADMINISTRATOR if user.is_superuser else Role(user.role)


def role_of_key(*, key: ApiKey) -> Role:
    """What a key may do: its own role, never more than its owner's."""
    own, owners = Role(key.role), role_of_user(user=key.owner)
    return own if owners.covers(own) else owners


def _hash(raw: str) -> str:
    return hashlib.sha256(raw.encode()).hexdigest()
