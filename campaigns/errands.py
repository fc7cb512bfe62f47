"""What was asked for in a request and is too much for one: begun there, ended by a tick, one piece after the other."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar

from accounts.models import User
from campaigns.models import Campaign, CampaignErrand, Errand
from outreach.lib import locks
from outreach.lib.models import DatabaseClock

LOCK = 0x4552524E
HURRY = 0.5  # seconds of pieces in a request, and of the piece that was begun
SLICE = 20.0  # seconds of a tick
TO_THE_END = float("inf")
E = TypeVar("E", Errand, CampaignErrand)


def ask(*, kind: Errand.Kind, now: datetime, by: User | None) -> Errand:
    """The errand of this kind that is open, or a new one."""
    return Errand.objects.get_or_create(kind=kind, finished_at=None, defaults={"asked_at": now, "asked_by": by})[0]


def ask_of(campaign: Campaign, *, kind: CampaignErrand.Kind, now: datetime, by: User | None, **done: Any) -> None:
    """Asks for it: nothing else is open of this campaign (`of_campaign`), whose row the caller has locked."""
    CampaignErrand.objects.create(campaign=campaign, kind=kind, asked_at=now, asked_by=by, done=done)


def waiting(kind: Errand.Kind) -> Errand | None:
    """The errand of this kind that is not finished."""
    return Errand.objects.select_related("asked_by").filter(kind=kind, finished_at=None).first()


def of_campaign(campaign: Campaign) -> CampaignErrand | None:
    """What is being done for this campaign: meanwhile nobody in it is planned, and nothing of it is handed over."""
    return CampaignErrand.objects.filter(campaign=campaign, finished_at=None).first()


def go_on(*, kind: Errand.Kind, piece: Callable[[Errand, float], bool], seconds: float) -> None:
    """Calls `piece` with the open errand and the moment to end at (monotonic) until it says False, for these seconds.

    At least once. One worker at a time; whoever wants to reach the end waits for the other. Each piece is its own
    transaction and keeps how far it is, so that a cut-off loses nothing.
    """
    _go_on(lambda: waiting(kind), piece, seconds)


def go_on_of(
    campaign: Campaign | None,
    *,
    kind: CampaignErrand.Kind,
    piece: Callable[[CampaignErrand, float], bool],
    seconds: float,
) -> None:
    """The same with what is open of this kind for this campaign, or for any: whichever comes, so that one that fails
    stands before the others only now and then.
    """
    open_ones = CampaignErrand.objects.select_related("asked_by").filter(kind=kind, finished_at=None).order_by("?")
    _go_on((open_ones.filter(campaign=campaign) if campaign else open_ones).first, piece, seconds)


def _go_on(find: Callable[[], E | None], piece: Callable[[E, float], bool], seconds: float) -> None:
    with locks.held(LOCK, wait=seconds == TO_THE_END) as taken:
        errand = find() if taken else None
        until = monotonic() + seconds
        while errand is not None and piece(errand, until) and monotonic() < until:
            pass


def keep(errand: Errand | CampaignErrand, **done: Any) -> None:
    """How far it is, in the transaction of the piece."""
    errand.done = {**errand.done, **done}
    errand.save(update_fields=["done"])


def finish(errand: Errand | CampaignErrand) -> bool:
    """Nothing of it is left; False when it was over before."""
    rows = type(errand)._default_manager.filter(pk=errand.pk, finished_at=None)
    return bool(rows.update(finished_at=DatabaseClock()))
