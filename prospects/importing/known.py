"""What many rows of a sheet have in common, worked out once: domains, sites, and the values of a column."""

import json
from functools import lru_cache
from typing import Any, NamedTuple

from prospects import cleaning, identity, places, reading
from prospects.importing.columns import CUSTOM, Columns
from prospects.importing.staging import NULL, array, escaped

REMEMBERED = 10_000  # domains, and values of a column


class Domain(NamedTuple):
    """What the addresses of a domain have in common; `ignored` is what makes no difference before the @."""

    stored: str
    folded: str = ""
    ignored: dict[int, int | None] | None = None
    has_own_rules: bool = False
    is_disposable: bool = False
    site: str = ""
    keys: str = ""  # `domain_keys` of somebody of this site
    is_plain: bool = True  # the part before the @ says all, in lower case and without its tag


NOWHERE = Domain("")


class Domains(dict[str, Domain]):
    """Domains as they were written; NOWHERE for what can't be one."""

    def __missing__(self, text: str) -> Domain:
        if len(self) >= REMEMBERED:
            self.clear()
        self[text] = found = _domain_of(text)
        return found


def _domain_of(text: str) -> Domain:
    if not text:
        return NOWHERE
    try:
        stored = identity.mail_domain(text)
    except identity.BadAddress:
        return NOWHERE
    folded, owned = identity.SAME_PROVIDER.get(stored, stored), identity.registrable_domain(stored)
    site = "" if identity.is_free_mail(owned) else owned
    is_disposable = cleaning.is_disposable(stored)
    ignored = identity.IGNORED.get(folded)
    has_own_rules = folded in identity.HYPHEN_TAGS or folded.endswith(".fastmail.com") or "xn--" in stored
    keys = f',"domain:{stored}"' if owned == stored else domain_keys(stored, site)
    return Domain(stored, folded, ignored, has_own_rules, is_disposable, site, keys, not (ignored or has_own_rules))


def domain_keys(host: str, site: str) -> str:
    """The keys of a domain and a site, as they stand in an array."""
    domains = dict.fromkeys(domain for domain in (host, identity.registrable_domain(host), site) if domain)
    return "".join([f',"domain:{domain}"' for domain in domains])


def site_of(host: str) -> str | None:
    """The site that a host belongs to, "" for one that strangers share; None for what is no web address."""
    host = host.lower()
    # One name more before a registered one makes no difference, and most sites were seen in an address.
    domain = (host.startswith("www.") and identity.registrable_domain(host[4:])) or identity.registrable_domain(host)
    if not domain:
        return None
    return "" if domain in cleaning.SHARED_HOSTS else domain


@lru_cache(maxsize=1_000)
def zone_of(country: str) -> str:
    """`places.zone_of_country`, remembered."""
    return places.zone_of_country(country)


class Known(dict[str, str | None]):
    """The cells of a column as they are written for COPY; None for what a row has to be read one by one for."""

    def __init__(self, columns: Columns, place: int) -> None:
        super().__init__()
        reads = columns.reads[place : place + 1]
        self._column = Columns(columns.headers[place : place + 1], columns.targets[place : place + 1], reads)
        self._target = columns.targets[place]

    def __missing__(self, cell: str) -> str | None:
        if len(self) >= REMEMBERED:
            self.clear()
        self[cell] = value = self._read(cell)
        return value

    def says_something(self, cell: str) -> bool:
        """Whether the cell does not only say that there is nothing."""
        return bool(reading.filled(cell))

    def _read(self, cell: str) -> str | None:
        said = self._column.values([cell])
        cleaned, errors = cleaning.clean(said)
        if errors or cleaned.keys() - {self._target.partition(".")[0]}:
            return None
        return self._written(cell, next(iter(cleaned.values()), ""))

    def _written(self, cell: str, value: Any) -> str | None:
        match self._target:
            case "notice_date" | "contacted_elsewhere_at":
                return value.isoformat() if value else NULL
            case "tags":
                return array(value)
            case "kind":
                return str(value) if cell.strip() else ""
            case "country" | "time_zone" | "language":
                return escaped(value)
            case target if target.startswith(CUSTOM):
                return escaped(json.dumps(value, ensure_ascii=False)[1:-1])
        return None if value else ""  # what more than one table is touched for
