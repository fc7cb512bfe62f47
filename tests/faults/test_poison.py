"""A message that kills whoever writes it: it is parked after the third time, and everybody else gets theirs."""

import html
import signal
from collections import Counter

import pytest
from django.urls import reverse

from campaigns import explaining, gate, planning, suspects
from campaigns.models import Message
from tests.faults import workers
from tests.faults.rig import Rig, bury

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def poisoned(running):
    """Seven planned messages, of which the fourth kills every worker that writes it."""

    def launch():
        world = running(people=7, steps=1)
        planning.plan(now=world.now)
        world.rig = Rig(world)
        world.message = Message.objects.select_related("prospect").order_by("send_at", "id")[3]
        world.person = world.message.prospect
        world.poison = f"in_compose:1:SIGKILL:{world.message.pk}"
        return world

    return launch


def works(world):
    """A worker that dies or not; returns whether it lived."""
    child = workers.start(workers.deliver, fault=world.poison, mailbox_id=world.mailbox.pk, now=world.now)
    child.join(60)
    assert child.exitcode in (0, -signal.SIGKILL)
    bury()
    world.rig.allowed = world.rig.marks  # the one before it, in the first death
    world.rig.check()
    return child.exitcode == 0


def sent_to(world):
    return Counter(mail.recipient for mail in world.smtp.received)


def deaths(world):
    return Message.objects.values_list("worker_deaths", flat=True).get(pk=world.message.pk)


def test_a_message_that_kills_three_workers_is_parked_and_nobody_else_waits(poisoned):
    world = poisoned()
    assert [works(world) for _ in range(6)] == [False, False, False, False, True, True]
    others = {person.email for person in world.prospects} - {world.person.email}
    assert sent_to(world) == dict.fromkeys(others, 1)
    assert Message.objects.filter(state="uncertain").count() <= 1
    assert list(suspects.parked()) == [world.message]
    assert gate.refusals(message_ids=[world.message.pk]) == {world.message.pk: ["parked"]}


def test_no_more_is_on_the_wire_when_it_kills_again(poisoned):
    """The first death may leave the mail before it in doubt; suspects are written with nothing in hand."""
    world = poisoned()
    works(world)
    doubtful = Message.objects.filter(state__in=("sending", "uncertain")).count()
    received = len(world.smtp.received)
    assert [works(world), works(world)] == [False, False]
    assert Message.objects.filter(state__in=("sending", "uncertain")).count() == doubtful
    assert len(world.smtp.received) == received


def parked(world):
    while not works(world):
        pass
    return world


def test_the_person_s_page_today_and_why_say_it_and_the_page_lets_it_go(poisoned, client_as):
    world = parked(poisoned())
    office, guest = client_as("operator"), client_as("viewer")
    why = "sending broke off three times while this mail was written"
    home, again = (reverse(name, args=[world.person.public_id]) for name in ("prospect", "prospect-try-again"))
    assert why in office.get(home).content.decode()
    assert again in office.get(home).content.decode()
    assert again not in guest.get(home).content.decode()
    line = explaining.explain(prospect=world.person, campaign=world.campaign, now=world.now).lines[1]
    assert why in line.sentence
    today = html.unescape(office.get(reverse("today")).content.decode())
    assert f"broke off three times while the mail to {world.person.email} was written" in today
    assert home in today

    answer = office.post(again, follow=True, format="multipart").content.decode()
    assert "is tried again" in answer
    assert why not in answer
    assert "No mail to" in office.post(again, follow=True, format="multipart").content.decode()
    world.deliver()
    assert sent_to(world)[world.person.email] == 1
    world.rig.check()
    assert deaths(world) == 0


def test_tried_again_it_is_parked_again_when_it_still_kills(poisoned):
    world = parked(poisoned())
    assert suspects.release(prospect=world.person, by=None) == 1
    assert [works(world) for _ in range(4)] == [False, False, False, True]
    assert list(suspects.parked()) == [world.message]
    assert not sent_to(world)[world.person.email]


def test_workers_that_die_of_something_else_park_nobody(poisoned):
    world = poisoned()
    for _ in range(5):
        world.rig.killed_at("after_claim", workers.deliver, mailbox_id=world.mailbox.pk, now=world.now)
        assert set(Message.objects.values_list("state", flat=True)) == {"planned"}
    world.deliver()
    assert len(sent_to(world)) == 7
    assert set(Message.objects.values_list("worker_deaths", flat=True)) == {0}
    world.rig.check()
