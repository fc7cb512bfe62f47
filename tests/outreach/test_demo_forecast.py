"""A forecast against what then happens in the demo world: real servers, moved time, people who answer or do not."""

from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta

import pytest

from campaigns import booking, delivery, inbound, planning
from campaigns.forecast import attrition, forecasting
from campaigns.models import Enrollment, Message, Step
from campaigns.scheduling import DAY
from integrations import polling
from integrations.models import InboundEvent, Mailbox
from outreach.demo import people, staging
from outreach.demo.behaviour import ACCELERATED
from outreach.demo.staging import Cast
from outreach.demo.visiting import InProcess
from outreach.demo.world import World
from tests.amounts import PROVING

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
TICK = timedelta(seconds=5)
RARELY = timedelta(minutes=10)  # where days are compared, and not slots
A_MOMENT = timedelta(minutes=5)  # hand-overs are seconds late, and what follows them is
WEEK = 7 * DAY
SEEDS = 7, 42, 101
MANY = 24 if PROVING else 5  # where nobody answers
ROUNDS = 3_000
# Where people do: how many in the campaign before and in the one foretold, and how many mails a day.
ANSWERING = (40, 24, 8)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world_of(tmp_path, monkeypatch):
    """`world_of(seed, people)` is the demo world in which these people answer."""
    monkeypatch.setattr(forecasting, "FIRST", 1_000)

    @contextmanager
    def begin(seed, there):
        languages = {each.email: each.language for each in there}
        with World(folder=tmp_path, seed=seed, pace=ACCELERATED, visitor=InProcess(), languages=languages) as world:
            yield world

    return begin


def foretold(world, cast, *, cap, weekdays, tick=TICK):
    """What is foretold at a launch, and the messages that are then sent."""
    campaign = staging.ensure(world, cast=cast, now=NOON)
    slowly(campaign, cap=cap, weekdays=weekdays)
    said = forecasting.forecast(campaign=campaign, now=NOON)
    play(world, campaign, now=NOON, tick=tick)
    return said, list(Message.objects.filter(campaign=campaign).select_related("step").order_by("send_at"))


def slowly(campaign, *, cap, weekdays):
    """From nine to five, days between the steps, and fewer mails a day than people."""
    mine = Step.objects.filter(sequence_version__campaign=campaign)
    mine.update(window_start=time(9), window_end=time(17), weekdays=list(weekdays), delay_unit="days")
    mine.exclude(position=1).update(delay=3)
    Mailbox.objects.filter(pk=campaign.mailbox_id).update(daily_cap=cap, gap_seconds=90)


def play(world, campaign, *, now, tick=TICK):
    """Every tick whenever something is due, until nothing is."""
    for _ in range(ROUNDS):
        polling.poll(mailbox=Mailbox.objects.get(pk=campaign.mailbox_id))
        while inbound.apply_waiting(now=now):
            pass
        planning.plan(now=now)
        delivery.deliver(mailbox_id=campaign.mailbox_id, now=now, owner="demo")
        acted = world.react(now=now)
        if (following := upcoming(world, campaign, now, acted)) is None:
            return
        now = max(now + tick, following)
    raise AssertionError("It does not come to an end.")


def upcoming(world, campaign, now, acted):
    waits = InboundEvent.objects.filter(mailbox=campaign.mailbox_id, applied_at=None).exists()
    if acted or waits or world.has_unread_mail():
        return now
    looks = Enrollment.objects.filter(campaign=campaign, look_at__isnull=False).order_by("look_at")
    look = looks.values_list("look_at", flat=True).first()
    if look is not None and look <= now:  # nobody gets a slot before there are new ones
        room = any(book.free(now) for book in booking.slot_books(now=now).values())
        look = now if room else datetime.combine(now.date() + DAY, time(0), UTC)
    planned = Message.objects.filter(campaign=campaign, state="planned").order_by("send_at")
    due = [world.next_due(), planned.values_list("send_at", flat=True).first(), look]
    return min((at for at in due if at is not None), default=None)


def test_every_slot_is_as_foretold_when_nobody_answers(world_of):
    cast = Cast(tag="runforetold", people=people.invent(MANY))
    with world_of(7, ()) as world:
        said, messages = foretold(world, cast, cap=9, weekdays=range(1, 6))
    assert {message.state for message in messages} == {"sent"}
    assert said.messages == len(messages) == 3 * MANY
    was = {(message.prospect_id, message.step.position): message.send_at for message in messages}
    off = {key: (at, was[key]) for key, at in slots(said).items() if abs(was[key] - at) > A_MOMENT}
    assert not off
    days = {}
    for message in messages:
        days[message.send_at.date()] = days.get(message.send_at.date(), 0) + 1
    assert {day.day: day.all for day in said.days} == days


def slots(said):
    return {(each.person_id, each.position): each.at for each in said.first}


@pytest.mark.prove
@pytest.mark.parametrize("seed", SEEDS)
def test_it_ends_within_a_day_of_what_was_foretold_when_people_answer(world_of, monkeypatch, seed):
    """How many stop is learned from a campaign to others before; on every day of the week, as a weekend between two
    dates would make three days of a few hours.
    """
    before, many, cap = ANSWERING
    monkeypatch.setattr(attrition, "ENOUGH", before)
    past = Cast(tag="runbefore", people=people.invent(before, seed=seed))
    cast = Cast(tag="runforetold", people=people.invent(many, seed=1_000 + seed))
    with world_of(seed, [*past.people, *cast.people]) as world:
        play(world, staging.ensure(world, cast=past, now=NOON - WEEK), now=NOON - WEEK, tick=RARELY)
        said, messages = foretold(world, cast, cap=cap, weekdays=range(1, 8), tick=RARELY)
    sent = [message for message in messages if message.state == "sent"]
    assert said.leaving_from == attrition.BEFORE
    assert len(sent) < 3 * many  # some had enough
    last = max(message.handed_over_at for message in sent)
    assert said.ends_as_seen_at <= said.ends_at
    assert abs(said.ends_as_seen_at.date() - last.date()) <= DAY  # days, as the pages say it
