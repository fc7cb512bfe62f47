"""Taking an import back: whoever it added goes, unless something has happened with them since."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from campaigns.models import Enrollment, Event, Message, Reply
from outreach.lib.retrying import retried
from outreach.lib.words import people
from prospects.importing import undoing as facts
from prospects.importing.undoing import CannotUndo
from prospects.models import ImportBatch

__all__ = ["CannotUndo", "Undone", "foresee", "undo"]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Undone:
    """How many an import added go, how many stay and why, and how many known people get something back."""

    removed: int = 0
    stay: dict[str, int] = field(default_factory=dict)
    given_back: int = 0
    changed_since: int = 0
    sites: int = 0

    def words(self, *, done: bool = True) -> str:
        """What was done, or would be."""
        verb = ("was removed", "were removed") if done else ("would be removed", "would be removed")
        said = [f"{people(self.removed)} {verb[self.removed != 1]}."] if self.removed or not self.stay else []
        said += [f"{people(count)} {_stays(count, done=done)}: they {why}." for why, count in self.stay.items()]
        if self.given_back:
            given = "got back" if done else "would get back"
            said.append(f"{people(self.given_back)} known before {given} what the import changed.")
        if self.changed_since:
            said.append(f"What somebody changed since of {people(self.changed_since)} stays as it is.")
        return " ".join(said)


def foresee(*, batch: ImportBatch) -> Undone:
    """What an undo would do; nothing is changed. Raises CannotUndo."""
    facts.check(batch=batch)
    found = Undone()
    found.removed = facts.added(batch=batch).count()
    for why, count in _staying(batch):
        found.stay[why] = count
        found.removed -= count
    found.given_back = batch.changes.count()
    return found


def undo(*, batch: ImportBatch, by: User | None, now: datetime) -> Undone:
    """Takes an import back. A stop or suppression stays, and so does who is in a campaign, answered, or has notes.

    Safe to repeat when it was cut off: people go in pieces, and the batch is undone at the end. Raises CannotUndo.
    """
    facts.check(batch=batch)
    found = Undone()
    last = 0
    while chunk := _chunk(batch, last):
        found.removed += _remove(batch, chunk)
        last = chunk[-1]
    found.stay = dict(_staying(batch))
    found.given_back, found.changed_since = facts.give_back(batch=batch)
    found.sites = facts.remove_sites(batch=batch)
    facts.take_tag(batch=batch)
    facts.finish(batch=batch, by=by, now=now)
    log.info("import_undone", batch_id=batch.pk, removed=found.removed, stay=sum(found.stay.values()))
    return found


def _chunk(batch: ImportBatch, last: int) -> list[int]:
    found = facts.added(batch=batch).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
    return list(found[: facts.CHUNK])


@retried
@transaction.atomic
def _remove(batch: ImportBatch, ids: list[int]) -> int:
    """Those of them whom nothing keeps. The lock comes first: whoever is being enrolled now waits, or is seen."""
    locked = facts.added(batch=batch).filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk", flat=True)
    there = list(locked)
    kept = Q()
    for _, rule in _reasons(batch):
        kept |= rule
    going = list(facts.added(batch=batch).filter(pk__in=there).exclude(kept).values_list("pk", flat=True))
    facts.remove(ids=going)
    return len(going)


def _reasons(batch: ImportBatch) -> Iterator[tuple[str, Q]]:
    person = OuterRef("pk")
    yield "are or were in a campaign", Q(Exists(Enrollment.objects.filter(prospect=person)))
    yield (
        "were written to or answered",
        Q(Exists(Message.objects.filter(prospect=person)))
        | Q(Exists(Reply.objects.filter(prospect=person)))
        | Q(Exists(Event.objects.filter(prospect=person))),
    )
    yield from facts.reasons(batch=batch).items()


def _staying(batch: ImportBatch) -> Iterator[tuple[str, int]]:
    """Why people stay and how many, each counted for the first reason."""
    said = Q(pk__in=())
    for why, rule in _reasons(batch):
        if count := facts.added(batch=batch).filter(rule).exclude(said).count():
            yield why, count
        said |= rule


def _stays(count: int, *, done: bool) -> str:
    if done:
        return "stays" if count == 1 else "stay"
    return "would stay"
