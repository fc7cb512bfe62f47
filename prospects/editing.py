"""Adding and changing one person by hand: identity, contact keys and site always fit the address and the website."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from prospects import cleaning, identity, places, sites
from prospects.models import Prospect

PLAIN_FIELDS = frozenset({"owner", "is_demo"})  # taken as they are
KNOWN_ALREADY = "This person is here already, under this or another spelling of the address."


class InvalidProspect(DomainError):
    """Values that can't be stored; `errors` has a sentence per field."""

    title = "The prospect is not valid"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(problems=[Problem(field, sentence) for field, sentence in errors.items()])
        self.errors = dict(errors)


def add_prospect(*, email: str, by: User | None, **fields: Any) -> Prospect:
    """Adds a person. Without an address they need an X handle or a LinkedIn page.

    The country gives the zone where none is given. Raises InvalidProspect with every field at once,
    also when the person is here already.
    """
    cleaned = _cleaned({"email": email, **fields})
    if not any(cleaned.get(field) for field in ("email", "x_handle", "linkedin_url")):
        raise InvalidProspect({"email": "A person needs an address, an X handle or a LinkedIn page."})
    prospect = Prospect()
    _fill(prospect, cleaned)
    return _stored(prospect)


def change_prospect(*, prospect: Prospect, by: User | None, **fields: Any) -> Prospect:
    """Changes what is given and nothing else; `tags` and `custom` are replaced as a whole.

    Stops and holds stay. Raises InvalidProspect with every field at once, also when the new address is another
    person's.
    """
    cleaned = _cleaned(fields)
    with transaction.atomic():
        current = Prospect.objects.select_for_update().get(pk=prospect.pk)
        _fill(current, cleaned)
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
    prospect.identity_key = identity.address_key(prospect.email) if prospect.email else None
    prospect.contact_keys = identity.contact_keys(email=prospect.email, site_domain=domain)
    prospect.time_zone = prospect.time_zone or places.zone_of_country(prospect.country)


def _stored(prospect: Prospect, update_fields: list[str] | None = None) -> Prospect:
    try:
        with transaction.atomic():
            prospect.save(update_fields=update_fields)
    except IntegrityError as error:
        if "prospect_identity_once" not in str(error):
            raise
        raise InvalidProspect({"email": KNOWN_ALREADY}) from error
    return prospect
