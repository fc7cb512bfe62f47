"""What the ids in rules stand for: programs and imports."""

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from prospects.models import ImportBatch, Program
from prospects.segments.fields import providers

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MOST = 500


def names_in(rules: Iterable[Any]) -> dict[str, str]:
    """The names of the programs, imports and what else the rules mention, by id; a few queries, none without ids."""
    ids = {UUID(text) for rule in rules for text in ID.findall(repr(rule))}
    if not ids:
        return {}
    wanted = list(ids)[:MOST]
    programs = Program.objects.filter(public_id__in=wanted).values_list("public_id", "name")
    batches = ImportBatch.objects.filter(public_id__in=wanted).values_list("public_id", "file_name")
    provided = (provider.names(wanted) for provider in providers())
    return {
        str(id): name for id, name in [*programs, *batches, *(pair for found in provided for pair in found.items())]
    }
