"""A forecast against what then happens in the demo world: real servers, moved time, people who answer or do not."""

from datetime import UTC, datetime, time, timedelta

import pytest

from campaigns import delivery, forecasting, inbound, planning
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
A_MOMENT = timedelta(minutes=5)  # hand-overs are seconds late, and what follows them is
MANY = 24 if PROVING else 6
ROUNDS = 3_000
SEEN = 0.12  # of the people of the demo world so many stop after each mail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(tmp_path, monkeypatch):
    """`told(answers=True)` says what was foretold at the launch, and the messages that were then sent."""
    monkeypatch.setattr(forecasting, "FIRST", 1_000)

    def tell(*, answers, many=MANY, weekdays=(1, 2, 3, 4, 5), leaving=0.0):
        cast = Cast(tag="runforetold", people=people.invent(many))
        languages = {each.email: each.language for each in cast.people} if answers else {}
        visitor = InProcess()
        with World(folder=tmp_path, seed=7, pace=ACCELERATED, visitor=visitor, languages=languages) as world:
            campaign = staging.ensure(world, cast=cast, now=NOON)
            slowly(campaign, list(weekdays))
            said = forecasting.forecast(campaign=campaign, now=NOON, leaving=leaving)
            play(world, campaign)
        return said, list(Message.objects.filter(campaign=campaign).select_related("step").order_by("send_at"))

    return tell


def slowly(campaign, weekdays):
    """From nine to five, days between the steps, and fewer mails a day than people."""
    mine = Step.objects.filter(sequence_version__campaign=campaign)
    mine.update(window_start=time(9), window_end=time(17), weekdays=weekdays, delay_unit="days")
    mine.exclude(position=1).update(delay=3)
    Mailbox.objects.filter(pk=campaign.mailbox_id).update(daily_cap=9, gap_seconds=90)


def play(world, campaign):
    """Every tick whenever something is due, until nothing is."""
    now = NOON
    for _ in range(ROUNDS):
        polling.poll(mailbox=Mailbox.objects.get(pk=campaign.mailbox_id))
        while inbound.apply_waiting(now=now):
            pass
        planning.plan(now=now)
        delivery.deliver(mailbox_id=campaign.mailbox_id, now=now, owner="demo")
        acted = world.react(now=now)
        if (following := upcoming(world, campaign, now, acted)) is None:
            return
        now = max(now + TICK, following)
    raise AssertionError("It does not come to an end.")


def upcoming(world, campaign, now, acted):
    waits = InboundEvent.objects.filter(mailbox=campaign.mailbox_id, applied_at=None).exists()
    if acted or waits or world.has_unread_mail():
        return now
    looks = Enrollment.objects.filter(campaign=campaign, look_at__isnull=False).order_by("look_at")
    look = looks.values_list("look_at", flat=True).first()
    if look is not None and look <= now:  # nobody gets a slot before there are new ones
        room = any(book.free(now) for book in planning.slot_books(now=now).values())
        look = now if room else datetime.combine(now.date() + DAY, time(0), UTC)
    planned = Message.objects.filter(campaign=campaign, state="planned").order_by("send_at")
    due = [world.next_due(), planned.values_list("send_at", flat=True).first(), look]
    return min((at for at in due if at is not None), default=None)


def test_every_slot_is_as_foretold_when_nobody_answers(told):
    said, messages = told(answers=False)
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
def test_it_ends_within_a_day_of_what_was_foretold_when_people_answer(told):
    """On every day of the week: a weekend between two dates would make three days of a few hours."""
    many = 60
    said, messages = told(answers=True, many=many, weekdays=range(1, 8), leaving=SEEN)
    sent = [message for message in messages if message.state == "sent"]
    assert len(sent) < 3 * many * 0.9  # some had enough
    last = max(message.handed_over_at for message in sent)
    assert said.ends_as_seen_at < said.ends_at
    assert abs(said.ends_as_seen_at - last) <= DAY
