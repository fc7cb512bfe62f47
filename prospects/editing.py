"""Adding and changing one person by hand: identity, contact keys and site always fit the address and the website."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from prospects import addresses, cleaning, identity, places, sites
from prospects.addresses import KNOWN_ALREADY, InvalidAddress
from prospects.models import Prospect

PLAIN_FIELDS = frozenset({"owner", "is_demo"})  # taken as they are
NAMED_BY = ("email", "x_handle", "linkedin_url")


class InvalidProspect(DomainError):
    """Values that can't be stored; `errors` has a sentence per field."""

    title = "The prospect is not valid"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(problems=[Problem(field, sentence) for field, sentence in errors.items()])
        self.errors = dict(errors)


@transaction.atomic
def add_prospect(*, email: str, by: User | None, **fields: Any) -> Prospect:
    """Adds a person. Without an address they need an X handle or a LinkedIn page.

    The country gives the zone where none is given. Raises InvalidProspect with every field at once,
    also when the person is here already or asked to be forgotten.
    """
    cleaned = _cleaned({"email": email, **fields})
    if not any(cleaned.get(field) for field in NAMED_BY):
        raise InvalidProspect({"email": "A person needs an address, an X handle or a LinkedIn page."})
    prospect = Prospect()
    _fill(prospect, cleaned)
    _refuse_forgotten(prospect.contact_keys)
    if prospect.email and addresses.owner_of(email=prospect.email):
        raise InvalidProspect({"email": KNOWN_ALREADY})
    return _stored(prospect)


@transaction.atomic
def change_prospect(*, prospect: Prospect, by: User | None, **fields: Any) -> Prospect:
    """Changes what is given and nothing else; `tags` and `custom` are replaced as a whole.

    Stops and holds stay, and an address, handle or page that is replaced still names this person to a suppression.
    Raises InvalidProspect with every field at once, also when the new address is another person's, or names somebody
    who asked to be forgotten.
    """
    cleaned = _cleaned(fields)
    current = Prospect.objects.select_for_update(of=("self",)).get(pk=prospect.pk)
    if current.person_id or current.erased_at:
        raise InvalidProspect({"": addresses.MERGED_AWAY if current.person_id else addresses.FORGOTTEN})
    old, old_keys = current.email, frozenset(current.contact_keys)
    _fill(current, cleaned)
    _refuse_forgotten(key for key in current.contact_keys if key not in old_keys)
    try:
        addresses.keep_old(prospect_id=current.pk, old=old, new=current.email)
    except InvalidAddress as error:
        raise InvalidProspect({"email": KNOWN_ALREADY}) from error
    addresses.free_key(prospect=current)
    derived = {"identity_key", "contact_keys", "site", "time_zone"}
    return _stored(current, update_fields=sorted(cleaned.keys() | derived))


def _cleaned(fields: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in fields.items() if name in PLAIN_FIELDS}
    cleaned, errors = cleaning.clean({name: value for name, value in fields.items() if name not in PLAIN_FIELDS})
    if errors:
        raise InvalidProspect(errors)
    return cleaned | plain


def _fill(prospect: Prospect, cleaned: Mapping[str, Any]) -> None:
    for name, value in cleaned.items():
        setattr(prospect, name, value)
    domain = cleaning.site_domain(email=prospect.email, website=prospect.website)
    prospect.site_id = sites.keys_of({domain})[domain] if domain else None
    names = {name: getattr(prospect, name) for name in NAMED_BY}
    prospect.identity_key = identity.person_key(**names)
    if prospect.identity_key is None and any(names.values()):
        raise InvalidProspect(_unreadable(names))
    keys = identity.contact_keys(**names, site_domain=domain)
    prospect.contact_keys = identity.keep_keys(new=keys, old=prospect.contact_keys)
    prospect.time_zone = prospect.time_zone or places.zone_of_country(prospect.country)


def _refuse_forgotten(keys: Iterable[str]) -> None:
    fields = dict(zip(("address", "x", "linkedin"), NAMED_BY, strict=True))
    if kinds := addresses.forgotten(keys):
        raise InvalidProspect({fields[kind]: addresses.FORGOTTEN for kind in kinds})


def _unreadable(names: Mapping[str, str]) -> dict[str, str]:
    sentences = {"x_handle": "This is not an X handle.", "linkedin_url": "This is not a LinkedIn page."}
    return {name: sentence for name, sentence in sentences.items() if names[name]}


def _stored(prospect: Prospect, update_fields: list[str] | None = None) -> Prospect:
    try:
        with transaction.atomic():
            prospect.save(update_fields=update_fields)
    except IntegrityError as error:
        if "prospect_identity_once" not in str(error):
            raise
        name = next(name for name in NAMED_BY if getattr(prospect, name))
        raise InvalidProspect({name: KNOWN_ALREADY}) from error
    return prospect
