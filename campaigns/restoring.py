"""A person's word after a guard held sending: what may have been sent meanwhile is uncertain, and sending goes on."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from accounts.models import User
from campaigns import doubting, errands, guards, journal, planning, replaying
from campaigns.models import Errand, SendingControl
from campaigns.scheduling import DAY
from outreach.lib.errors import DomainError
from outreach.lib.models import DatabaseClock
from outreach.lib.retrying import retried

log = structlog.get_logger(__name__)

Held = SendingControl.Held
KIND = Errand.Kind.SETTLE
PIECE, SMALL_PIECE = 1_000, 200  # messages
SMALL_JOURNAL = 500_000  # bytes, read within a request


class WasRestored(DomainError):
    """There is proof that the database was put back: nobody can say that it was not."""

    status = 409
    title = "The database was put back"


@dataclass(frozen=True)
class Settled:
    """What came of it so far: messages that are uncertain now, and noes that had been forgotten.

    Sending is held until `is_done`; a tick goes on.
    """

    uncertain: int = 0
    noes: int = 0
    is_done: bool = True


def settle(*, restored: bool, now: datetime, by: User | None, seconds: float = errands.TO_THE_END) -> Settled:
    """Lets sending go on that a guard held, and does nothing when none does.

    With `restored`, all that may have been sent between the backup's last tick and now becomes uncertain first, and
    every no of the journal is put back: nothing is sent twice, or to whoever opted out meanwhile. That is an errand,
    begun for `seconds`. Follow-ups wait until every mailbox was read again. Raises WasRestored when a person says "not
    restored" and it was.
    """
    if errands.waiting(KIND):
        guards.look()  # put back once more meanwhile, it has to be asked for anew
    held = SendingControl.objects.filter(pk=1, held_at__isnull=False).first()
    if held is None:
        return Settled()
    if held.held_because == Held.RESTORED and not restored:
        raise WasRestored("Outreach knows of ticks that this database does not remember: it was put back.")
    if errands.waiting(KIND) is None and (not restored or held.held_because == Held.CLOCK):
        _let_go(held, by=by)
        log.info("sending_settled", because=held.held_because, restored=restored, by=by.pk if by else None)
        return Settled()
    errand = errands.ask(kind=KIND, now=now, by=by)
    go_on(seconds=seconds)
    errand.refresh_from_db()
    return so_far(errand)


def go_on(*, seconds: float = errands.SLICE) -> None:
    """Goes on with what was asked for after a restore, for these seconds."""
    if errands.waiting(KIND):
        guards.look()
    errands.go_on(kind=KIND, piece=_small_piece if seconds < errands.SLICE else _piece, seconds=seconds)


def so_far(errand: Errand) -> Settled:
    """How far it is."""
    done = errand.done
    return Settled(done.get("uncertain", 0), done.get("noes", 0), is_done=errand.finished_at is not None)


def under_way() -> Settled | None:
    """How far the settling is that a tick goes on with; None when none was asked for."""
    errand = errands.waiting(KIND)
    return so_far(errand) if errand else None


def _small_piece(errand: Errand, until: float) -> bool:
    """While somebody waits for the answer; a long journal is left to a tick."""
    return _piece(errand, until, most=SMALL_PIECE, journal_up_to=SMALL_JOURNAL)


def _piece(errand: Errand, until: float, *, most: int = PIECE, journal_up_to: float = float("inf")) -> bool:
    """First what is doubted, then the noes, then sending goes on; False when there is no more to do for now."""
    held = SendingControl.objects.filter(pk=1, held_at__isnull=False).first()
    if held is None:
        errands.finish(errand)
        return False
    if "doubted_at" not in errand.done:
        _doubt(errand, held, most=most)
        return True
    if journal.size() > journal_up_to:
        return False
    found = replaying.go_on(since=held.gap_from, after=errand.done.get("replayed", ""), until=until)
    errands.keep(errand, noes=errand.done.get("noes", 0) + found.missing, replayed=found.last)
    if found.is_done:
        _end(errand, held)
    return not found.is_done


@retried
@transaction.atomic
def _doubt(errand: Errand, held: SendingControl, *, most: int) -> None:
    """First what had been planned; then, day by day, what the planner would have planned, on the slots it would have
    given: with the same people, caps and windows it comes to the same mails.
    """
    until = errand.asked_at
    since = held.gap_from or until
    at = datetime.fromisoformat(errand.done["at"]) if "at" in errand.done else since
    with planning.alone():
        found = doubting.doubt_due(since=since, until=until, enrolled_before=held.held_at or until, most=most)
        if not found and at <= until and not planning.plan_alone(now=at, most=most).messages:
            at += DAY
        done = {"doubted_at": at.isoformat()} if not found and at > until else {}
        errands.keep(errand, uncertain=errand.done.get("uncertain", 0) + found, at=at.isoformat(), **done)


@transaction.atomic
def _end(errand: Errand, held: SendingControl) -> None:
    if errands.finish(errand):
        _let_go(held, by=errand.asked_by, gap_until=errand.asked_at)
        log.info("sending_settled", because=held.held_because, restored=True, by=errand.asked_by_id, **errand.done)


def _let_go(held: SendingControl, *, by: User | None, **gap: datetime) -> None:
    SendingControl.objects.filter(pk=1, held_at=held.held_at, held_because=held.held_because).update(
        held_at=None, held_because="", held_note="", settled_at=DatabaseClock(), settled_by=by, **gap
    )
