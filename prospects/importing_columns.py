"""Which column means what: told by its header, or said by the person who imports."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prospects.cleaning import CLEANERS, CUSTOM_NAME
from prospects.importing_reading import MAX_COLUMNS

FIELDS = (*(field for field in CLEANERS if field != "custom"), "full_name")
IGNORED = ""
CUSTOM = "custom."
SYNONYMS = {
    "email": "email e_mail mail email_address e_mail_address mail_address email_id contact_email primary_email",
    "first_name": "first_name firstname first given_name givenname forename vorname prenom prénom nombre",
    "last_name": "last_name lastname last surname family_name familyname nachname nom apellido",
    "full_name": "full_name fullname name contact contact_name",
    "company": "company company_name organisation organization organization_name business firma account account_name",
    "job_title": "job_title jobtitle title position role job",
    "website": "website url web web_site webseite homepage site site_web domain website_url company_website blog",
    "x_handle": "x_handle x twitter twitter_handle x_username twitter_username",
    "linkedin_url": "linkedin_url linkedin linkedin_profile linkedin_profile_url person_linkedin_url",
    "country": "country country_code land pays",
    "time_zone": "time_zone timezone tz",
    "language": "language lang locale sprache langue",
    "tags": "tags tag labels",
    "kind": "kind",
    "source": "source lead_source",
    "legal_basis": "legal_basis",
}
LABELS = {
    "email": "Email address",
    "first_name": "First name",
    "last_name": "Last name",
    "full_name": "First and last name in one",
    "company": "Company",
    "job_title": "Job title",
    "website": "Website",
    "x_handle": "X handle",
    "linkedin_url": "LinkedIn page",
    "country": "Country",
    "time_zone": "Time zone",
    "language": "Language",
    "tags": "Tags",
    "kind": "Person or creator",
    "source": "Where we know them from",
    "legal_basis": "Legal basis",
}
OUR_OWN = ("Line in the file", "Why it was left out")  # of the list of left-out rows, which may come back corrected
FIELD_OF = {synonym: field for field, synonyms in SYNONYMS.items() for synonym in synonyms.split()}


NAMED = re.compile(rf"(^|; )({'|'.join(LABELS)}): ")


class UnreadableHeader(Exception):
    """The first line does not name an address column, or the mapping does not fit it; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The header's names, and what each column means: a field, "custom.<name>", or "" for one that is left out."""

    headers: tuple[str, ...]
    targets: tuple[str, ...]

    def mapping(self) -> dict[str, str]:
        """What was read from where, for the record."""
        return dict(zip(self.headers, self.targets, strict=True))

    def values(self, row: Sequence[str]) -> dict[str, object]:
        """One row's values by field; custom ones together under `custom`. A short row lacks its last values."""
        values: dict[str, object] = {}
        custom: dict[str, str] = {}
        for target, value in zip(self.targets, row, strict=False):
            if target.startswith(CUSTOM):
                custom[target.removeprefix(CUSTOM)] = value
            elif target:
                values[target] = value
        if custom:
            values["custom"] = custom
        return _with_name_split(values)

    def named(self, row: Sequence[str]) -> dict[str, str]:
        """One row by the header's names, for people's eyes; values that have no column are numbered."""
        names = [*self.headers, *(f"value {number}" for number in range(len(self.headers) + 1, len(row) + 1))]
        return dict(zip(names, row, strict=False))


def read_header(cells: Sequence[str], mapping: Mapping[str, str] | None = None) -> Columns:
    """Tells what each column means; `mapping` (column to field) has the last word. Raises UnreadableHeader."""
    columns = suggested(cells, mapping)
    if "email" not in columns.targets:
        raise UnreadableHeader(_no_email(cells))
    return columns


def suggested(cells: Sequence[str], mapping: Mapping[str, str] | None = None) -> Columns:
    """`read_header` for somebody who is still asked: there may be no address column yet, but there must be names.

    Raises UnreadableHeader.
    """
    if len(cells) > MAX_COLUMNS:
        raise UnreadableHeader(f"This file has {len(cells):,} columns; at most {MAX_COLUMNS} are read.")
    headers = _unique([cell.replace("\0", "").strip()[:200] for cell in cells])
    chosen = _chosen(headers, mapping or {})
    taken = set(chosen.values())
    targets: list[str] = []
    for header in headers:
        target = chosen[header] if header in chosen else _target(header, taken)
        taken.add(target)
        targets.append(target)
    if "email" not in targets and any("@" in cell for cell in cells):
        raise UnreadableHeader(_no_email(cells))
    return Columns(tuple(headers), tuple(targets))


def own_names(headers: Sequence[str]) -> list[str]:
    """For each column the field of its own that it may become, "custom.<name>"; no two are the same."""
    names: list[str] = []
    for number, header in enumerate(headers, start=1):
        name = f"{CUSTOM}{snake(header) or f'column_{number}'}"
        names.append(name if name not in names else f"{name[:50]}_{number}")
    return names


def in_words(reason: str) -> str:
    """Why a row was left out, with the fields by the names that people know."""
    return NAMED.sub(lambda found: f"{found[1]}{LABELS[found[2]]}: ", reason)


def snake(header: str) -> str:
    """A header as the name of a field: "E-mail Address" is e_mail_address."""
    name = re.sub(r"\W+", "_", header.strip().lower()).strip("_")[:50].rstrip("_")
    return name if not name or CUSTOM_NAME.fullmatch(name) else f"column_{name}"[:50]


def _target(header: str, taken: set[str]) -> str:
    if header in OUR_OWN:
        return IGNORED
    name = snake(header)
    field = FIELD_OF.get(name)
    if field and field not in taken:
        return field
    custom = f"{CUSTOM}{name}"
    return custom if name and custom not in taken else IGNORED


def _chosen(headers: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    by_name = {header.casefold(): header for header in reversed(headers)}
    chosen: dict[str, str] = {}
    for column, field in mapping.items():
        header = column if column in headers else by_name.get(column.strip().casefold())
        if header is None:
            raise UnreadableHeader(f"There is no column {column!r} in the file; there is: {_listed(headers)}.")
        custom = CUSTOM_NAME.fullmatch(field.removeprefix(CUSTOM)) if field.startswith(CUSTOM) else None
        if field not in FIELDS and field != IGNORED and not custom:
            raise UnreadableHeader(f"There is no field {field!r}; there is: {', '.join(FIELDS)}, custom.<name>.")
        if field and field in chosen.values():
            raise UnreadableHeader(f"Two columns are mapped to {field!r}.")
        chosen[header] = field
    return chosen


def _unique(headers: Sequence[str]) -> list[str]:
    """Columns of one name are told apart by a number, so that none hides another."""
    names: list[str] = []
    for number, header in enumerate(headers, start=1):
        name = header or f"column {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return names


def _no_email(cells: Sequence[str]) -> str:
    sentence = f"No email column found: the first line says {_listed(cells)}."
    if any("@" in cell for cell in cells):
        return f"{sentence} It looks like a person; the first line must name the columns."
    return f"{sentence} Call the column Email, or say which one it is."


def _listed(cells: Sequence[str]) -> str:
    shown = ", ".join(repr(cell.strip()[:40]) for cell in cells[:10])
    return shown + (" …" if len(cells) > 10 else "")


def _with_name_split(values: dict[str, object]) -> dict[str, object]:
    """A full name becomes first and last name where those have no column or no value of their own."""
    whole = str(values.pop("full_name", ""))
    if whole.strip() and not values.get("first_name") and not values.get("last_name"):
        first, _, last = whole.strip().partition(" ")
        values["first_name"], values["last_name"] = first, last.strip()
    return values
