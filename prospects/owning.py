"""Who looks after whom."""

from collections.abc import Collection

import structlog
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Role, User
from outreach.lib.errors import DomainError, Problem
from prospects import protecting
from prospects.models import Prospect

log = structlog.get_logger(__name__)


class InvalidOwner(DomainError):
    """Somebody who can't look after these people."""

    title = "The owner is not valid"


@transaction.atomic
def assign(*, prospect_ids: Collection[int], owner: User | None, by: User | None, role: Role | None) -> list[int]:
    """These people get an owner, or none; returns the keys of those who had another. Raises InvalidOwner.

    Who is protected from `by` is left out (`left_out`): whoever could take them over could lift that.
    """
    _check(owner, "owner")
    others = _others(prospect_ids, owner).exclude(protecting.is_held_from(by=by, role=role))
    ids = list(others.order_by("id").select_for_update(of=("self",)).values_list("id", flat=True))
    Prospect.objects.filter(pk__in=ids).update(owner=owner)
    return ids


def left_out(*, prospect_ids: Collection[int], owner: User | None, by: User | None, role: Role | None) -> int:
    """How many of these people `assign` leaves with who looks after them now, as they are protected."""
    return _others(prospect_ids, owner).filter(protecting.is_held_from(by=by, role=role)).count()


def give(*, prospect: Prospect, owner: User | None, by: User | None, role: Role | None) -> bool:
    """One person gets an owner, or none; False when they looked after them already. Raises InvalidOwner, NotYours."""
    ids = [prospect.pk]
    given = assign(prospect_ids=ids, owner=owner, by=by, role=role)
    if not given and left_out(prospect_ids=ids, owner=owner, by=by, role=role):
        who = prospect.owner or "A manager"
        raise protecting.NotYours(f"{prospect} is protected. {who} has to say who looks after them.")
    return bool(given)


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


def _others(prospect_ids: Collection[int], owner: User | None) -> QuerySet[Prospect]:
    return Prospect.objects.filter(pk__in=prospect_ids).exclude(owner=owner)


def _check(owner: User | None, field: str) -> None:
    if owner is not None and not owner.is_active:
        raise InvalidOwner(problems=[Problem(field, f"{owner} can't sign in any more.")])
