"""A person's further addresses: kept when the one that is written to changes, so that a stop of any of them holds."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from outreach.lib import signing
from outreach.lib.errors import DomainError, Problem
from prospects import identity
from prospects.models import Address, Prospect, Suppression

KNOWN_ALREADY = "This person is here already, under this or another spelling of the address."
MERGED_AWAY = "This row was merged into another person; change that one."
FORGOTTEN = "This person asked to be forgotten, and is not added again."


class InvalidAddress(DomainError):
    """An address that this person can't be given; the problem names the field."""

    title = "The address is not valid"


def owner_of(*, email: str) -> Prospect | None:
    """Who has this address, in any spelling, as the first or a further one; of people who were merged, the survivor."""
    key = identity.address_key(email)
    further = Address.objects.filter(key=key).select_related("prospect__person").first()
    found = further.prospect if further else Prospect.objects.filter(identity_key=key).select_related("person").first()
    return found and (found.person or found)


def is_forgotten(keys: Iterable[str]) -> bool:
    """Whether somebody with one of these keys was erased on request."""
    return bool(forgotten(keys))


def forgotten(keys: Iterable[str]) -> list[str]:
    """The kinds of those keys ("address", "x", "linkedin") that are of somebody who was erased on request."""
    named = [key for key in keys if not key.startswith("domain:")]
    erased = Suppression.objects.filter(key__in=named, reason=Suppression.Reason.ERASED)
    return list(erased.order_by("kind").values_list("kind", flat=True).distinct())


def keep_old(*, prospect_id: int, old: str, new: str) -> None:
    """The person's address changes from `old` to `new`: the old one stays as a dead one of theirs.

    `new` may be a further address of theirs. Raises InvalidAddress when it is somebody else's. Call it in a transaction
    that has locked the person.
    """
    old_key, new_key = identity.address_key(old), identity.address_key(new)
    if new and (old_key != new_key or not old):
        taken = Address.objects.filter(key=new_key)
        if taken.exclude(prospect=prospect_id).exists():
            raise InvalidAddress(problems=[Problem("email", KNOWN_ALREADY)])
        taken.delete()
    if old and old_key != new_key:
        Address.objects.bulk_create(
            [Address(prospect_id=prospect_id, email=old, key=old_key, state=Address.State.DEAD)], ignore_conflicts=True
        )


def free_key(*, prospect: Prospect) -> None:
    """What this person is known by from now on is theirs, also where a row that was merged into them held it."""
    tombstones = Prospect.objects.filter(person=prospect, identity_key=prospect.identity_key)
    for row in tombstones:
        Prospect.objects.filter(pk=row.pk).update(identity_key=neutral_key(row))


def neutral_key(row: Prospect) -> str:
    """What a row is known by that gave its own key away: nobody else's, and found by no address."""
    return signing.keyed_hash("merged", str(row.public_id))


@transaction.atomic
def add_address(*, prospect: Prospect, email: str, state: str = Address.State.ALIAS, by: User | None) -> Address:
    """Another address of this person: a stop of it is a stop of them. Safe to repeat; the state is the newer one.

    Raises BadAddress, and InvalidAddress when it is somebody's already or of somebody who asked to be forgotten, and
    for a row that is nobody any more.
    """
    stored = identity.normalise(email)
    key = identity.address_key(stored)
    person = Prospect.objects.select_for_update().get(pk=prospect.pk)
    if person.person_id:
        raise InvalidAddress(problems=[Problem("email", MERGED_AWAY)])
    if person.erased_at or is_forgotten([f"address:{key}"]):
        raise InvalidAddress(problems=[Problem("email", FORGOTTEN)])
    others = Address.objects.filter(key=key).exclude(prospect=person)
    if others.exists() or Prospect.objects.filter(identity_key=key).exists():
        raise InvalidAddress(problems=[Problem("email", KNOWN_ALREADY)])
    address, _ = Address.objects.update_or_create(
        key=key, defaults={"prospect": person, "email": stored, "state": Address.State(state)}
    )
    person.contact_keys = identity.keep_keys(
        new=[*person.contact_keys, identity.key_for("address", stored)], old=person.contact_keys
    )
    person.save(update_fields=["contact_keys"])
    return address


def listed(*, prospect: Prospect) -> list[tuple[Address, bool]]:
    """The further addresses of a person, each with whether it is suppressed. Two queries."""
    rows = list(Address.objects.filter(prospect=prospect).order_by("id"))
    keys = {f"address:{row.key}" for row in rows}
    named = set(Suppression.objects.filter(key__in=keys).values_list("key", flat=True)) if rows else set()
    return [(row, f"address:{row.key}" in named) for row in rows]


def same_person(*, prospect: Prospect) -> Q:
    """For a condition on `prospect`: this row, and those that were merged into it."""
    return Q(prospect=prospect) | Q(prospect__person=prospect)
