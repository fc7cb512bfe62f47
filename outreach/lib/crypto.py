"""Secrets at rest: Fernet with a list of keys, the first of which encrypts (rotation: put a new key in front)."""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UnreadableSecret(Exception):
    """A stored secret fits none of FIELD_ENCRYPTION_KEYS: the key it was written under is missing."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """Returns a Fernet token of the text."""
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Returns the text of a token. Raises UnreadableSecret."""
    try:
        return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise UnreadableSecret("A stored secret can't be read with FIELD_ENCRYPTION_KEYS; add its key back.") from error
