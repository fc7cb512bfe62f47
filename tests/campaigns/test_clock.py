"""A clock that is wrong knows no window and no day: it holds all sending until it is right again."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from campaigns import delivery, guards, outside, planning, restoring
from campaigns.models import SendingControl

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("jump", [DAY, -HOUR])
def test_a_clock_that_jumps_holds_all_sending_until_it_is_right_again(running_now, jump):
    running = running_now()
    guards.beat(now=running.now)
    planning.plan(now=running.now)
    guards.beat(now=running.now + jump)
    assert SendingControl.objects.get().held_because == "clock"
    assert "the database's" in SendingControl.objects.get().held_note
    delivery.deliver(mailbox_id=running.mailbox.pk, now=running.now + jump, owner="test")
    assert planning.plan(now=running.now + jump).ran is False
    assert running.smtp.received == []
    guards.beat(now=timezone.now())
    assert SendingControl.objects.get().held_at is None
    assert running.tick().sent == 3


@pytest.mark.django_db(transaction=True)
def test_a_person_may_say_that_a_clock_is_right_after_all(running_now):
    running = running_now()
    guards.beat(now=running.now)
    guards.beat(now=running.now + HOUR)
    restoring.settle(restored=False, now=running.now + HOUR, by=None)
    guards.beat(now=running.now + HOUR)
    assert SendingControl.objects.get().held_at is None
    guards.beat(now=running.now + 3 * HOUR)
    assert SendingControl.objects.get().held_because == "clock"


NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
RIGHT = outside.Known(uuid.uuid4(), 1, NOON, uptime=1000.0, boot="a", skew=0.0)


@pytest.mark.parametrize(
    ("later", "passed", "boot", "said"),
    [
        (timedelta(seconds=5), 5, "a", ""),
        (timedelta(hours=8), 8 * 3600, "a", ""),  # it slept
        (timedelta(minutes=9), 5, "a", ""),
        (timedelta(minutes=11), 5, "a", "forward"),
        (timedelta(seconds=-60), 5, "a", ""),
        (timedelta(minutes=-3), 5, "a", "back"),
        (timedelta(hours=8), 20, "b", ""),  # it was switched off
        (timedelta(hours=-1), 20, "b", "earlier"),
    ],
)
def test_knows_a_jump_of_the_machines_clock_from_time_that_passed(later, passed, boot, said):
    fault = guards.clock_fault(now=NOON + later, skew=0.0, uptime=1000.0 + passed, boot=boot, right=RIGHT)
    assert (said in fault) if said else (fault == "")
