"""What pages show of rows that are, or may be, one person: two side by side, and one with all of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timezone import localtime

from prospects import addresses, dedupe, identity, merging, places
from prospects.models import Address, Duplicate, Merge, Prospect

AT_ONCE = 300_000  # people: a look over so many takes seconds, over more it is left to the night
MOST = 20

LABELS = (
    *(("email", "Address"), ("first_name", "First name"), ("last_name", "Last name"), ("company", "Company")),
    *(("job_title", "Job"), ("website", "Website"), ("x_handle", "X"), ("linkedin_url", "LinkedIn")),
    *(("country", "Country"), ("time_zone", "Time zone"), ("language", "Language"), ("tags", "Tags")),
    *(("owner", "Looked after by"), ("source", "From"), ("legal_basis", "Legal basis"), ("created_at", "Added")),
    *(("contacted_elsewhere_at", "Written to by other means"), ("stopped_at", "Never write again")),
    *(("held_at", "On hold"), ("protected_at", "Protected")),
)


@dataclass(frozen=True)
class Line:
    """One field of two rows, and what each says of it."""

    label: str
    first: str
    second: str


@dataclass(frozen=True)
class Same:
    """All that is one person with a row: further addresses with whether they are suppressed, merges that stand with
    whether they can be undone, and pairs that are still to be decided.
    """

    addresses: Sequence[tuple[Address, bool]]
    merges: Sequence[tuple[Merge, bool]]
    pairs: Sequence[Prospect]


def compare(first: Prospect, second: Prospect) -> list[Line]:
    """Field by field what the two say; fields of which neither says anything are left out."""
    lines = [Line(label, _shown(first, name), _shown(second, name)) for name, label in LABELS]
    names = sorted({*first.custom, *second.custom})
    lines += [Line(name, str(first.custom.get(name, "")), str(second.custom.get(name, ""))) for name in names]
    return [line for line in lines if line.first or line.second]


def of(*, prospect: Prospect, now: datetime) -> Same:
    """Everything that is, or may be, one person with this row. At most four queries."""
    merges = Merge.objects.filter(survivor=prospect, undone_at=None).select_related("merged", "created_by")
    mine = Q(first=prospect) | Q(second=prospect)
    pairs = dedupe.open_pairs().filter(mine)[:MOST]
    return Same(
        addresses=addresses.listed(prospect=prospect),
        merges=[
            (row, number == 0 and merging.is_undoable(row, now=now))
            for number, row in enumerate(merges.order_by("-id")[:MOST])
        ],
        pairs=[pair.second if pair.first_id == prospect.pk else pair.first for pair in pairs],
    )


def likely(score: float) -> str:
    """A score (0 to 1) in words."""
    return "very likely" if score >= 0.9 else "likely" if score >= 0.75 else "maybe"


def pair_of(first: Prospect, second: Prospect) -> Duplicate | None:
    """What is known of these two as a pair."""
    low, high = sorted((first.pk, second.pk))
    return Duplicate.objects.filter(first=low, second=high).first()


def named(text: str) -> Prospect | None:
    """Whom an address, an X handle or a LinkedIn page names."""
    if "@" in text.strip().lstrip("@"):
        return addresses.owner_of(email=text)
    keys = [identity.key_for(kind, text) for kind, fold in FOLDS if fold(text)]
    found = Prospect.objects.present().filter(contact_keys__overlap=keys).order_by("id")
    return found.first() if keys else None


FOLDS = (("x", identity.fold_handle), ("linkedin", identity.fold_linkedin))


def is_quick() -> bool:
    """Whether looking over everybody takes seconds; as PostgreSQL estimates the number of rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'prospects_prospect'::regclass")
        return bool(cursor.fetchone()[0] <= AT_ONCE)


def _shown(row: Prospect, name: str) -> str:
    value: Any = getattr(row, name)
    if isinstance(value, datetime):
        return date_format(localtime(value), "j M Y")
    if isinstance(value, list):
        return ", ".join(value)
    if name == "country":
        return places.country_name(value) or value
    return str(value) if value else ""
