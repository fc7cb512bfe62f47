"""Whom a simulation follows and what is ahead of them, as plain values. Pure: no clock, no database."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from campaigns import scheduling
from campaigns.calendars import Place
from campaigns.rules.touching import Whom
from campaigns.scheduling import DAY, Window

A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step for people of one place: its window there, and how long after the hand-over before.

    `unmet` are the people whom its condition leaves out.
    """

    position: int
    window: Window
    delay: int
    unit: str
    has_condition: bool = False
    unmet: frozenset[int] = frozenset()
    is_task: bool = False
    needs_approval: bool = False  # which it gets as soon as it is due


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """What people of one place go through in one campaign, from one mailbox."""

    campaign_id: int
    mailbox_id: int
    place: Place
    stages: tuple[Stage, ...]
    campaign_name: str = ""
    country_rule: str = ""
    _shifts: dict[tuple[int, date], timedelta | None] = field(default_factory=dict, repr=False)

    def due_after(self, at: datetime, number: int) -> datetime:
        """When the stage of this number is due, behind a hand-over (UTC): as `scheduling.due_after`, whose answer is
        remembered for days on which it is the same at every hour.
        """
        key = (number, at.date())
        if (shift := self._shifts.get(key, DAY)) is DAY:  # which no shift is: it marks what was not asked yet
            shift = self._shifts[key] = self._shift_all_day(at.date(), number)
        return self._due(at, number) if shift is None else at + shift

    def _shift_all_day(self, day: date, number: int) -> timedelta | None:
        dawn = datetime.combine(day, time(0), UTC)
        dusk = dawn + DAY - A_MOMENT
        shift = self._due(dawn, number) - dawn
        return shift if self._due(dusk, number) - dusk == shift and self._keeps_time(dawn, dusk) else None

    def _due(self, at: datetime, number: int) -> datetime:
        stage = self.stages[number]
        return scheduling.due_after(handed_over_at=at, delay=stage.delay, unit=stage.unit, place=self.place)

    def _keeps_time(self, dawn: datetime, dusk: datetime) -> bool:
        zone = ZoneInfo(self.place.zone)
        return dawn.astimezone(zone).utcoffset() == dusk.astimezone(zone).utcoffset()


@dataclass(slots=True)
class Way:
    """One person under way. `turn` orders those who are looked at at the same time; `stage` is the one to plan next.

    `planned_at` is the slot that the stage has already.
    """

    turn: int
    person_id: int
    route: Route
    stage: int
    due_at: datetime
    look_at: datetime
    domain: str = ""
    contacted_at: datetime | None = None
    planned_at: datetime | None = None
    is_follow_up: bool = False
    site_id: int | None = None

    @property
    def next(self) -> Stage:
        """The step to plan next."""
        return self.route.stages[self.stage]

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be planned."""
        return self.stage >= len(self.route.stages)

    @property
    def has_begun(self) -> bool:
        """Whether a message was handed over, or has its slot."""
        return self.is_follow_up or self.planned_at is not None

    @property
    def is_ruled_out(self) -> bool:
        """Whether the rule of their country keeps the next step from them for good."""
        return self.route.country_rule == "never" or (self.route.country_rule == "task" and not self.next.is_task)

    @property
    def whom(self) -> Whom:
        """As the rules over all campaigns know them."""
        return Whom(self.person_id, self.site_id, self.route.campaign_id, self.route.campaign_name)

    def end(self) -> None:
        """Nothing more is planned."""
        self.stage = len(self.route.stages)

    def again(self) -> "Way":
        """The same, to be simulated once more."""
        fixed = (self.turn, self.person_id, self.route, self.stage, self.due_at, self.look_at, self.domain)
        return Way(*fixed, self.contacted_at, self.planned_at, self.is_follow_up, self.site_id)
