"""The rows of a sheet that hold nothing special, column by column: what most rows of a large file are.

Whatever is not plain is left to `Rows.read`, row by row; a property test holds both to the same answer.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring

from outreach.lib import signing
from prospects import identity
from prospects.cleaning import MAX_CUSTOM_VALUE, ROLES
from prospects.importing.columns import CUSTOM, Columns
from prospects.importing.known import NOWHERE, Domain, Domains, Known, domain_keys, site_of, zone_of
from prospects.importing.staging import COLUMNS, NULL, Line

ADDRESSES = re.compile(r"^(?:([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)|.*)$", re.MULTILINE)
WEBSITE = re.compile(r"((?:https?://)?)([A-Za-z0-9.-]+)((?:/[!#-&(-\[\]-~]*)?)")  # no quotes, no backslash
HANDLE = re.compile(r"@?([A-Za-z0-9_]{2,20})")
PAGE = re.compile(r"(?:https?://)?(?:www\.)?linkedin\.com/in/([A-Za-z0-9-]+)/?")
LIMITS = {"first_name": 100, "last_name": 100, "company": 200, "job_title": 200, "legal_basis": 100, "source": 200}
MAX_LOCAL, MAX_EMAIL, MAX_WEBSITE = 64, 254, 480
LEFT_TO_ROWS = ("full_name", "stage", "owner", "note", "other_emails", "do_not_contact")  # where they say something

Cells = Sequence[str]


class Plain:
    """Reads many rows of one sheet at once."""

    def __init__(self, columns: Columns) -> None:
        self.width = len(columns.headers)
        self.at = {target: place for place, target in enumerate(columns.targets) if target}
        self.domains = Domains()
        self.known = {target: Known(columns, place) for target, place in self.at.items()}
        self.typed = {columns.targets[place] for place, how_read in enumerate(columns.reads) if how_read}
        self.hashes = Hashes(*map(signing.keyed_hasher, ("address", "x", "linkedin")))
        # A column twice is told from several cells together.
        self._is_possible = "email" in self.at and len(self.at) == sum(map(bool, columns.targets))

    def lines(self, rows: Sequence[list[str]]) -> list[Line | None]:
        """The rows as lines of the staging table, None for each that is not plain."""
        return _Block(self, rows).lines() if self._is_possible and rows else [None] * len(rows)


@dataclass(frozen=True, slots=True)
class Hashes:
    """The keyed hashes that people are compared by."""

    address: Callable[[str], str]
    x: Callable[[str], str]
    linkedin: Callable[[str], str]


class _Block:
    """Some rows as columns. `odd` marks the rows that are not plain; what stands there in the lists means nothing."""

    def __init__(self, sheet: Plain, rows: Sequence[list[str]]) -> None:
        self.sheet = sheet
        self.size = len(rows)
        self.odd = bytearray(self.size)
        fitting = rows
        if set(map(len, rows)) != {sheet.width}:
            blank = [""] * sheet.width
            fitting = [row if len(row) == sheet.width else blank for row in rows]  # has no address: is odd
        self.columns: list[Cells] = list(zip(*fitting, strict=True))
        self.nothing = [""] * self.size

    def lines(self) -> list[Line | None]:
        keys, emails, kinds, domains = self._emails()
        websites, sites = self._websites(domains)
        handles, handle_keys = self._handles()
        pages, page_keys = self._pages()
        domains_keys = [
            domain.keys if site == domain.site else domain_keys(domain.stored, site)
            for domain, site in zip(domains, sites, strict=True)
        ]
        contact = [
            f'{{"address:{key}"{of_domain}{handle}{page}}}'
            for key, of_domain, handle, page in zip(keys, domains_keys, handle_keys, page_keys, strict=True)
        ]
        countries = self._looked_up("country")
        zones = self._looked_up("time_zone")
        if "country" in self.sheet.at:
            zones = [zone or zone_of(country) for zone, country in zip(zones, countries, strict=True)]
        first_names, last_names = self._names()
        said = {
            "identity_key": keys, "kind": self._looked_up("kind"), "email": emails, "address_kind": kinds,
            "contact_keys": contact, "site_domain": sites, "time_zone": zones, "source": self._texts("source"),
            "tags": self._looked_up("tags", "{}"), "custom": self._custom(), "first_name": first_names,
            "last_name": last_names,
            **{name: self._texts(name) for name in ("company", "job_title", "legal_basis")},
            "website": websites, "x_handle": handles, "linkedin_url": pages, "country": countries,
            "language": self._looked_up("language"), "notice_date": self._looked_up("notice_date", NULL),
            "contacted_elsewhere_at": self._looked_up("contacted_elsewhere_at", NULL), "owner_id": [NULL] * self.size,
        }  # fmt: skip
        for target in LEFT_TO_ROWS[1:]:
            self._looked_up(target)
        texts = map("\t".join, zip(*(said[name] for name in COLUMNS), strict=True))
        found = zip(self.odd, keys, contact, texts, strict=True)
        return [None if odd else Line(key, contacts, text) for odd, key, contacts, text in found]

    def _cells(self, target: str) -> Cells:
        """A column, in which every row that is not odd has printable cells without backslash or leading apostrophe."""
        place = self.sheet.at.get(target)
        if place is None:
            return self.nothing
        cells = self.columns[place]
        joined = "|" + "|".join(cells)
        if "|'" in joined or "\\" in joined or not joined.isprintable():
            self._mark([cell[:1] == "'" or "\\" in cell or not cell.isprintable() for cell in cells])
        return cells

    def _mark(self, odd: Sequence[bool]) -> None:
        for place, is_odd in enumerate(odd):
            if is_odd:
                self.odd[place] = True

    def _texts(self, target: str) -> Cells:
        if target not in self.sheet.at:
            return self.nothing
        cells = [cell.strip() for cell in self._cells(target)]
        if len(max(cells, key=len)) > LIMITS[target]:
            self._mark([len(cell) > LIMITS[target] for cell in cells])
        return cells

    def _looked_up(self, target: str, absent: str = "") -> Cells:
        """A column whose cells are cleaned as ever, each value once."""
        if target not in self.sheet.at:
            return [absent] * self.size
        values = list(map(self.sheet.known[target].__getitem__, self.columns[self.sheet.at[target]]))
        if None in values:
            self._mark([value is None for value in values])
        return [value or "" for value in values]

    def _emails(self) -> tuple[Cells, Cells, Cells, Sequence[Domain]]:
        cells = self._cells("email")
        found = ADDRESSES.findall("\n".join(cells))
        if len(found) != self.size:  # a line end in a cell: its row is odd, and the lines do not fit the rows
            found = [ADDRESSES.findall(cell)[0] if cell.isprintable() else ("", "") for cell in cells]
        known = self.sheet.domains
        domains = [known[domain] for _, domain in found]
        self._mark(
            [domain is NOWHERE or len(local) > MAX_LOCAL for (local, _), domain in zip(found, domains, strict=True)]
        )
        if len(max(cells, key=len)) > MAX_EMAIL:
            self._mark([len(cell) > MAX_EMAIL for cell in cells])
        emails, folded, kinds = [], [], []
        for (local, _), domain in zip(found, domains, strict=True):
            emails.append(email := f"{local}@{domain.stored}")
            local = local.lower()
            if "+" in local:
                local = local.partition("+")[0] or local
            folded.append(f"{local}@{domain.folded}" if domain.is_plain else _folded(local, domain, email))
            kinds.append("disposable" if domain.is_disposable else "role" if _is_role(local) else "")
        return list(map(self.sheet.hashes.address, folded)), emails, kinds, domains

    def _websites(self, domains: Sequence[Domain]) -> tuple[Cells, Cells]:
        if "website" not in self.sheet.at:
            return self.nothing, [domain.site for domain in domains]
        websites, sites = [], []
        found_in = WEBSITE.fullmatch
        for place, (cell, domain) in enumerate(zip(self._cells("website"), domains, strict=True)):
            found = found_in(cell) if cell else None
            site: str | None = domain.site
            if found:
                start, host, _ = found.groups()
                site = site_of(host)
                if site is None or len(cell) > MAX_WEBSITE or (not start and "://" in cell):
                    self.odd[place] = True
                cell = cell if start else f"https://{cell}"
            elif cell:
                self.odd[place] = True
            websites.append(cell)
            sites.append(site or "")
        return websites, sites

    def _handles(self) -> tuple[Cells, Cells]:
        if "x_handle" not in self.sheet.at:
            return self.nothing, self.nothing
        handles, keys, known = [""] * self.size, [""] * self.size, self.sheet.known["x_handle"]
        for place, cell in enumerate(self._cells("x_handle")):
            if cell and HANDLE.fullmatch(cell) and known.says_something(cell):
                handles[place] = cell.removeprefix("@")
                keys[place] = f',"x:{self.sheet.hashes.x(handles[place].lower())}"'
            elif cell:
                self.odd[place] = True
        return handles, keys

    def _pages(self) -> tuple[Cells, Cells]:
        if "linkedin_url" not in self.sheet.at:
            return self.nothing, self.nothing
        keys, cells, hashed = [""] * self.size, self._cells("linkedin_url"), self.sheet.hashes.linkedin
        for place, cell in enumerate(cells):
            if not cell:
                continue
            if (found := PAGE.fullmatch(cell)) and len(cell) <= 300:
                keys[place] = f',"linkedin:{hashed(f"in/{found[1].lower()}")}"'
            else:
                self.odd[place] = True
        return cells, keys

    def _names(self) -> tuple[Cells, Cells]:
        first, last = self._texts("first_name"), self._texts("last_name")
        if "full_name" in self.sheet.at:
            whole = self._cells("full_name")
            both = zip(whole, self._cells("first_name"), self._cells("last_name"), strict=True)
            self._mark([bool(name.strip()) and not one and not other for name, one, other in both])
        return first, last

    def _custom(self) -> Cells:
        """The fields of one's own as JSON objects."""
        columns = []
        for target in self.sheet.at:
            if not target.startswith(CUSTOM):
                continue
            if target in self.sheet.typed:
                columns.append(self._looked_up(target))
                continue
            cells = [cell.strip() for cell in self._cells(target)]
            self._mark([len(cell) > MAX_CUSTOM_VALUE for cell in cells])
            start = f'"{target.removeprefix(CUSTOM)}": '
            columns.append([start + encode_basestring(cell).replace("\\", "\\\\") if cell else "" for cell in cells])
        if not columns:
            return ["{}"] * self.size
        return [f"{{{', '.join(filter(None, fields))}}}" for fields in zip(*columns, strict=True)]


def _is_role(local: str) -> bool:
    if "." in local or "_" in local:
        local = local.replace("_", "-").replace(".", "-")
    return local in ROLES


def _folded(local: str, domain: Domain, email: str) -> str:
    """Where the provider ignores something before the @, or has rules that only `identity` knows."""
    if domain.has_own_rules or domain.ignored is None:
        return identity.fold(email)
    return f"{local.translate(domain.ignored) or local}@{domain.folded}"
