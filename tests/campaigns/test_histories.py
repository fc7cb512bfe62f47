"""Whole histories by the pure decision alone: whatever the world, the rules and the people do, what must hold holds."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from campaigns import deciding, scheduling
from campaigns.calendars import Place
from campaigns.deciding import Facts, Hold, Send, Stop, Wait, decide
from campaigns.rules.touching import Apart, Touches, Whom
from campaigns.scheduling import CAMPAIGN, DAY, DOMAIN, Quota, SlotBook, Window, always, horizon, the_same

BEGIN = datetime(2026, 3, 27, 6, tzinfo=UTC)  # a Friday, and the clocks of Europe change on Sunday
TICK = timedelta(hours=4)
LONGEST = timedelta(days=400)
SITES, PEOPLE = 3, 8


@dataclass
class Way:
    """One person in one campaign."""

    person: int
    site: int | None
    campaign: int
    mailbox: int
    window: Window
    delays: list[int]
    due_at: datetime = BEGIN
    look_at: datetime = BEGIN
    step: int = 0
    slot: datetime | None = None
    ended: str = ""

    @property
    def whom(self):
        return Whom(self.person, self.site, self.campaign, f"campaign {self.campaign}")

    @property
    def has_begun(self):
        return self.step > 0 or self.slot is not None


@dataclass
class World:
    """Mailboxes by their caps, the rules, who is under way, and when who says no."""

    caps: list[int]
    gap: timedelta
    limit: int | None
    apart: Apart
    ways: list[Way]
    noes: dict[int, datetime]
    sent: list[tuple[datetime, int, Way]] = field(default_factory=list)

    def live(self):
        """Ticks until everybody's way has ended; returns when that was."""
        quotas = {CAMPAIGN: Quota(the_same(self.limit)), DOMAIN: Quota(the_same(None))}
        books = [
            SlotBook(cap_on=always(cap), gap=self.gap, taken=(), horizon=horizon(BEGIN), quotas=quotas)
            for cap in self.caps
        ]
        now = BEGIN
        while any(not way.ended for way in self.ways) and now < BEGIN + LONGEST:
            books = [book.moved(now) for book in books]
            self._hand_over(now)
            self._plan(now, books)
            now += TICK
        return now

    def _hand_over(self, now):
        """At its slot, unless they had said no by then: so the gate has it."""
        for way in sorted((each for each in self.ways if each.slot and each.slot <= now), key=lambda each: each.slot):
            at, way.slot = way.slot, None
            if self._has_said_no(way.person, at):
                way.ended = "person_stopped"
                continue
            self.sent.append((at, way.step, way))
            way.step += 1
            if way.step == len(way.delays):
                way.ended = "finished"
                continue
            place = Place(way.window.zone)
            delay = way.delays[way.step]
            way.due_at = scheduling.due_after(handed_over_at=at, delay=delay, unit="days", place=place)
            way.look_at = max(at, way.due_at - DAY)

    def _has_said_no(self, person, at):
        return person in self.noes and self.noes[person] <= at

    def _plan(self, now, books):
        touches = Touches(self.apart)
        for at, _, way in self.sent:
            touches.take(way.whom, at)
        for way in self.ways:
            if way.slot:
                touches.take(way.whom, way.slot)
            if way.has_begun and not way.ended:
                touches.begin(way.whom)
        due = [way for way in self.ways if not way.ended and way.slot is None and way.look_at <= now]
        for way in sorted(due, key=lambda each: (each.step == 0, each.look_at)):
            self._decide(way, now, books[way.mailbox], touches)

    def _decide(self, way, now, book, touches):
        facts = Facts(
            due_at=way.due_at,
            window=way.window,
            campaign_state="running",
            mailbox_status="active",
            has_address=True,
            person_stopped=self._has_said_no(way.person, now),
            is_follow_up=way.step > 0,
            whom=way.whom,
            campaign_id=way.campaign + 1,
        )
        verdict = decide(now=now, facts=facts, slots=book, touches=touches)
        match verdict:
            case Send(slot=slot):
                assert way.due_at <= slot <= horizon(now)
                assert slot >= now
                way.slot = slot
                book.take(slot, shares=facts.shares)
                touches.begin(way.whom)
                touches.take(way.whom, slot)
            case Stop(rule=rule):
                way.ended = rule
            case Wait() | Hold():
                way.look_at = deciding.look_again_at(now=now, verdict=verdict, when_due=False)
                assert way.look_at > now


windows = st.builds(
    Window,
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
    st.sampled_from([time(0), time(9)]),
    st.sampled_from([time(0), time(17)]),
    st.sampled_from([frozenset(range(1, 6)), frozenset(range(1, 8)), frozenset({2})]),
)
days = st.sampled_from([timedelta(0), timedelta(days=1), timedelta(days=3)])


@st.composite
def worlds(draw):
    caps = draw(st.lists(st.integers(1, 4), min_size=1, max_size=2))
    sites = draw(st.lists(st.sampled_from([None, *range(SITES)]), min_size=1, max_size=PEOPLE))
    steps = [draw(st.lists(st.integers(0, 4), min_size=1, max_size=3)) for _ in range(2)]
    shapes = [(draw(windows), delays) for delays in steps]
    pairs = draw(st.sets(st.tuples(st.integers(0, len(sites) - 1), st.integers(0, 1)), min_size=1))
    ways = [
        Way(person, sites[person], campaign, draw(st.integers(0, len(caps) - 1)), *shapes[campaign])
        for person, campaign in sorted(pairs)
    ]
    noes = draw(st.dictionaries(st.integers(0, len(sites) - 1), st.integers(0, 24 * 20), max_size=3))
    return World(
        caps=caps,
        gap=draw(st.sampled_from([timedelta(0), timedelta(minutes=90)])),
        limit=draw(st.sampled_from([None, 1, 3])),
        apart=draw(st.builds(Apart, days, days, st.booleans(), st.booleans())),
        ways=ways,
        noes={person: BEGIN + timedelta(hours=hours) for person, hours in noes.items()},
    )


@given(world=worlds())
def test_every_history_keeps_what_is_promised(world):
    world.live()
    sent = sorted(world.sent, key=lambda each: each[0])
    assert all(way.ended for way in world.ways), "every way ends"
    assert len({(id(way), step) for _, step, way in sent}) == len(sent), "no step twice"
    for at, _, way in sent:
        assert not world._has_said_no(way.person, at), "never after a no"
        assert way.window.is_open(at), "inside the window"
    per_day = Counter((way.mailbox, at.date()) for at, _, way in sent)
    assert all(count <= world.caps[mailbox] for (mailbox, _), count in per_day.items()), "never over a cap"
    of_campaign = Counter((way.campaign, at.date()) for at, _, way in sent)
    assert world.limit is None or max(of_campaign.values(), default=0) <= world.limit, "never over a campaign's limit"
    _are_apart(world, sent)


def _are_apart(world, sent):
    for place, (at, _, way) in enumerate(sent):
        for later, _, other in sent[place + 1 :]:
            if way.mailbox == other.mailbox:
                assert later - at >= world.gap, "the gap of a mailbox"
            if way.person == other.person:
                assert later - at >= world.apart.person, "touches of a person"
            elif way.site is not None and way.site == other.site:
                assert later - at >= world.apart.site, "touches of a site"
    for key, is_exclusive in (("person", world.apart.is_exclusive), ("site", world.apart.exclusive_site)):
        spans = _spans(sent) if is_exclusive else []
        for way, first, last in spans:
            for other, begun, ended in spans:
                same = getattr(way, key) is not None and getattr(way, key) == getattr(other, key)
                if same and way.campaign != other.campaign:
                    assert last <= begun or ended <= first, f"in one campaign at a time: a {key}"


def _spans(sent):
    """Each way with when its first and last mails were sent."""
    times = {}
    for at, _, way in sent:
        times.setdefault(id(way), (way, []))[1].append(at)
    return [(way, min(all_of), max(all_of)) for way, all_of in times.values()]
