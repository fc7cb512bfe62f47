"""A campaign's own limit of a day, over all its mailboxes, and the turns that campaigns of one mailbox take."""

from collections import Counter

import pytest

from campaigns import explaining, lifecycle, planning
from campaigns.models import Campaign, Decision, Enrollment, Message
from integrations.models import Mailbox
from outreach.demo.smtp_server import Stage
from prospects.models import Prospect
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def begun_a_day(campaign):
    begun = Message.objects.filter(campaign=campaign, handed_over_at__isnull=False)
    return sorted(Counter(at.date() for at in begun.values_list("handed_over_at", flat=True)).items())


def limit(campaign, most):
    Campaign.objects.filter(pk=campaign.pk).update(daily_limit=most)


def beside(world, people, **options):
    """Another running campaign from the same mailbox, for so many other people."""
    known = list(Prospect.objects.values_list("pk", flat=True))
    made = [factories.ProspectFactory() for _ in range(people)]
    campaign = factories.campaign(mailbox=world.mailbox, steps=1, **options)
    lifecycle.launch(campaign=campaign, now=world.now, by=None)
    Enrollment.objects.filter(campaign=campaign, prospect__in=known).delete()
    assert Enrollment.objects.filter(campaign=campaign).count() == len(made)
    return campaign


def test_sends_no_more_a_day_than_the_campaign_may_follow_ups_included(running):
    world = running(people=7, steps=2)
    limit(world.campaign, 3)
    world.days(12)
    assert len(world.smtp.received) == 14
    days = begun_a_day(world.campaign)
    assert max(count for _, count in days) == 3
    assert [count for _, count in days[:2]] == [3, 3]


def test_a_full_campaign_takes_no_turn_from_another_of_the_same_mailbox(running):
    world = running(people=8, steps=1)
    other = beside(world, 4)
    limit(world.campaign, 1)
    Mailbox.objects.update(daily_cap=3)
    planning.plan(now=world.now)
    planned = Counter(Message.objects.values_list("campaign", flat=True))
    assert planned == {world.campaign.pk: 2, other.pk: 4}  # today and tomorrow
    looked_at = Enrollment.objects.filter(campaign=world.campaign, look_at__gt=world.now)
    assert not looked_at.exists()  # nobody looks at those for whom there is no room
    assert not Decision.objects.exists()


def test_campaigns_of_one_mailbox_take_turns(running):
    world = running(people=10, steps=1)
    other = beside(world, 3)
    Mailbox.objects.update(daily_cap=4)
    planning.plan(now=world.now)
    first = list(Message.objects.order_by("send_at", "id").values_list("campaign", flat=True))
    assert first == [world.campaign.pk, other.pk] * 3 + [world.campaign.pk] * 2


def test_follow_ups_come_before_new_people_of_any_campaign(running):
    world = running(people=3, steps=2)
    world.tick()
    assert len(world.smtp.received) == 3
    other = beside(world, 5)
    world.later(days=2)
    Enrollment.objects.filter(campaign=world.campaign).update(look_at=world.now, due_at=world.now)
    Mailbox.objects.update(daily_cap=2)
    planning.plan(now=world.now)
    planned = Message.objects.filter(state="planned").order_by("send_at", "id")
    assert [message.is_follow_up for message in planned] == [True, True, True, False]
    assert planned.last().campaign_id == other.pk


def test_people_of_a_paused_campaign_are_not_looked_at(running):
    world = running(people=4, steps=1)
    lifecycle.pause(campaign=world.campaign, by=None)
    assert planning.plan(now=world.now).held == 0
    assert set(Enrollment.objects.values_list("look_at", flat=True)) == {world.now}
    lifecycle.resume(campaign=world.campaign, by=None)
    assert planning.plan(now=world.now).messages == 4


def test_the_mailboxes_of_a_limited_campaign_share_its_day(running, smtp, imap):
    world = running(people=12, steps=1)
    second = factories.mailbox_on(smtp, imap, verified_at=world.now)
    theirs = list(Enrollment.objects.order_by("id").values_list("pk", flat=True)[:6])
    Enrollment.objects.filter(pk__in=theirs).update(mailbox=second)
    limit(world.campaign, 4)
    planning.plan(now=world.now)
    assert Message.objects.count() == 8
    assert Counter(Message.objects.values_list("mailbox", flat=True)) == {world.mailbox.pk: 4, second.pk: 4}


def test_a_retry_is_no_way_around_the_limit(running):
    world = running(people=4, steps=1)
    limit(world.campaign, 2)
    world.smtp.behaviour = lambda recipient, message, stage: "451 4.7.1 later" if stage is Stage.RCPT else None
    world.tick(hours=11, minutes=50)  # ten minutes before midnight, and tomorrow is full
    world.smtp.behaviour = None
    assert sorted(Message.objects.values_list("attempts", flat=True)) == [0, 0, 1, 1]
    world.days(3.5)
    assert len(world.smtp.received) == 4
    assert {count for _, count in begun_a_day(world.campaign)} == {2}


def test_a_retry_on_the_same_day_does_not_count_itself(running):
    world = running(people=1, steps=1)
    limit(world.campaign, 1)
    world.smtp.behaviour = lambda recipient, message, stage: "451 4.7.1 later" if stage is Stage.RCPT else None
    world.tick()
    world.smtp.behaviour = None
    assert world.later(minutes=31).deliver().sent == 1


def test_what_could_not_leave_on_its_day_takes_of_the_next_ones(running):
    """A mailbox that was paused over midnight: yesterday's wait, and today's limit holds for both."""
    world = running(people=9, steps=1)
    limit(world.campaign, 3)
    planning.plan(now=world.now)
    assert Message.objects.count() == 6
    world.mailbox.pause(reason="a test")
    world.days(1)
    world.mailbox.resume()
    world.days(3.5)
    assert len(world.smtp.received) == 9
    assert [count for _, count in begun_a_day(world.campaign)] == [3, 3, 3]


def test_says_that_the_campaign_has_had_its_day(running):
    world = running(people=5, steps=1)
    limit(world.campaign, 1)
    planning.plan(now=world.now)
    waiting = Enrollment.objects.filter(look_at__isnull=False).first()
    line = explaining.explain(prospect=waiting.prospect, campaign=world.campaign, now=world.now).lines[1]
    assert "the campaign has used up what it may send a day" in line.sentence
    assert line.values["rule"] == "campaign_full"
