"""How many wrong passwords and keys are too many, counted in the cache that all web processes share.

Without the cache nothing is counted (outreach.lib.cache logs it): a person who knows the password still comes in.
"""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache

WINDOW = 15 * 60  # seconds; windows begin on the clock's quarter hours
PER_ACCOUNT, PER_ADDRESS = 10, 100


@dataclass(frozen=True)
class Limit:
    """At most `most` tries of one kind in a window."""

    key: str
    most: int


def sign_ins(*, username: str, address: str) -> tuple[Limit, ...]:
    """Of one account from one address, and of one address; an account that does not exist counts like any other."""
    name = unicodedata.normalize("NFKC", username).casefold()
    account = Limit(f"sign-in:{_hash(name, address)}", PER_ACCOUNT)
    return (account, Limit(f"sign-in:{_hash(address)}", PER_ADDRESS)) if address else (account,)


def api_keys(*, address: str) -> tuple[Limit, ...]:
    """Of one address, where that is known."""
    return (Limit(f"api-key:{_hash(address)}", PER_ADDRESS),) if address else ()


def spend(limits: Iterable[Limit], *, now: datetime) -> bool:
    """Takes one try from each limit; False when one of them had none left."""
    left = [_add(limit, 1, now) <= limit.most for limit in limits]
    return all(left)


def give_back(limits: Iterable[Limit], *, now: datetime) -> None:
    """The try was right: it was no guess, and does not count."""
    for limit in limits:
        _add(limit, -1, now)


def seconds_left(*, now: datetime) -> int:
    """Until every limit is fresh again."""
    return WINDOW - int(now.timestamp()) % WINDOW


def _add(limit: Limit, tries: int, now: datetime) -> int:
    key = f"tries:{limit.key}:{int(now.timestamp()) // WINDOW}"
    cache.add(key, 0, WINDOW)
    try:
        return cache.incr(key, tries)
    except ValueError:  # it expired between the two
        return tries


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]
