"""Who changed what: triggers of the database write it down, so that bulk writes and plain SQL are seen too.

Who it was comes from the request or the command (`pghistory.context`); what nobody asked for is the system's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pghistory
import pgtrigger
from django.db.models import Model
from pghistory import core as pghistory_core
from pghistory.core import Tracker

COMMANDS = Path(__file__).resolve().parents[1] / "management" / "commands"
SERVE = ("run", "demo")
LABELS = {"insert": "Added", "update": "Changed", "delete": "Deleted"}
SHOWN = 100  # changes
# A person's own change: by a request of somebody who is known, and no row of a whole list that is brought in.
BY_HAND = (
    "current_setting('pghistory.context_metadata', true) ~ '\"user\": [0-9]'"
    " AND coalesce(current_setting('outreach.in_bulk', true), '') <> 'on'"
)


@dataclass(frozen=True)
class Change:
    """One change of a row: when, by whom (a user's key, or a command's name), and per field what it was and became."""

    at: datetime
    label: str
    user_id: int | None
    command: str
    fields: tuple[tuple[str, Any, Any], ...]


def every_change() -> tuple[Tracker, ...]:
    """Trackers of all that happens to a row; a change and a removal keep what the row was before."""
    return pghistory.InsertEvent(), *decisions()


def decisions() -> tuple[Tracker, ...]:
    """Trackers of changes and removals: who added the row and when stands in the row itself."""
    return pghistory.UpdateEvent(row=pghistory.Old), pghistory.DeleteEvent()


def changes_by_hand(*columns: str) -> tuple[Tracker, ...]:
    """A tracker of what people change in these columns; imports and the system are left out."""
    old, new = (", ".join(f'{row}."{name}"' for name in columns) for row in ("OLD", "NEW"))
    changed = f"{BY_HAND} AND ROW({old}) IS DISTINCT FROM ROW({new})"
    return (pghistory.UpdateEvent(condition=pgtrigger.Condition(changed), row=pghistory.Old),)


@contextmanager
def redacting() -> Iterator[None]:
    """History is only ever added to; within this, an erasure may take out of it, and writes none itself.

    Only `campaigns.privacy` opens it (tests/test_architecture.py).
    """
    with pgtrigger.ignore():
        yield


@contextmanager
def by_command(name: str = "") -> Iterator[None]:
    """What one of our own commands changes is noted under its name. What serves, and Django's own, is nobody's."""
    if name in SERVE or not (COMMANDS / f"{name}.py").is_file():
        yield
        return
    with pghistory.context(command=name):
        yield


def models() -> list[Any]:
    """The tables of history."""
    return list(pghistory_core.event_models())


def of(row: Model) -> list[Change]:
    """The newest changes of a row, newest first; [] when its kind keeps no history. Two queries."""
    model = next((each for each in models() if each.pgh_tracked_model is type(row)), None)
    if model is None:
        return []
    names = {f.attname: str(f.verbose_name) for f in model._meta.concrete_fields if not f.name.startswith("pgh_")}
    after = type(row)._default_manager.filter(pk=row.pk).values(*names).first() or {}
    changes = []
    for entry in model._default_manager.filter(pgh_obj_id=row.pk).order_by("-pgh_id").values()[:SHOWN]:
        changes.append(_change(entry, after, names))
        after = entry
    return changes


def _change(before: dict[str, Any], after: dict[str, Any], names: dict[str, str]) -> Change:
    context = before["pgh_context"] or {}
    pairs = ((words, before[name], after.get(name)) for name, words in names.items())
    changed = tuple(pair for pair in pairs if pair[1] != pair[2])
    return Change(
        at=before["pgh_created_at"],
        label=LABELS[before["pgh_label"]],
        user_id=context.get("user"),
        command=str(context.get("command", "")),
        fields=changed if before["pgh_label"] == "update" else (),
    )
