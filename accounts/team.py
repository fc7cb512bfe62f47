"""People who work here: who may sign in, with which role, and who no longer."""

import structlog
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Role, User
from outreach.lib.errors import DomainError, Problem

log = structlog.get_logger(__name__)
TAKEN = "Somebody has this user name already."


class InvalidPerson(DomainError):
    """A person can't be as asked."""


class NotThisPerson(DomainError):
    """The change would lock out who asks for it, or leave nobody who administers."""

    status = 409
    title = "Somebody has to administer"


def add_person(*, username: str, first_name: str, last_name: str, email: str, role: str, by: User | None) -> User:
    """A new person, who has no password until they set one by a link (accounts.links).

    Raises InvalidPerson naming the fields.
    """
    person = User(username=username, first_name=first_name, last_name=last_name, email=email, role=role)
    person.set_unusable_password()
    if User.objects.filter(username__iexact=username).exists():  # "Ada" and "ada" would be taken for each other
        raise InvalidPerson("", [Problem("username", TAKEN)])
    try:
        person.full_clean(validate_constraints=False)
        with transaction.atomic():
            person.save(force_insert=True)
    except ValidationError as error:
        problems = [Problem(field, text) for field, texts in error.message_dict.items() for text in texts]
        raise InvalidPerson("", problems) from error
    except IntegrityError as error:  # somebody else was faster
        raise InvalidPerson("", [Problem("username", TAKEN)]) from error
    _noted("person_added", person, by)
    return person


@transaction.atomic
def change_role(*, person: User, role: str, by: User | None) -> bool:
    """Gives a person another role, from the next request on; False when it was theirs before.

    Raises InvalidPerson for an unknown role, NotThisPerson for oneself and for the last active administrator.
    """
    if role not in Role.values:
        raise InvalidPerson("", [Problem("role", f"One of {', '.join(Role.values)}.")])
    _must_be_replaceable(person, by)
    rows = User.objects.filter(pk=person.pk).exclude(role=role, is_superuser=False)
    changed = bool(rows.update(role=role, is_superuser=False))  # a superuser's role would say nothing
    if changed:
        _noted("person_role_changed", person, by, role=role)
    return changed


@transaction.atomic
def deactivate(*, person: User, by: User | None) -> bool:
    """Ends what a person holds: sessions, password and links for good, API keys while they are away.

    Raises NotThisPerson for oneself and for the last active administrator. False when they had left before.
    """
    _must_be_replaceable(person, by)
    person.set_unusable_password()  # its hash is in every session and link: none of them comes back with the person
    left = bool(User.objects.filter(pk=person.pk, is_active=True).update(is_active=False, password=person.password))
    if left:
        _noted("person_deactivated", person, by)
    return left


def reactivate(*, person: User, by: User | None) -> bool:
    """Lets a person sign in again, with a password that they set by a new link. False when they never left."""
    back = bool(User.objects.filter(pk=person.pk, is_active=False).update(is_active=True))
    if back:
        _noted("person_reactivated", person, by)
    return back


def _must_be_replaceable(person: User, by: User | None) -> None:
    """Two administrators who remove each other at the same time wait here: the second finds himself the last."""
    if by is not None and person.pk == by.pk:
        raise NotThisPerson("This is you: another administrator has to do it.")
    administers = Q(role=Role.ADMINISTRATOR) | Q(is_superuser=True)
    active = User.objects.select_for_update().filter(administers, is_active=True).order_by("pk")
    if list(active.values_list("pk", flat=True)) == [person.pk]:
        raise NotThisPerson(f"{person} is the only active administrator: make somebody else one first.")


def _noted(what: str, person: User, by: User | None, **more: str) -> None:
    log.info(what, person_id=person.pk, by_id=by.pk if by else None, **more)
