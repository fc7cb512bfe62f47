"""Putting people on hold and releasing them: the gate reads the fact, nothing planned is lost."""

from collections.abc import Collection

from django.db import transaction
from django.db.models.functions import Coalesce

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import retried
from outreach.lib.text import printable
from prospects.models import Prospect


class NoReason(DomainError):
    """A hold says why."""

    title = "The hold needs a reason"


@retried
@transaction.atomic
def hold(*, prospect_ids: Collection[int], reason: str, by: User | None) -> list[int]:
    """Nothing is sent to these people until somebody releases them; the first reason stays.

    Whoever was merged is held as the person they live on as. Returns the keys of those who were not on hold before.
    Raises NoReason.
    """
    reason = printable(reason)
    if not reason:
        raise NoReason(problems=[Problem("reason", "Say why, so that others know when to release them.")])
    free = Prospect.objects.filter(pk__in=_living(prospect_ids), held_at=None, erased_at=None)
    ids = list(free.order_by("id").values_list("id", flat=True))
    words = f"{reason} ({by})" if by else reason
    Prospect.objects.filter(pk__in=ids).update(held_at=DatabaseClock(), hold_reason=words[:200])
    return ids


@retried
@transaction.atomic
def release(*, prospect_ids: Collection[int]) -> list[int]:
    """What was held goes on; returns the keys of those who were on hold."""
    held = Prospect.objects.filter(pk__in=_living(prospect_ids), held_at__isnull=False)
    ids = list(held.order_by("id").values_list("id", flat=True))
    Prospect.objects.filter(pk__in=ids).update(held_at=None, hold_reason="")
    return ids


def _living(prospect_ids: Collection[int]) -> set[int]:
    """The rows that these people live on as, locked: a merge that is under way is waited for, and seen."""
    given, locked = Prospect.objects.filter(pk__in=prospect_ids), set[int]()
    while True:
        pairs = list(given.values_list("id", Coalesce("person_id", "id")))
        if (wanted := {id for pair in pairs for id in pair}) <= locked:
            return {lives_on for _, lives_on in pairs}
        rows = Prospect.objects.filter(pk__in=wanted - locked).order_by("id")
        list(rows.select_for_update(no_key=True).values_list("id", flat=True))
        locked |= wanted
