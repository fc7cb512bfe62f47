"""From a record to a person: each record of a file is a good row, a site to research, or left out with a reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from outreach.lib.text import printable
from prospects import cleaning, identity, places
from prospects.importing.columns import Columns
from prospects.importing.owners import Owners
from prospects.importing.records import Record
from prospects.importing.seen import Seen
from prospects.models import ImportBatch

FILLED = (  # plain texts, in which an empty one may be filled
    "first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url", "country", "language",
    "legal_basis",
)  # fmt: skip
NAMING = frozenset({"email", "other_emails", "x_handle", "linkedin_url"})
FORGOTTEN = "This person asked to be forgotten."
AVOIDED = "The row says not to contact {domain}: nobody there is written to, nor looked for."
SHARED = "The row says not to contact somebody at {domain}, but not whom."
NOBODY = "There is no address, handle or website in this row."


@dataclass(frozen=True, slots=True)
class How:
    """What is said about a whole file. A new person gets `tags`, with `tag_known` one who was known as well.

    `replace` are the fields in which what the file says wins over what is here; the others are only filled in.
    """

    source: str
    tags: tuple[str, ...] = ()
    tag_known: bool = False
    is_demo: bool = False
    replace: frozenset[str] = frozenset()
    program_id: int | None = None
    batch_id: int | None = None
    by_id: int | None = None
    check_mx: bool = False

    @classmethod
    def of(cls, batch: ImportBatch) -> "How":
        """As it was chosen for this batch."""
        said = batch.options
        return cls(
            source=said["source"],
            tags=tuple(said["tags"]),
            tag_known=said.get("tag_known", True),
            is_demo=said.get("is_demo", False),
            replace=frozenset(said.get("replace", ())),
            program_id=said.get("program"),
            batch_id=batch.pk,
            by_id=batch.created_by_id,
            check_mx=said.get("check_mx", False),
        )


@dataclass(slots=True)
class Incoming:
    """One good row, as it is stored. `tags` are its own, without those of the file; `texts` are FILLED ones.

    `others` are further addresses. The keys of `contact_keys` are those of the row without them.
    """

    identity_key: str
    email: str
    contact_keys: list[str]
    site_domain: str
    source: str
    line: int = 0
    sheet: str = ""
    address_kind: str = ""
    time_zone: str = ""
    tags: list[str] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)
    kind: str = "person"
    says_kind: bool = False
    says_source: bool = False
    texts: dict[str, str] = field(default_factory=dict)
    notice_date: date | None = None
    contacted_elsewhere_at: datetime | None = None
    owner_id: int | None = None
    others: list[str] = field(default_factory=list)
    stage: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is left out: its line in the file, why, and what it said by the header's names."""

    line: int
    reason: str
    values: dict[str, str]
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody the file says not to contact: kind and key of the suppression, and what stands there for people."""

    kind: str
    key: str
    value: str


@dataclass(slots=True)
class Sorted:
    """What became of some records, in their order. A stop holds also where its row was left out."""

    good: list[Incoming] = field(default_factory=list)
    bad: list[Rejected] = field(default_factory=list)
    research: list[str] = field(default_factory=list)  # domains, one for each row
    stops: list[Stop] = field(default_factory=list)


@dataclass(slots=True)
class Rows:
    """Reads the records of one sheet; `seen` tells who stands in the file twice, `forgotten` whose keys are refused."""

    columns: Columns
    how: How
    seen: Seen = field(default_factory=Seen)
    sheet: str = ""
    sheet_number: int = 0
    forgotten: frozenset[str] = frozenset()
    without_mail: frozenset[str] = frozenset()  # keys of domains
    owners: Owners | None = None  # asked for when a row names one

    def sort(self, records: Iterable[Record]) -> Sorted:
        """Each record one by one, whatever stands in it."""
        done = Sorted()
        for record in records:
            row, reason = self.read(record, done)
            if row and (reason := self.refusal(row.identity_key, record.line, row.contact_keys, row.others)):
                row = None
            if row:
                done.good.append(row)
            elif reason:
                done.bad.append(self.rejected(record, reason))
        return done

    def refusal(self, identity_key: str, line: int, keys: Sequence[str], others: Sequence[str] = ()) -> str:
        """Why a row that is good in itself is left out; "" when it is not.

        Whoever stands in two sheets of a workbook is no mistake: the second row is that of somebody known.
        """
        if self.forgotten and not self.forgotten.isdisjoint([*keys, *(identity.key_for("address", e) for e in others)]):
            return FORGOTTEN
        if keys and keys[0].startswith("address:") and keys[1] in self.without_mail:
            return f"email: The domain {keys[1].removeprefix('domain:')} takes no mail."
        first = self.seen.first(identity_key, line, self.sheet_number)
        if first is None or first[0] != self.sheet_number:
            return ""
        return twice(first[1])

    def rejected(self, record: Record, reason: str) -> Rejected:
        """The record as it is kept for whoever corrects it; of the forgotten, nothing is kept."""
        said = {} if reason == FORGOTTEN else self.columns.named(record.values)
        values = {name: printable(value)[:500] for name, value in said.items()}
        return Rejected(record.line, reason[:300], values, self.sheet)

    def read(self, record: Record, done: Sorted) -> tuple[Incoming | None, str]:
        """The row, or why not; neither for a site to research. Stops and sites go to `done`."""
        width = len(self.columns.headers)
        if record.problem:
            return None, record.problem
        if any(value.strip() for value in record.values[width:]):
            return None, f"This row has {len(record.values)} values, and the header has {width} columns."
        said = self.columns.values(record.values)
        cleaned, errors = cleaning.clean(said)
        if not str(said.get("kind", "")).strip():
            cleaned.pop("kind", None)
        if cleaned.get("do_not_contact"):
            done.stops += _stops(cleaned) or _stop_of_site(cleaned, errors)
        owner_id = self._owner(cleaned, errors)
        if errors and self._is_forgotten(cleaned):
            return None, FORGOTTEN
        if errors:
            return None, "; ".join(f"{field}: {sentence}" for field, sentence in errors.items())
        row = self._incoming(record.line, cleaned, owner_id)
        if row:
            return row, ""
        domain = _site_of(cleaned)
        if cleaned.get("do_not_contact") and domain:
            return None, (AVOIDED if _stop_of_site(cleaned, errors) else SHARED).format(domain=domain)
        if domain:
            done.research.append(domain)
        return None, "" if domain else NOBODY

    def _is_forgotten(self, cleaned: Mapping[str, Any]) -> bool:
        return any(stop.key in self.forgotten for stop in _stops(cleaned))

    def _owner(self, cleaned: Mapping[str, Any], errors: dict[str, str]) -> int | None:
        said = cleaned.get("owner")
        if not said:
            return None
        self.owners = self.owners or Owners()
        found = self.owners.find(said)
        if found is None:
            errors["owner"] = f"Nobody here is called {said[:60]!r}."
        return found

    def _incoming(self, line: int, cleaned: Mapping[str, Any], owner_id: int | None) -> Incoming | None:
        email, others = cleaned.get("email", ""), cleaned.get("other_emails", [])
        if not email and others:
            email, *others = others
        handles = {name: cleaned.get(name, "") for name in ("x_handle", "linkedin_url")}
        identity_key = identity.person_key(email=email, **handles)
        if identity_key is None:
            return None
        domain = cleaning.site_domain(email=email, website=cleaned.get("website", ""))
        return Incoming(
            line=line,
            sheet=self.sheet,
            identity_key=identity_key,
            email=email,
            address_kind=cleaning.address_kind(email) if email else "",
            contact_keys=identity.contact_keys(email=email, site_domain=domain, **handles),
            site_domain=domain,
            time_zone=cleaned.get("time_zone") or places.zone_of_country(cleaned.get("country", "")),
            source=cleaned.get("source") or self.how.source,
            says_source=bool(cleaned.get("source")),
            tags=cleaned.get("tags", []),
            custom=cleaned.get("custom", {}),
            kind=cleaned.get("kind", "person"),
            says_kind="kind" in cleaned,
            texts={name: cleaned[name] for name in FILLED if name in cleaned},
            notice_date=cleaned.get("notice_date"),
            contacted_elsewhere_at=cleaned.get("contacted_elsewhere_at"),
            owner_id=owner_id,
            others=[other for other in others if identity.address_key(other) != identity_key],
            stage=cleaned.get("stage", ""),
            note=cleaned.get("note", ""),
        )


def twice(line: int) -> str:
    """Why somebody who stands in a sheet twice is left out the second time."""
    return f"This is the same person as line {line}."


def _site_of(cleaned: Mapping[str, Any]) -> str:
    """The site of a row that names nobody at it."""
    return cleaning.site_domain(email="", website=cleaned.get("website", ""))


def _stops(cleaned: Mapping[str, Any]) -> list[Stop]:
    """The addresses, and where there is none, the handles of somebody not to contact."""
    addresses = [text for text in (cleaned.get("email", ""), *cleaned.get("other_emails", ())) if text]
    if addresses:
        return [Stop("address", identity.key_for("address", text), text[:254]) for text in addresses]
    named = (("x", "x_handle"), ("linkedin", "linkedin_url"))
    return [
        Stop(kind, identity.key_for(kind, cleaned[name]), cleaned[name][:254])
        for kind, name in named
        if cleaned.get(name) and identity.person_key(email="", **{name: cleaned[name]})
    ]


def _stop_of_site(cleaned: Mapping[str, Any], errors: Mapping[str, str]) -> list[Stop]:
    """Everybody of the site, where a row not to contact names nobody at it; not for an address that was mistyped.

    Nor where the site is of strangers: one of them is meant, and nobody knows who.
    """
    domain = "" if errors.keys() & NAMING else _site_of(cleaned)
    if not domain or identity.is_free_mail(domain):
        return []
    return [Stop("domain", identity.key_for("domain", domain), domain)]
