"""Beat dead for hours: nothing leaves in a burst when it is back, and windows, gaps and caps hold."""

from datetime import time, timedelta

import pytest

from campaigns import delivery, overdue, planning, releasing
from campaigns.models import Enrollment, Message, Step
from integrations.models import Mailbox
from tests import amounts
from tests.faults.rig import Rig

pytestmark = pytest.mark.django_db(transaction=True)

CAP = 5
GAP = 120  # seconds
RELAY = 0
PEOPLE = 12
EVERY = 30 if amounts.PROVING else 60  # seconds


@pytest.fixture
def silent(running):
    """Slots for a day's cap from noon on; then nothing runs for so long."""

    def launch(*, gap, **away):
        world = running(people=PEOPLE, steps=1)
        Mailbox.objects.update(gap_seconds=gap, daily_cap=CAP)
        Step.objects.update(window_start=time(6), window_end=time(22))
        planning.plan(now=world.now)
        world.rig = Rig(world)
        return world.later(**away)

    return launch


def works_for(world, **span):
    """Plans and delivers every so many seconds; returns how many mails left."""
    before, until = len(world.smtp.received), world.now + timedelta(**span)
    while world.now < until:
        planning.plan(now=world.later(seconds=min(EVERY, timedelta(**span).seconds / 2)).now)
        if delivery.mailboxes_with_work(now=world.now):
            world.deliver()
    world.rig.check()
    return len(world.smtp.received) - before


def next_morning(world):
    world.now = (world.now + timedelta(days=1)).replace(hour=6, minute=0, second=0)
    return world


def works_to_the_end(world):
    """The days after it, each with its own cap."""
    for _ in range(PEOPLE // CAP + 1):
        assert works_for(next_morning(world), minutes=14) <= CAP
    assert len({mail.recipient for mail in world.smtp.received}) == len(world.smtp.received) == PEOPLE
    assert not Enrollment.objects.exclude(state="finished").exists()


@pytest.mark.parametrize(("gap", "in_a_minute"), [(GAP, 1), pytest.param(RELAY, CAP, marks=pytest.mark.prove)])
def test_a_moment_less_than_six_hours_goes_on_by_itself_no_faster_than_ever(silent, gap, in_a_minute):
    """A relay has no pace to keep: it sends what its cap allows, as it would have at noon."""
    world = silent(gap=gap, hours=5, minutes=58)
    assert works_for(world, minutes=1) == in_a_minute
    assert works_for(world, minutes=14) == CAP - in_a_minute
    works_to_the_end(world)


@pytest.mark.parametrize("gap", [GAP, pytest.param(RELAY, marks=pytest.mark.prove)])
def test_six_hours_send_nothing_until_somebody_says_so_and_then_no_faster_than_ever(silent, gap):
    world = silent(gap=gap, hours=6, minutes=30)
    assert works_for(world, minutes=14) == 0
    assert overdue.waiting().count() == CAP
    assert releasing.release(now=world.now, by=None).count == CAP
    assert works_for(world, minutes=1) == (CAP if gap == RELAY else 1)
    assert works_for(world, minutes=14) == (0 if gap == RELAY else CAP - 1)
    works_to_the_end(world)


@pytest.mark.parametrize("gap", [GAP, pytest.param(RELAY, marks=pytest.mark.prove)])
def test_a_night_neither_opens_a_window_nor_gives_one_day_two_caps(silent, gap):
    """What yesterday left over goes first, in the morning, out of today's cap."""
    world = silent(gap=gap, hours=9, minutes=59)
    Message.objects.filter(state="planned").update(send_at=world.now - timedelta(hours=5))
    assert 1 <= works_for(world, minutes=1) <= CAP
    world.later(hours=5, minutes=50)
    assert works_for(world, minutes=10) == 0
    world.now = world.now.replace(hour=6, minute=0)
    assert works_for(world, minutes=14) == CAP
    works_to_the_end(world)
