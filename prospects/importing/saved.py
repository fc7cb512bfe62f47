"""Columns kept under a name, and found again when a sheet with the same ones comes."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.text import printable
from prospects.importing.names import OUR_OWN
from prospects.importing.sheets import Stored
from prospects.models import ImportBatch, SavedMapping

LONGEST = 100
MOST = 1_000  # looked through, the newest first
KEPT = ("program", "replace")  # of a file's options


@transaction.atomic
def save(*, batch: ImportBatch, name: str, by: User | None) -> SavedMapping:
    """Keeps the columns of a file under a name; what had that name before is replaced.

    Raises DomainError for a name that can't be one.
    """
    name = printable(name)
    if not name or len(name) > LONGEST:
        raise DomainError(problems=[Problem("save_as", f"A name has 1 to {LONGEST} characters.")])
    options = {key: batch.options[key] for key in KEPT if key in batch.options}
    values = {"mapping": batch.mapping, "options": options}
    saved, _ = SavedMapping.objects.update_or_create(
        name=name, defaults=values, create_defaults={**values, "created_by": by}
    )
    return saved


def remove(*, saved: SavedMapping) -> None:
    """Forgets it; what was imported stays."""
    saved.delete()


def fitting(*, sheet: Stored) -> tuple[SavedMapping, dict[str, str]] | None:
    """What was saved last for a sheet with just these columns: under which name, and what they mean."""
    for saved in SavedMapping.objects.order_by("-id")[:MOST]:
        mapping = _part(sheet, saved.mapping)
        if mapping is not None:
            return saved, mapping
    return None


def _part(sheet: Stored, mapping: Mapping[str, Any]) -> dict[str, str] | None:
    """The part of a saved mapping that has just the columns of this sheet; our own of left-out rows don't count."""
    sheets: list[Mapping[str, Any]] = [part for part in mapping.values() if isinstance(part, dict)]
    own = [header for header in sheet.headers if header in OUR_OWN and OUR_OWN[-1] in sheet.headers]
    headers = {header for header in sheet.headers if header not in own}
    for part in sheets or [mapping]:
        if {header for header in part if header not in own} == headers:
            return {header: "" if header in own else str(part[header]) for header in sheet.headers}
    return None
