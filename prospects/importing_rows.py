"""From a record to a person: each record of a file is a good row, or is left out with a reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from outreach.lib.text import printable
from prospects import cleaning, identity, places
from prospects.importing_columns import Columns
from prospects.importing_merging import FILLED, Incoming
from prospects.importing_reading import Record


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is left out: its line in the file, why, and what it said by the header's names."""

    line: int
    reason: str
    values: dict[str, str]


@dataclass(slots=True)
class Rows:
    """Reads the records of one file; what was seen so far tells who stands in it twice.

    `tags` are for those who are added, and with `tag_known` for those who were known as well.
    """

    columns: Columns
    source: str
    tags: Sequence[str] = ()
    tag_known: bool = False
    is_demo: bool = False
    lines: dict[bytes, int] = field(default_factory=dict)  # half of an identity key: the line that had the person first

    def sort(self, chunk: Iterable[Record]) -> tuple[list[Incoming], list[Rejected]]:
        """The good rows and the bad ones."""
        good: list[Incoming] = []
        bad: list[Rejected] = []
        for record in chunk:
            row, reason = self._read(record)
            if row:
                good.append(row)
            else:
                said = {name: printable(value)[:500] for name, value in self.columns.named(record.values).items()}
                bad.append(Rejected(record.line, reason[:300], said))
        return good, bad

    def _read(self, record: Record) -> tuple[Incoming | None, str]:
        """The row, or why not."""
        width = len(self.columns.headers)
        if record.problem:
            return None, record.problem
        if any(value.strip() for value in record.values[width:]):
            return None, f"This row has {len(record.values)} values, and the header has {width} columns."
        cleaned, errors = cleaning.clean(self.columns.values(record.values))
        if errors:
            return None, "; ".join(f"{field}: {sentence}" for field, sentence in errors.items())
        if not cleaned.get("email"):
            return None, "There is no address in this row."
        row = self._incoming(record.line, cleaned)
        first = self.lines.setdefault(bytes.fromhex(row.identity_key[:32]), record.line)
        return (row, "") if first == record.line else (None, f"This is the same person as line {first}.")

    def _incoming(self, line: int, cleaned: Mapping[str, Any]) -> Incoming:
        email = cleaned["email"]
        domain = cleaning.site_domain(email=email, website=cleaned.get("website", ""))
        keys = identity.contact_keys(email=email, site_domain=domain)
        tags = cleaned.get("tags", [])
        all_tags = list(dict.fromkeys([*tags, *self.tags]))
        return Incoming(
            line=line,
            identity_key=keys[0].removeprefix("address:"),
            email=email,
            contact_keys=keys,
            site_domain=domain,
            time_zone=cleaned.get("time_zone") or places.zone_of_country(cleaned.get("country", "")),
            source=cleaned.get("source") or self.source,
            is_demo=self.is_demo,
            tags=tags,
            all_tags=all_tags,
            known_tags=all_tags if self.tag_known else tags,
            custom=cleaned.get("custom", {}),
            kind=cleaned.get("kind", "person"),
            texts={name: cleaned[name] for name in FILLED if name in cleaned},
        )
