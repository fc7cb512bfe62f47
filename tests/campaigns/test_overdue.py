"""After hours in which nothing was sent: no burst, one alert, and a release that spreads what is late."""

from collections import Counter
from datetime import time, timedelta
from itertools import pairwise

import pytest

from campaigns import enrolling, gate, lifecycle, overdue, planning, releasing, stopping
from campaigns.models import Message, Step
from campaigns.scheduling import horizon
from integrations.models import Mailbox
from outreach.lib.models import DatabaseClock
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)


def down(world, **away):
    """Nothing ran for so long; then every tick runs again."""
    world.later(**away)
    for _ in range(5):
        world.tick(seconds=5)
    return world


def slots():
    return list(Message.objects.filter(state="planned").order_by("send_at").values_list("send_at", flat=True))


def test_six_hours_down_make_no_burst(running):
    world = running(people=5, steps=1)
    Mailbox.objects.update(gap_seconds=60)
    planning.plan(now=world.now)
    down(world, hours=6, minutes=30)
    assert world.smtp.received == []
    assert overdue.counted() == {world.mailbox.pk: 5}
    ids = list(Message.objects.values_list("id", flat=True))
    assert gate.refusals(message_ids=ids) == {pk: ["overdue"] for pk in ids}


def test_less_than_six_hours_down_goes_on_by_itself(running):
    world = running(people=3, steps=1)
    planning.plan(now=world.now)
    down(world, hours=5)
    assert len(world.smtp.received) == 3


def test_a_release_spreads_what_is_late_over_free_slots(running):
    world = running(people=5, steps=1)
    Mailbox.objects.update(gap_seconds=600, daily_cap=3)
    Step.objects.update(window_start=time(9), window_end=time(20))
    planning.plan(now=world.now)
    Message.objects.update(send_at=world.now)  # all of them were due
    down(world, hours=7)
    assert releasing.release(now=world.now, by=None).count == 5
    released = slots()
    assert released[0] >= world.now
    assert all(later - sooner >= timedelta(minutes=10) for sooner, later in pairwise(released))
    per_day = Counter(at.date() for at in released)
    assert [count for _, count in sorted(per_day.items())] == [3, 2]
    assert all(time(9) <= at.time() < time(20) for at in released)
    assert overdue.counted() == {}
    for minutes in [10] * 8 + [60] * 12 + [10] * 40:  # the evening, the night and the next day
        world.tick(minutes=minutes)
    assert len(world.smtp.received) == 5
    assert releasing.release(now=world.now, by=None).count == 0


def test_retries_come_first_then_follow_ups_then_new_people(running):
    world = running(people=3, steps=1)
    Mailbox.objects.update(gap_seconds=60)
    planning.plan(now=world.now)
    new, follow_up, retry = Message.objects.order_by("id")
    Message.objects.filter(pk=follow_up.pk).update(is_follow_up=True)
    Message.objects.filter(pk=retry.pk).update(attempts=1)
    down(world, hours=7)
    releasing.release(now=world.now, by=None)
    order = Message.objects.order_by("send_at").values_list("id", flat=True)
    assert list(order) == [retry.pk, follow_up.pk, new.pk]


def test_what_is_set_aside_keeps_its_place_before_new_people(running):
    world = running(people=4, steps=1)
    Mailbox.objects.update(daily_cap=2)
    planning.plan(now=world.now)
    Message.objects.filter(state="planned").update(send_at=world.now)
    down(world, hours=7)
    assert overdue.waiting().count() == 4
    for _ in range(6):
        factories.ProspectFactory()
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    world.tick(seconds=5)
    assert releasing.release(now=world.now, by=None).count == 4
    assert len(slots()) == 4  # two today and two tomorrow
    assert max(slots()) <= horizon(world.now)


@pytest.mark.parametrize("held", ["campaign", "mailbox", "everything"])
def test_what_a_person_had_stopped_goes_on_when_they_say_so(running, manager, held):
    world = running(people=3, steps=1)
    planning.plan(now=world.now)
    mailbox = Mailbox.objects.get()
    match held:
        case "campaign":
            lifecycle.pause(campaign=world.campaign, by=manager)
        case "mailbox":
            mailbox.pause(reason="holiday")
        case "everything":
            stopping.stop_all(by=manager)
    down(world, days=2)
    assert overdue.counted() == {}
    match held:
        case "campaign":
            lifecycle.resume(campaign=world.campaign, by=manager)
        case "mailbox":
            mailbox.resume()
        case "everything":
            stopping.resume_all(by=manager)
    world.tick(seconds=5)
    assert len(world.smtp.received) == 3


def test_what_waited_for_unread_answers_goes_on_when_they_are_read(running):
    world = running(people=1)
    world.tick()
    for _ in range(30):
        Mailbox.objects.update(polled_at=DatabaseClock() - timedelta(hours=3))
        planning.plan(now=world.later(hours=2).now)
        world.deliver()
    assert len(world.smtp.received) == 1
    assert overdue.counted() == {}
    world.tick(seconds=5)
    assert len(world.smtp.received) == 2


def test_a_released_follow_up_waits_until_the_answers_were_read(running):
    world = running(people=2)
    world.tick()
    first, second = Message.objects.order_by("id")
    planning.plan(now=world.later(hours=1).now)  # the second step has its slot tomorrow
    Mailbox.objects.update(polled_at=DatabaseClock() - timedelta(hours=3))
    world.later(days=2).deliver()
    assert overdue.waiting().count() == 2
    releasing.release(now=world.now, by=None)
    world.answers(mails.reply(first, sender=first.recipient, text="No thanks"))
    assert world.later(minutes=1).deliver().sent == 0  # nobody has read the mailbox yet
    for _ in range(3):
        world.tick(minutes=5)
    assert [mail.recipient for mail in world.smtp.received[2:]] == [second.recipient]


def test_a_login_that_is_broken_for_three_days_sends_no_follow_up(running):
    world = running(people=2, steps=2)
    world.tick()
    first, second = Message.objects.order_by("id")
    password = world.mailbox.imap_password
    Mailbox.objects.update(imap_password="revoked")
    world.mailbox.refresh_from_db()
    Mailbox.objects.update(polled_at=DatabaseClock() - timedelta(minutes=31))  # the database's clock is never moved
    world.answers(mails.reply(first, sender=first.recipient, text="No thanks, please stop"))
    for _ in range(36):
        world.tick(hours=2)
    assert len(world.smtp.received) == 2
    assert Mailbox.objects.get().poll_error
    world.mailbox.imap_password = password
    world.mailbox.save(update_fields=["imap_password"])
    for _ in range(3):
        world.tick(minutes=1)
    assert [mail.recipient for mail in world.smtp.received[2:]] == [second.recipient]
