"""Taking an import back: whoever it added goes, unless something has happened with them since."""

from dataclasses import replace
from datetime import datetime
from time import monotonic

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from campaigns.models import Enrollment, Event, Message, Reply
from outreach.lib.faults import fault
from outreach.lib.retrying import retried
from prospects import counting
from prospects.importing import running
from prospects.importing import undoing as facts
from prospects.importing.undoing import CannotUndo, Undone, ask
from prospects.models import ImportBatch

__all__ = ["CannotUndo", "Undone", "ask", "foresee", "undo_next"]

GO = ""  # nothing keeps them

log = structlog.get_logger(__name__)


def foresee(*, batch: ImportBatch) -> Undone:
    """What an undo would do; nothing is changed. Raises CannotUndo."""
    facts.check(batch=batch)
    counts = _counts(batch)
    removed = counts.pop(GO, 0)
    return Undone(removed, counts, given_back=batch.changes.values("prospect_id").distinct().count())


def undo_next(*, now: datetime, seconds: float = running.SLICE) -> ImportBatch | None:
    """Goes on with the undo that was asked for first, for `seconds` and at least one piece; None when there is none.

    A stop or suppression stays, and so does who is in a campaign, answered, or has notes. Each piece is a transaction
    that keeps how far it is, so that a cut-off loses nothing. Not while an import runs: it learns from what is there.
    """
    with running.alone() as taken:
        batch = facts.asked() if taken else None
        if batch is not None:
            _slice(batch, now, monotonic() + seconds)
        return batch


def _slice(batch: ImportBatch, now: datetime, until: float) -> None:
    done = facts.done_so_far(batch=batch)
    for step in (_remove, _give_back, _remove_sites):
        while (after := step(batch, done)) is not None:
            done = after
            fault("after_undone")
            if monotonic() >= until:
                return
    stay = {why: count for why, count in _counts(batch).items() if why != GO}
    done = replace(done, stay=stay)
    facts.finish(batch=batch, done=done, now=now)
    log.info("import_undone", batch_id=batch.pk, removed=done.removed, stay=sum(done.stay.values()))


@retried
@transaction.atomic
def _remove(batch: ImportBatch, done: Undone) -> Undone | None:
    """The next of those it added go, unless something keeps them; None: all were looked at.

    The lock comes first: whoever is being enrolled now waits, or is seen.
    """
    rest = facts.added(batch=batch).filter(pk__gt=done.last).order_by("pk")
    ids = list(rest.values_list("pk", flat=True)[: facts.CHUNK])
    if not ids:
        return None
    there = list(rest.filter(pk__in=ids).select_for_update().values_list("pk", flat=True))
    kept = Q()
    for rule in _reasons(batch).values():
        kept |= rule
    going = list(facts.added(batch=batch).filter(pk__in=there).exclude(kept).values_list("pk", flat=True))
    facts.remove(ids=going)
    looked_at, removed = done.looked_at + len(ids), done.removed + len(going)
    return _kept(batch, replace(done, removed=removed, looked_at=looked_at, last=ids[-1]))


@retried
@transaction.atomic
def _give_back(batch: ImportBatch, done: Undone) -> Undone | None:
    found = facts.give_back(batch=batch)
    if found is None:
        return None
    given_back, changed_since = done.given_back + found[0], done.changed_since + found[1]
    return _kept(batch, replace(done, given_back=given_back, changed_since=changed_since))


@retried
@transaction.atomic
def _remove_sites(batch: ImportBatch, done: Undone) -> Undone | None:
    count = facts.remove_sites(batch=batch)
    return _kept(batch, replace(done, sites=done.sites + count)) if count else None


def _kept(batch: ImportBatch, done: Undone) -> Undone:
    facts.keep(batch=batch, done=done)
    return done


def _reasons(batch: ImportBatch) -> dict[str, Q]:
    person = OuterRef("pk")
    campaigns = {
        "are or were in a campaign": Q(Exists(Enrollment.objects.filter(prospect=person))),
        "were written to or answered": Q(Exists(Message.objects.filter(prospect=person)))
        | Q(Exists(Reply.objects.filter(prospect=person)))
        | Q(Exists(Event.objects.filter(prospect=person))),
    }
    return campaigns | facts.reasons(batch=batch)


def _counts(batch: ImportBatch) -> dict[str, int]:
    """How many stay for each reason, in the order in which the reasons count, and how many go."""
    counts = counting.by_reason(facts.added(batch=batch), _reasons(batch), otherwise=GO)
    return {why: counts[why] for why in (*_reasons(batch), GO) if why in counts}
