"""A person's word after a guard held sending: what may have been sent meanwhile is uncertain, and sending goes on."""

from dataclasses import dataclass
from datetime import datetime

import structlog

from accounts.models import User
from campaigns import doubting, planning, replaying
from campaigns.models import SendingControl
from campaigns.scheduling import DAY
from outreach.lib.errors import DomainError
from outreach.lib.models import DatabaseClock

log = structlog.get_logger(__name__)

Held = SendingControl.Held


class WasRestored(DomainError):
    """There is proof that the database was put back: nobody can say that it was not."""

    status = 409
    title = "The database was put back"


@dataclass(frozen=True)
class Settled:
    """What came of it: messages that are uncertain now, and noes that had been forgotten."""

    uncertain: int = 0
    noes: int = 0


def settle(*, restored: bool, now: datetime, by: User | None) -> Settled:
    """Lets sending go on that a guard held, and does nothing when none does.

    With `restored`, all that may have been sent between the backup's last tick and now becomes uncertain first, and
    every no of the journal is put back: nothing is sent twice, or to whoever opted out meanwhile. Follow-ups wait until
    every mailbox was read again. Raises WasRestored when a person says "not restored" and it was.
    """
    held = SendingControl.objects.filter(pk=1, held_at__isnull=False).first()
    if held is None:
        return Settled()
    if held.held_because == Held.RESTORED and not restored:
        raise WasRestored("Outreach knows of ticks that this database does not remember: it was put back.")
    done = _after_restore(held, now) if restored and held.held_because != Held.CLOCK else Settled()
    gap = {"gap_until": now} if restored and held.held_because != Held.CLOCK else {}
    SendingControl.objects.filter(pk=1, held_at=held.held_at, held_because=held.held_because).update(
        held_at=None, held_because="", held_note="", settled_at=DatabaseClock(), settled_by=by, **gap
    )
    who = by.pk if by else None
    log.info("sending_settled", because=held.held_because, restored=restored, uncertain=done.uncertain, by=who)
    return done


def _after_restore(held: SendingControl, now: datetime) -> Settled:
    since = held.gap_from or now
    with planning.alone():
        uncertain = _doubt_all(since=since, now=now, noticed_at=held.held_at or now)
    return Settled(uncertain, replaying.replay(since=held.gap_from))


def _doubt_all(*, since: datetime, now: datetime, noticed_at: datetime) -> int:
    """First what had been planned; then, day by day, what the planner would have planned, on the slots it would have
    given: with the same people, caps and windows it comes to the same mails.
    """
    gap = {"since": since, "until": now, "enrolled_before": noticed_at}
    doubted = doubting.doubt_due(**gap)
    at = since
    while at < now:
        planned = planning.plan_alone(now=at).messages
        doubted += doubting.doubt_due(**gap)
        if not planned:
            at += DAY
    return doubted
