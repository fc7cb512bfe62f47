"""No more than a mailbox's share of a day goes to the addresses of one domain."""

from collections import Counter
from datetime import timedelta

import pytest

from campaigns import planning
from campaigns.models import Decision, Message
from integrations.models import Mailbox
from outreach.demo.smtp_server import Stage
from prospects import editing

pytestmark = pytest.mark.django_db(transaction=True)


def at_rcpt(reply):
    return lambda recipient, message, stage: reply if stage is Stage.RCPT else None


def test_gives_no_domain_more_than_its_share_of_a_day(running):
    world = running(people=7, steps=1)
    for person in world.prospects[:5]:
        editing.change_prospect(prospect=person, by=None, email=f"p{person.pk}@big.example")
    Mailbox.objects.update(domain_cap=2)
    for _ in range(20):
        world.tick(hours=5)
    assert len(world.smtp.received) == 7
    begun = Message.objects.filter(recipient__endswith="@big.example").values_list("handed_over_at", flat=True)
    assert sorted(Counter(at.date() for at in begun).values()) == [1, 2, 2]
    others = Message.objects.exclude(recipient__endswith="@big.example").values_list("handed_over_at", flat=True)
    assert max(others) < min(begun) + timedelta(hours=6)  # they wait for nobody


def test_a_retry_is_no_way_around_a_domains_share(running):
    world = running(people=4, steps=1)
    for person in world.prospects:
        editing.change_prospect(prospect=person, by=None, email=f"p{person.pk}@big.example")
    Mailbox.objects.update(domain_cap=2)
    world.smtp.behaviour = at_rcpt("451 4.7.1 try again later")
    world.tick(hours=11, minutes=50)  # ten minutes before midnight, and tomorrow is full
    world.smtp.behaviour = None
    assert sorted(Message.objects.values_list("attempts", flat=True)) == [0, 0, 1, 1]
    for _ in range(20):
        world.tick(hours=5)
    assert len(world.smtp.received) == 4
    begun = Message.objects.values_list("handed_over_at", flat=True)
    assert set(Counter(at.date() for at in begun).values()) == {2}


def test_a_retry_on_the_same_day_does_not_count_itself(running):
    world = running(people=1, steps=1)
    Mailbox.objects.update(domain_cap=1)
    world.smtp.behaviour = at_rcpt("451 4.7.1 try again later")
    world.tick()
    world.smtp.behaviour = None
    world.later(minutes=31)
    assert world.deliver().sent == 1


def test_says_that_a_domain_has_had_its_share(running):
    world = running(people=5, steps=1)
    for person in world.prospects:
        editing.change_prospect(prospect=person, by=None, email=f"p{person.pk}@big.example")
    Mailbox.objects.update(domain_cap=1)
    planning.plan(now=world.now)
    assert Message.objects.count() == 2  # today and tomorrow
    assert set(Decision.objects.values_list("rule", flat=True)) == {"domain_full"}
