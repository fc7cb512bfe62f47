"""Putting people on hold and releasing them: the gate reads the fact, nothing planned is lost."""

from collections.abc import Collection

from django.db import transaction

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from outreach.lib.text import printable
from prospects.models import Prospect


class NoReason(DomainError):
    """A hold says why."""

    title = "The hold needs a reason"


@transaction.atomic
def hold(*, prospect_ids: Collection[int], reason: str, by: User | None) -> list[int]:
    """Nothing is sent to these people until somebody releases them; the first reason stays.

    Returns the keys of those who were not on hold before. Raises NoReason.
    """
    reason = printable(reason)
    if not reason:
        raise NoReason(problems=[Problem("reason", "Say why, so that others know when to release them.")])
    free = Prospect.objects.filter(pk__in=prospect_ids, held_at=None)
    ids = list(free.order_by("id").select_for_update().values_list("id", flat=True))
    words = f"{reason} ({by})" if by else reason
    Prospect.objects.filter(pk__in=ids).update(held_at=DatabaseClock(), hold_reason=words[:200])
    return ids


@transaction.atomic
def release(*, prospect_ids: Collection[int]) -> list[int]:
    """What was held goes on; returns the keys of those who were on hold."""
    held = Prospect.objects.filter(pk__in=prospect_ids, held_at__isnull=False)
    ids = list(held.order_by("id").select_for_update().values_list("id", flat=True))
    Prospect.objects.filter(pk__in=ids).update(held_at=None, hold_reason="")
    return ids
