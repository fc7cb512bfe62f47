"""The list of addresses and domains that get no mail. What a stop does to campaigns is said in `campaigns.stopping`."""

from collections.abc import Iterable

from django.db.models import BooleanField, Exists, F, Func, OuterRef, QuerySet

from accounts.models import User
from prospects import identity
from prospects.identity import BadAddress
from prospects.models import Prospect, Suppression


def suppress(
    *, kind: str, value: str, reason: str, source: str = "", by: User | None = None
) -> tuple[Suppression, bool]:
    """Writes the fact that nobody writes there again; safe to repeat and to race, the first reason stays.

    Returns the row and whether it is new. An address counts in every spelling, a domain for its addresses and its
    site. Raises BadAddress only for what can't name anybody: a stop is never refused for its looks.
    """
    value, key = named(kind=kind, value=value)
    wanted = Suppression(
        kind=Suppression.Kind(kind),
        key=key,
        value=value[:254],
        reason=Suppression.Reason(reason),
        source=source[:200],
        created_by=by,
    )
    Suppression.objects.bulk_create([wanted], ignore_conflicts=True)
    stored = Suppression.objects.get(key=wanted.key)
    return stored, stored.public_id == wanted.public_id


def named(*, kind: str, value: str) -> tuple[str, str]:
    """The value in one spelling and the key that it is compared by. Raises BadAddress."""
    value = _address(value) if kind == Suppression.Kind.ADDRESS else _domain(value)
    return value, identity.key_for(kind, value)


def without_suppressed(prospects: QuerySet[Prospect]) -> QuerySet[Prospect]:
    """The people that no suppression names, by any of their keys."""
    return prospects.exclude(names_them())


def names_them() -> Exists:
    """For a condition on Prospect: whether a suppression names them, by any of their keys."""
    named_by = Func(
        F("key"),
        OuterRef("contact_keys"),
        template="%(expressions)s)",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )
    return Exists(Suppression.objects.filter(named_by))


def is_suppressed(keys: Iterable[str]) -> bool:
    """Whether any of these keys (`identity.contact_keys`) is on the list."""
    return Suppression.objects.filter(key__in=list(keys)).exists()


def _address(value: str) -> str:
    """A bounce may name an address that no form would take (`.test`, a local host): it is stopped all the same."""
    try:
        return identity.normalise(value)
    except BadAddress as error:
        folded = identity.fold(value)
        local, _, domain = folded.rpartition("@")
        if not local or not domain:
            raise BadAddress(str(error), field="value") from error
        return folded


def _domain(value: str) -> str:
    host = value.strip().partition("://")[2] or value.strip()
    host = identity.ascii_host(host.rpartition("@")[2].partition("/")[0].partition(":")[0].removeprefix("*."))
    if not identity.registrable_domain(host):
        raise BadAddress(f"{value[:60]!r} is not a domain that somebody can own.", field="value")
    return host
