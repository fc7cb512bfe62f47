"""Who looks after whom."""

from collections.abc import Collection

import structlog
from django.db import transaction

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from prospects.models import Prospect

log = structlog.get_logger(__name__)


class InvalidOwner(DomainError):
    """Somebody who can't look after these people."""

    title = "The owner is not valid"


@transaction.atomic
def assign(*, prospect_ids: Collection[int], owner: User | None, by: User | None) -> list[int]:
    """These people get an owner, or none; returns the keys of those who had another. Raises InvalidOwner."""
    _check(owner, "owner")
    others = Prospect.objects.filter(pk__in=prospect_ids).exclude(owner=owner)
    ids = list(others.order_by("id").select_for_update().values_list("id", flat=True))
    Prospect.objects.filter(pk__in=ids).update(owner=owner)
    return ids


def hand_over(*, owner: User, to: User | None, by: User | None) -> int:
    """Everybody whom `owner` looks after goes to somebody else, or to nobody, in one statement; returns how many.

    Raises InvalidOwner, naming `to`.
    """
    _check(to, "to")
    if owner == to:
        raise InvalidOwner(problems=[Problem("to", f"{owner} looks after them already.")])
    count = Prospect.objects.filter(owner=owner).update(owner=to)
    log.info("people_handed_over", owner_id=owner.pk, to_id=to and to.pk, by_id=by and by.pk, people=count)
    return count


def count(*, owner: User) -> int:
    """How many people somebody looks after."""
    return Prospect.objects.present().filter(owner=owner).count()


def _check(owner: User | None, field: str) -> None:
    if owner is not None and not owner.is_active:
        raise InvalidOwner(problems=[Problem(field, f"{owner} can't sign in any more.")])
