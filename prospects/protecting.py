"""People and sites that nobody writes to before their owner was asked: the planner holds them, nothing is lost."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Q

from accounts.models import Role, User
from outreach.lib.errors import DomainError
from outreach.lib.models import DatabaseClock
from prospects.models import Prospect, Site


class NotYours(DomainError):
    """Only the owner or a manager lifts a protection, or gives somebody else the right to."""

    status = 403
    title = "Ask the owner first"


@transaction.atomic
def protect(*, prospect_ids: Collection[int]) -> list[int]:
    """No campaign plans these people until their owner or a manager lifts it; returns who was not protected before."""
    free = Prospect.objects.filter(pk__in=prospect_ids, protected_at=None)
    ids = list(free.order_by("id").select_for_update().values_list("id", flat=True))
    Prospect.objects.filter(pk__in=ids).update(protected_at=DatabaseClock())
    return ids


def unprotect(*, prospect: Prospect, by: User | None, role: Role | None) -> bool:
    """What was held goes on. False when nothing was protected. Raises NotYours; see `may_lift`."""
    if not may_lift(owner_id=prospect.owner_id, by=by, role=role):
        who = prospect.owner or "A manager"
        raise NotYours(f"{prospect} is protected. {who} has to lift that.")
    return bool(Prospect.objects.filter(pk=prospect.pk, protected_at__isnull=False).update(protected_at=None))


def protect_site(*, site: Site) -> bool:
    """No campaign plans anybody of this site until a manager lifts it. False when it was protected before."""
    return bool(Site.objects.filter(pk=site.pk, protected_at=None).update(protected_at=DatabaseClock()))


def unprotect_site(*, site: Site, by: User | None, role: Role | None) -> bool:
    """What was held goes on. False when nothing was protected. Raises NotYours.

    A site has no owner of its own: whoever owns everybody there may, and a manager.
    """
    if not may_lift_site(site=site, by=by, role=role):
        raise NotYours(f"{site} is protected. A manager, or whoever looks after everybody there, has to lift that.")
    return bool(Site.objects.filter(pk=site.pk, protected_at__isnull=False).update(protected_at=None))


def may_lift(*, owner_id: int | None, by: User | None, role: Role | None) -> bool:
    """Whether somebody with this role may lift what belongs to this owner."""
    if role is not None and role.covers(Role.MANAGER):
        return True
    return by is not None and by.pk == owner_id


def is_held_from(*, by: User | None, role: Role | None) -> Q:
    """For a condition on Prospect: whether they, or their site, are protected and somebody else has to be asked."""
    if role is not None and role.covers(Role.MANAGER):
        return Q(pk__in=())
    is_protected = Q(protected_at__isnull=False) | Q(site__protected_at__isnull=False)
    return is_protected if by is None else is_protected & ~Q(owner=by)


def may_lift_site(*, site: Site, by: User | None, role: Role | None) -> bool:
    """Whether somebody with this role may lift the protection of a site."""
    if role is not None and role.covers(Role.MANAGER):
        return True
    there = Prospect.objects.present().filter(site=site)
    return by is not None and there.filter(owner=by).exists() and not there.exclude(owner=by).exists()
