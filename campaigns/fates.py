"""What a new version of a sequence means for people, by where they stand. Pure: the page counts by it, a publication
does it, and the tests hold what then happened to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from campaigns import onward
from campaigns.comparing import DELAY, settings_of
from campaigns.models import Enrollment, Step


class Hand(StrEnum):
    """The open message of somebody: none, one that waits for its slot, or one that is (or was once) with a server."""

    NONE = ""
    PLANNED = "planned"
    OVERDUE = "overdue"  # set aside until a person releases it
    TRIED = "tried"  # handed over once, not taken, tried again later
    BUSY = "busy"  # being handed over, or nobody knows whether it was


class Kind(StrEnum):
    """What becomes of somebody."""

    GOES_ON = "goes_on"
    FINISHES = "finishes"  # nothing is left for them
    FOLLOWS = "follows"  # once what is with a server is settled
    GOES_ON_AGAIN = "goes_on_again"  # they had finished, and something was added
    STAYS = "stays"


@dataclass(frozen=True)
class Standing:
    """People who stand alike: before the step `at` of a version ("" when they finished), having got `got`."""

    version_id: int
    at: str
    got: tuple[str, ...] = ()
    hand: str = Hand.NONE
    is_active: bool = True
    has_begun: bool = False
    people: int = 1
    group: int = 0


@dataclass(frozen=True)
class Fate:
    """What becomes of them: `first` is the step they go on with, `gets` all that they may still get from there on.

    `is_due_anew`: the delay before it is counted anew; `is_replanned`: what is planned gives up its slot; `is_kept`: it
    keeps its slot and says what the new version says.
    """

    kind: Kind
    first: str = ""
    gets: tuple[str, ...] = ()
    is_due_anew: bool = False
    is_replanned: bool = False
    is_kept: bool = False
    is_looked_at: bool = False

    @property
    def state(self) -> str:
        """Of the enrollment from then on."""
        return Enrollment.State.FINISHED if self.kind == Kind.FINISHES else Enrollment.State.ACTIVE

    @property
    def moves(self) -> bool:
        """Whether they are of the new version at once."""
        return self.kind in (Kind.GOES_ON, Kind.FINISHES, Kind.GOES_ON_AGAIN)


def fate(standing: Standing, *, old: Mapping[str, Step], new: Mapping[str, Step], finished_too: bool = False) -> Fate:
    """`old` and `new` are the steps of their version and of the one that is published, by key in their order."""
    before, after = list(old), list(new)
    got = set(standing.got)
    at = standing.at
    if standing.hand == Hand.BUSY:
        return _follows(standing, before, after)
    first = onward.first_in(after, old=before, at=at, got=got)
    gets = onward.rest(after, first=first, got=got)
    if not standing.is_active:
        if not (first and finished_too):
            return Fate(Kind.STAYS)
        return Fate(Kind.GOES_ON_AGAIN, first, gets, is_due_anew=True, is_looked_at=True)
    if standing.hand == Hand.TRIED:
        return Fate(Kind.GOES_ON, first, gets, is_kept=True) if first == at else _follows(standing, before, after)
    is_planned = standing.hand != Hand.NONE
    if not first:
        return Fate(Kind.FINISHES, is_replanned=is_planned)
    return _goes_on(standing, first, gets, old, new[first])


def _goes_on(standing: Standing, first: str, gets: tuple[str, ...], old: Mapping[str, Step], step: Step) -> Fate:
    is_same = first == standing.at and first in old
    differs = _differs(old[first], step, standing) if is_same else set()
    replanned = standing.hand == Hand.PLANNED and (not is_same or bool(differs))
    replanned = replanned or (standing.hand == Hand.OVERDUE and not is_same)
    return Fate(
        Kind.GOES_ON,
        first,
        gets,
        is_due_anew=standing.has_begun and step.position > 1 and (not is_same or bool(differs & set(DELAY))),
        is_replanned=replanned,
        is_kept=standing.hand != Hand.NONE and not replanned,
        is_looked_at=(standing.hand == Hand.NONE or replanned) and (not is_same or bool(differs)),
    )


def _differs(old: Step, new: Step, standing: Standing) -> set[str]:
    before, after = settings_of(old), settings_of(new)
    found = {name for name in after if before[name] != after[name]}
    if new.needs_approval and _says(old) != _says(new):
        found.add("text")  # what was approved is not what would be sent
    return found if standing.has_begun and new.position > 1 else found - set(DELAY)  # nobody waits for a first mail


def _says(step: Step) -> list[int]:
    return [arm.template_version_id for arm in step.arms.all()]


def _follows(standing: Standing, before: list[str], after: list[str]) -> Fate:
    """As it will be once the message in hand was taken: by then they may have gone on in the old version, or ended."""
    got = {*standing.got, standing.at}
    place = before.index(standing.at) + 1 if standing.at in before else len(before)
    at = next((key for key in before[place:] if key not in got), "")
    first = onward.first_in(after, old=before, at=at, got=got)
    return Fate(Kind.FOLLOWS, first, onward.rest(after, first=first, got=got))
