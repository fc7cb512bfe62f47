"""The person somebody means by an id or by any of their addresses."""

import uuid

from prospects import addresses
from prospects.models import Prospect


def by_name(name: str) -> Prospect | None:
    """By public id or by an address in any spelling; of somebody who was merged the survivor, None for nobody."""
    try:
        found = Prospect.objects.select_related("person").filter(public_id=uuid.UUID(name)).first()
    except ValueError:
        return addresses.owner_of(email=name)
    return found.person if found and found.person else found
