"""*Never contact this company*: everybody of one site, now and later."""

from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from campaigns import journal, stopping, suppressing
from outreach.lib.errors import DomainError
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import retried
from prospects import cleaning, identity
from prospects.models import Site, Suppression


class SharedSite(DomainError):
    """Strangers share this domain: a stop would concern people who have nothing to do with each other."""

    status = 409
    title = "This is no company's own site"


@dataclass(frozen=True)
class Concerned:
    """How many people of a site are known (counted to 10,000), and how many of them are under way."""

    known: int
    running: int


def may_stop(site: Site) -> bool:
    """Whether a site is one company's: not a free mail provider's, nor a host that strangers share."""
    return not (identity.is_free_mail(site.domain) or site.domain in cleaning.SHARED_HOSTS)


def concerned(site: Site) -> Concerned:
    """Whom a stop of this site concerns today."""
    found = suppressing.look_up(text=site.domain)
    return Concerned(found.known, found.running)


@retried
@transaction.atomic
def stop_site(*, site: Site, reason: str, by: User | None) -> bool:
    """Nobody of this site, nor anybody at an address there, is written to again; what is planned is cancelled.

    The domain goes on the list of suppressions, so that an import brings nobody back. False when it was stopped
    before. Raises SharedSite.
    """
    if not may_stop(site):
        raise SharedSite(f"Strangers share {site.domain}. Stop the person or their address instead.")
    row, created = stopping.suppress(
        kind=Suppression.Kind.DOMAIN,
        value=site.domain,
        reason=Suppression.Reason.MANUAL,
        source=reason[:200],
        by=by,
    )
    stopped = Site.objects.filter(pk=site.pk, stopped_at=None).update(stopped_at=DatabaseClock())
    journal.site_stopped(domain=site.domain, key=row.key)
    return created or bool(stopped)
