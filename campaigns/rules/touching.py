"""How close together people and sites may be written to, and which campaign each is in. Pure: no clock, no database."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

NEVER_APART = timedelta(0)
TOUCHED_LATELY, SITE_TOUCHED = "touched_lately", "site_touched"


@dataclass(frozen=True)
class Apart:
    """The rules: how long between two touches of a person, and between those of a site's people; a person or a site in
    one campaign at a time; and how long a site is left alone after somebody there answered.
    """

    person: timedelta = NEVER_APART
    site: timedelta = NEVER_APART
    exclusive_person: bool = False
    exclusive_site: bool = False
    after_answer: timedelta = NEVER_APART

    @property
    def is_exclusive(self) -> bool:
        """Whether anybody is in one campaign at a time."""
        return self.exclusive_person or self.exclusive_site

    @property
    def is_anything(self) -> bool:
        """Whether there is any rule."""
        return bool(self.person or self.site or self.is_exclusive or self.after_answer)


@dataclass(frozen=True)
class Whom:
    """Who is written to, at which site (if any), by which campaign."""

    person: int
    site: int | None = None
    campaign: int = 0
    campaign_name: str = ""


class Touches:
    """When people and sites were written to or will be, and who has them: beside a SlotBook what one run knows."""

    def __init__(self, apart: Apart = Apart()) -> None:
        self.apart = apart
        self._of_person: dict[int, list[datetime]] = {}
        self._of_site: dict[int, list[tuple[datetime, int]]] = {}
        self._by: dict[tuple[str, int], tuple[int, str]] = {}

    def take(self, whom: Whom, at: datetime) -> None:
        """They are written to at this time."""
        if self.apart.person:
            self._of_person.setdefault(whom.person, []).append(at)
        if self.apart.site and whom.site is not None:
            self._of_site.setdefault(whom.site, []).append((at, whom.person))

    def begin(self, whom: Whom) -> None:
        """Their campaign has begun with them; whichever began first keeps them."""
        for key in self._keys(whom):
            self._by.setdefault(key, (whom.campaign, whom.campaign_name))

    def busy_with(self, whom: Whom) -> str:
        """The name of the other campaign that has this person or site, "" when none has."""
        for key in self._keys(whom):
            campaign, name = self._by.get(key, (whom.campaign, ""))
            if campaign != whom.campaign:
                return name
        return ""

    def end(self, whom: Whom, *, of_site: bool) -> None:
        """Their campaign is through with them, and (`of_site`) with everybody at their site."""
        for key in self._keys(whom):
            if (of_site or key[0] == "person") and self._by.get(key, (0, ""))[0] == whom.campaign:
                del self._by[key]

    def rested_from(self, whom: Whom) -> datetime | None:
        """From when on none of the known touches is too close any more; None when there are none."""
        touches = [at + self.apart.person for at in self._of_person.get(whom.person, ())]
        if whom.site is not None:
            others = self._of_site.get(whom.site, ())
            touches += [at + self.apart.site for at, person in others if person != whom.person]
        return max(touches, default=None)

    def copied(self) -> "Touches":
        """The same, to be added to apart from these."""
        copy = Touches(self.apart)
        copy._of_person = {key: list(touches) for key, touches in self._of_person.items()}
        copy._of_site = {key: list(touches) for key, touches in self._of_site.items()}
        copy._by = dict(self._by)
        return copy

    def free_from(self, whom: Whom, at: datetime) -> tuple[datetime, str]:
        """From when on, not before `at`, no touch is too close, and the rule that it waits for ("" for none)."""
        rule = ""
        if whom.person not in self._of_person and whom.site not in self._of_site:
            return at, rule
        while (later := max(self._pushed(whom, at), default=(at, ""))) > (at, "~"):
            at, rule = later
        return at, rule

    def _keys(self, whom: Whom) -> Iterator[tuple[str, int]]:
        if self.apart.is_exclusive:
            yield "person", whom.person
        if self.apart.exclusive_site and whom.site is not None:
            yield "site", whom.site

    def _pushed(self, whom: Whom, at: datetime) -> Iterator[tuple[datetime, str]]:
        for touch in self._of_person.get(whom.person, ()):
            if abs(touch - at) < self.apart.person:
                yield touch + self.apart.person, TOUCHED_LATELY
        for touch, person in self._of_site.get(whom.site, ()) if whom.site is not None else ():
            if person != whom.person and abs(touch - at) < self.apart.site:
                yield touch + self.apart.site, SITE_TOUCHED
