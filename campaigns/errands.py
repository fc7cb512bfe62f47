"""What was asked for in a request and is too much for one: begun there, ended by a tick, one piece after the other."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any

from accounts.models import User
from campaigns.models import Campaign, Errand
from outreach.lib import locks
from outreach.lib.models import DatabaseClock

LOCK = 0x4552524E
HURRY = 0.5  # seconds of pieces in a request, and of the piece that was begun
SLICE = 20.0  # seconds of a tick
TO_THE_END = float("inf")


def ask(*, kind: Errand.Kind, now: datetime, by: User | None, campaign: Campaign | None = None, **done: Any) -> Errand:
    """The errand of this kind (for this campaign) that is open, or a new one, which begins with what is `done`."""
    new = {"asked_at": now, "asked_by": by, "done": done}
    return Errand.objects.get_or_create(kind=kind, campaign=campaign, finished_at=None, defaults=new)[0]


def waiting(kind: Errand.Kind, *, campaign: Campaign | None = None) -> Errand | None:
    """The oldest errand of this kind (for this campaign) that is not finished."""
    waits = Errand.objects.select_related("asked_by").filter(kind=kind, finished_at=None)
    return (waits.filter(campaign=campaign) if campaign else waits).order_by("id").first()


def of_campaign(campaign: Campaign) -> Errand | None:
    """What is being done for this campaign: meanwhile nobody in it is planned, and nothing of it is handed over."""
    return Errand.objects.filter(campaign=campaign, finished_at=None).first()


def go_on(
    *,
    kind: Errand.Kind,
    piece: Callable[[Errand, float], bool],
    seconds: float,
    campaign: Campaign | None = None,
) -> None:
    """Calls `piece` with the oldest open errand (for this campaign) and the moment to end at (monotonic) until it says
    False, for these seconds.

    At least once. One worker at a time; whoever wants to reach the end waits for the other. Each piece is its own
    transaction and keeps how far it is, so that a cut-off loses nothing.
    """
    with locks.held(LOCK, wait=seconds == TO_THE_END) as taken:
        errand = waiting(kind, campaign=campaign) if taken else None
        until = monotonic() + seconds
        while errand is not None and piece(errand, until) and monotonic() < until:
            pass


def keep(errand: Errand, **done: Any) -> None:
    """How far it is, in the transaction of the piece."""
    errand.done = {**errand.done, **done}
    Errand.objects.filter(pk=errand.pk).update(done=errand.done)


def finish(errand: Errand) -> bool:
    """Nothing of it is left; False when it was over before."""
    return bool(Errand.objects.filter(pk=errand.pk, finished_at=None).update(finished_at=DatabaseClock()))
