"""Sites by their domains, in sets."""

from datetime import datetime

from django.db import connection
from django.db.models import Q

from outreach.lib.models import new_public_id
from prospects.models import Site

ADD = """
INSERT INTO prospects_site (public_id, domain, hold_reason)
SELECT public_id, domain, '' FROM unnest(%s::uuid[], %s::text[]) AS incoming(public_id, domain)
ON CONFLICT (domain) DO NOTHING"""


def keys_of(domains: set[str]) -> dict[str, int]:
    """The primary keys of the sites of these domains, made where missing; at most three queries, however many."""
    keys = _known(domains)
    if missing := sorted(domains - keys.keys()):  # one order for everybody: no deadlock
        with connection.cursor() as cursor:
            cursor.execute(ADD, [[str(new_public_id()) for _ in missing], missing])
        keys |= _known(set(missing))
    return keys


def _known(domains: set[str]) -> dict[str, int]:
    return dict(Site.objects.filter(domain__in=domains).values_list("domain", "pk"))


def note_answer(*, site_id: int, now: datetime) -> None:
    """Somebody of this site answered; an earlier answer, read later, changes nothing."""
    earlier = Q(answered_at=None) | Q(answered_at__lt=now)
    Site.objects.filter(earlier, pk=site_id).update(answered_at=now)
