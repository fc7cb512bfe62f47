"""The forecast of a campaign: how many leave each day from which mailbox, when it ends, and what holds it up."""

from bisect import insort
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from campaigns import booking
from campaigns.forecast import attrition, bottleneck, simulating, ways
from campaigns.forecast.bottleneck import Course
from campaigns.forecast.neighbours import Neighbours
from campaigns.forecast.routes import Route
from campaigns.forecast.simulating import Shares, Short, Slot
from campaigns.forecast.ways import Loaded
from campaigns.models import Campaign
from campaigns.scheduling import SlotBook
from integrations.models import Mailbox
from outreach.lib.words import people

FARTHEST = timedelta(days=1_827)  # five years are followed, no more
FIRST = 50  # slots that are named one by one
OPEN = (Mailbox.Status.ACTIVE, Mailbox.Status.PAUSED)  # a paused one as if it went on now
NOBODY_ANSWERS = "Nobody answers: whoever does gets no more, so that it is over sooner."
EVERYTHING_RUNS = "Nothing is paused, raised or added meanwhile."


@dataclass(frozen=True)
class Foretold:
    """One message: when it would leave (UTC), to whom, which step, and from where."""

    at: datetime
    person_id: int
    position: int
    mailbox_id: int


@dataclass(frozen=True)
class Day:
    """How many messages of the campaign leave on one UTC day, by mailbox."""

    day: date
    counts: Mapping[int, int]

    @property
    def all(self) -> int:
        """From all mailboxes."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Forecast:
    """What a campaign would do from `made_at` on.

    `people` are followed, `waiting` are left out until somebody does something about them. `ends_at` is when the last
    message leaves: None when nothing does, or not within five years (`is_endless`).
    """

    made_at: datetime
    people: int
    waiting: int
    messages: int
    days: tuple[Day, ...]
    first: tuple[Foretold, ...]
    ends_at: datetime | None
    is_endless: bool
    leaving: float  # the share of people who get no more after their first message
    ends_as_seen_at: datetime | None  # when it ends if so many leave
    bottleneck: str
    assumptions: tuple[str, ...]
    leaving_later: float = 0.0  # after each later one
    leaving_from: str = attrition.SEEN  # where those shares are known from


class _Tally:
    """What is kept of the slots of one campaign."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[date, int]] = Counter()
        self._soonest: list[Slot] = []
        self.last: datetime | None = None
        self.route: Route | None = None  # of whoever gets the last
        self.messages = 0

    def add(self, slot: Slot) -> None:
        at = slot.at
        self.messages += 1
        self.counts[at.date(), slot.route.mailbox_id] += 1
        if self.last is None or at > self.last:
            self.last, self.route = at, slot.route
        if len(self._soonest) < FIRST or at < self._soonest[-1].at:
            insort(self._soonest, slot, key=_when)
            del self._soonest[FIRST:]

    def days(self) -> tuple[Day, ...]:
        by_day: dict[date, dict[int, int]] = {}
        for (day, mailbox_id), n in self.counts.items():
            by_day.setdefault(day, {})[mailbox_id] = n
        return tuple(Day(day, by_day[day]) for day in sorted(by_day))

    def first(self) -> tuple[Foretold, ...]:
        return tuple(Foretold(each.at, each.person_id, each.position, each.route.mailbox_id) for each in self._soonest)


def _when(slot: Slot) -> datetime:
    return slot.at


def forecast(*, campaign: Campaign, now: datetime) -> Forecast:
    """What this campaign would do from `now` on if nobody answered; of a draft, if it were launched now.

    The campaigns that run beside it on its mailboxes take their slots. What is paused counts as if it went on now.
    The second date is with people who get no more after a message: as many as `attrition` has learned. Takes about ten
    microseconds for each message and date, those of other campaigns included. Raises segments.BadFilter.
    """
    mailboxes = ways.mailboxes_of(campaign)
    books = booking.slot_books(now=now, mailbox_ids=[each.pk for each in mailboxes], statuses=OPEN)
    loaded = ways.load(campaign=campaign, mailboxes=mailboxes, now=now)
    leaving = attrition.learned(campaign)
    ends_as_seen_at = _end_if_they_leave(campaign, loaded, books, now, (leaving.first, leaving.later))
    tally, short, others = _Tally(), dict[int, Short](), 0
    among, until = Neighbours(loaded.known, loaded.ways), now + FARTHEST
    for slot in simulating.run(now=now, until=until, ways=loaded.ways, books=books, short=short, among=among):
        if slot.route.campaign_id == campaign.pk:
            tally.add(slot)
        elif tally.last is None or slot.at <= tally.last:
            others += 1
    left = [way for way in loaded.ways if way.route.campaign_id == campaign.pk and not way.is_over]
    kept = sum(among.keeps(way) for way in left)
    is_endless = len(left) > kept
    ends_at = None if is_endless else tally.last
    course = Course(now=now, ends_at=ends_at, people=loaded.people, others=others, route=tally.route)
    return Forecast(
        made_at=now,
        people=loaded.people,
        waiting=loaded.waiting,
        messages=tally.messages,
        days=tally.days(),
        first=tally.first(),
        ends_at=ends_at,
        is_endless=is_endless,
        leaving=leaving.first,
        leaving_later=leaving.later,
        leaving_from=leaving.source,
        ends_as_seen_at=ends_as_seen_at,
        bottleneck=bottleneck.words(course=course, mailboxes=mailboxes, short=short),
        assumptions=_assumptions(campaign, loaded, kept),
    )


def _end_if_they_leave(
    campaign: Campaign, loaded: Loaded, books: Mapping[int, SlotBook], now: datetime, leaving: Shares
) -> datetime | None:
    """The date alone, over copies. It takes less time than the forecast, as there are fewer messages."""
    ways_again, known = loaded.again()
    among, last = Neighbours(known, ways_again), None
    for slot in simulating.run(
        now=now,
        until=now + FARTHEST,
        ways=ways_again,
        books=deepcopy(books),
        short={},
        among=among,
        leaving=leaving,
    ):
        if slot.route.campaign_id == campaign.pk and (last is None or slot.at > last):
            last = slot.at
    ours = (way for way in ways_again if way.route.campaign_id == campaign.pk)
    return None if any(not way.is_over and not among.keeps(way) for way in ours) else last


def _assumptions(campaign: Campaign, loaded: Loaded, kept: int) -> tuple[str, ...]:
    said = [NOBODY_ANSWERS, EVERYTHING_RUNS]
    if campaign.state == Campaign.State.PAUSED:
        said.append("The campaign is paused: this is how it would go on now.")
    if campaign.state == Campaign.State.DRAFT:
        said.append("Everybody is let go at the launch: behind a first batch the others wait for your word.")
    elif campaign.first_batch and not campaign.released_at:
        said.append("Whoever waits behind the first batch is let go now.")
    if campaign.audience_is_live:
        said.append("Nobody new comes into the live audience.")
    if loaded.waits_for_people:
        said.append("What a person has to do or to approve is done as soon as it is due.")
    if loaded.has_conditions:
        said.append("Conditions of steps are taken as they are now.")
    if kept:
        said.append(f"Left out: {people(kept)} whom another campaign has, and nobody knows how long.")
    if loaded.known.touches.apart.is_anything:
        said.append(
            "What campaigns from other mailboxes have sent and planned by now counts, and not what they do later."
        )
    if loaded.is_cut:
        said.append(f"Only the first {ways.MOST:,} people are counted.")
    return tuple(said)
