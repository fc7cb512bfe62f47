"""What many rows of a sheet have in common, worked out once: domains, sites, and the values of a column."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from prospects import cleaning, identity, places, reading
from prospects.importing.columns import CUSTOM, Columns
from prospects.importing.staging import NULL, array, escaped

REMEMBERED = 10_000  # domains, and values of a column


@dataclass(frozen=True, slots=True)
class Domain:
    """What the addresses of a domain have in common; `ignored` is what makes no difference before the @."""

    stored: str
    folded: str = ""
    ignored: dict[int, int | None] | None = None
    has_own_rules: bool = False
    is_disposable: bool = False
    site: str = ""
    keys: str = ""  # `domain_keys` of somebody of this site

    @property
    def is_plain(self) -> bool:
        """Whether the part before the @ says all, in lower case and without its tag."""
        return self.ignored is None and not self.has_own_rules


NOWHERE = Domain("")


@lru_cache(maxsize=REMEMBERED)
def domain_of(text: str) -> Domain:
    """NOWHERE for what can't be a domain."""
    if not text:
        return NOWHERE
    try:
        stored = identity.mail_domain(text)
    except identity.BadAddress:
        return NOWHERE
    folded, site = identity.SAME_PROVIDER.get(stored, stored), cleaning.site_of_mail(stored)
    return Domain(
        stored=stored,
        folded=folded,
        ignored=identity.IGNORED.get(folded),
        has_own_rules=folded in identity.HYPHEN_TAGS or folded.endswith(".fastmail.com") or "xn--" in stored,
        is_disposable=cleaning.is_disposable(stored),
        site=site,
        keys=domain_keys(stored, site),
    )


@lru_cache(maxsize=REMEMBERED)
def domain_keys(host: str, site: str) -> str:
    """The keys of a domain and a site, as they stand in an array."""
    domains = dict.fromkeys(domain for domain in (host, identity.registrable_domain(host), site) if domain)
    return "".join([f',"domain:{domain}"' for domain in domains])


@lru_cache(maxsize=REMEMBERED)
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
