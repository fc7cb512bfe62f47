"""How fast a mailbox may go: how many connections at once, and how far ahead of the hand-over messages are marked."""

from dataclasses import dataclass
from math import ceil

from integrations.models import Mailbox

AHEAD = 10  # what one killed connection of a relay may leave in doubt


@dataclass(frozen=True)
class Pace:
    """At most so many `connections` at once; each marks up to `ahead` messages and hands them over one by one."""

    connections: int = 1
    ahead: int = 1


def of(mailbox: Mailbox) -> Pace:
    """One message at a time, but for a relay: a mailbox without a gap that was given several connections."""
    if mailbox.gap_seconds or mailbox.connections == 1:
        return Pace()
    return Pace(connections=mailbox.connections, ahead=AHEAD)


def wanted(*, waited: float, worked: float, most: int) -> int:
    """How many connections keep one processor busy, when a hand-over waits and works for so many seconds.

    The longer the server takes to answer, the more of them; one more than that never waits for a turn.
    """
    return max(1, min(most, 1 + ceil(waited / max(worked, 1e-4))))
