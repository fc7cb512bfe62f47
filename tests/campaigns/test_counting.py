"""The counted numbers against a count by hand, whatever happened before."""

from collections import Counter
from datetime import UTC, timedelta

import pytest
from django.db import connection, connections

from campaigns import counting, lifecycle, reconciling, stopping
from campaigns.models import Campaign, CampaignCount, CountCursor, DailyCount, Enrollment, Event, Message, Reply
from outreach.demo.smtp_server import Manner, Stage
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = ("sent", "refused", "uncertain", "bounced", "complained", "clicked", "replied", "positive", "unsubscribed")


def stored():
    rows = DailyCount.objects.values("campaign_id", "step_key", "day", *COLUMNS)
    return {
        (row["campaign_id"], row["step_key"], row["day"], column): row[column]
        for row in rows
        for column in COLUMNS
        if row[column]
    }


def by_hand():
    """The same numbers, row by row."""
    found = Counter()
    states = {"sent": "sent", "refused": "refused", "uncertain": "uncertain", "abandoned": "uncertain"}
    for message in Message.objects.filter(campaign__rehearsal_of=None, state__in=states, handed_over_at__isnull=False):
        day = message.handed_over_at.astimezone(UTC).date()
        found[message.campaign_id, message.step_key, day, states[message.state]] += 1
    seen, yes = set(), set(Reply.objects.filter(reply_class="positive").values_list("event_id", flat=True))
    for event in Event.objects.filter(message__campaign__rehearsal_of=None).order_by("occurred_at", "id"):
        for column in _columns_of(event, yes):
            if (event.message_id, column) not in seen:
                seen.add((event.message_id, column))
                day, message = event.occurred_at.astimezone(UTC).date(), event.message
                found[message.campaign_id, message.step_key, day, column] += 1
    return dict(found)


def _columns_of(event, yes):
    if event.kind in ("complained", "unsubscribed"):
        return [event.kind]
    if event.kind == "replied":
        return ["replied", *(["positive"] if event.pk in yes else [])]
    if event.kind == "clicked" and not event.by_machine:
        return ["clicked"]
    return ["bounced"] if event.kind == "bounced" and event.detail.get("permanent") else []


def silence_after_the_dot(recipient, message, stage):
    return Manner.CLOSE if stage is Stage.DOT else None


def event(message, kind, at, **fields):
    number = Event.objects.count()
    made, _ = Event.record_once(kind=kind, message=message, occurred_at=at, dedupe_key=f"{number}", **fields)
    return made


def answer(message, at, reply_class="positive"):
    return Reply.objects.create(
        prospect=message.prospect,
        message=message,
        event=event(message, "replied", at),
        sender=message.recipient,
        reply_class=reply_class,
        received_at=at,
    )


@pytest.fixture
def lively(running):
    """Eight people, two steps out, and something of everything that can come back."""
    world = running(people=8)
    world.tick()
    counting.recount(now=world.now)
    world.tick(days=1, minutes=30)
    messages = list(Message.objects.filter(state="sent").order_by("id"))
    at = world.now
    event(messages[0], "clicked", at, by_machine=True)
    event(messages[0], "clicked", at + timedelta(hours=1))
    event(messages[0], "clicked", at - timedelta(days=1))
    event(messages[1], "bounced", at, detail={"permanent": False})
    event(messages[1], "bounced", at + timedelta(days=1), detail={"permanent": True})
    event(messages[2], "complained", at)
    event(messages[3], "unsubscribed", at - timedelta(days=40))
    answer(messages[4], at, "question")
    answer(messages[4], at + timedelta(days=2))
    answer(messages[5], at)
    world.messages = messages
    return world


def test_counts_what_a_count_by_hand_finds(lively):
    counting.recount(now=lively.now)
    assert stored() == by_hand()
    assert sum(n for (*_, column), n in stored().items() if column == "sent") == 16


def test_changes_nothing_when_it_runs_twice(lively):
    counting.recount(now=lively.now)
    first, ids = stored(), set(DailyCount.objects.values_list("id", flat=True))
    counting.recount(now=lively.now)
    counting.recount_week(now=lively.now)
    assert (stored(), set(DailyCount.objects.values_list("id", flat=True))) == (first, ids)


def test_finds_the_same_from_nothing(lively):
    counting.recount(now=lively.now)
    first = stored()
    DailyCount.objects.all().delete()
    CountCursor.objects.all().delete()
    CampaignCount.objects.all().delete()
    counting.recount(now=lively.now)
    assert stored() == first
    DailyCount.objects.update(sent=99)
    DailyCount.objects.create(campaign=lively.campaign, step_key="gone", day="2020-01-01", clicked=7)
    counting.rebuild(now=lively.now)
    assert stored() == first


def test_moves_a_click_to_its_day_when_an_earlier_one_is_told_late(lively):
    counting.recount(now=lively.now)
    for back in (3, 30, 2):
        event(lively.messages[6], "clicked", lively.now - timedelta(days=back))
        counting.recount(now=lively.now)
        assert stored() == by_hand()


def test_sees_an_old_hand_over_that_an_answer_proves(running, smtp):
    smtp.behaviour = silence_after_the_dot
    world = running()
    world.tick()
    message = Message.objects.get()
    counting.recount(now=world.now)
    assert DailyCount.objects.get().uncertain == 1
    world.answers(mails.reply(message, sender=message.recipient))
    world.later(days=20).receive()
    counting.recount(now=world.now)
    assert stored() == by_hand()
    assert sorted(DailyCount.objects.values_list("sent", "uncertain", "replied")) == [(1, 0, 1)]


def test_sees_within_the_week_what_a_person_decided(running, smtp):
    smtp.behaviour = silence_after_the_dot
    world = running()
    world.tick()
    counting.recount(now=world.now)
    reconciling.decide(message=Message.objects.get(), sent=True, note="", by=None)
    counting.recount_week(now=world.now + timedelta(days=4))
    assert stored() == by_hand() == {(*next(iter(stored()))[:3], "sent"): 1}


def test_counts_no_rehearsal(running):
    world = running(people=2)
    world.tick()
    Campaign.objects.filter(pk=world.campaign.pk).update(rehearsal_of=factories.campaign(), rehearsal_to="me@x.example")
    world.campaign.refresh_from_db()
    CampaignCount.objects.all().delete()  # from the launch
    counting.recount(now=world.now)
    counting.recount_campaign(campaign=world.campaign, now=world.now)
    assert not DailyCount.objects.exists()
    assert not CampaignCount.objects.exists()


def test_says_where_people_stand(running):
    world = running(people=5)
    counting.recount_campaign(campaign=world.campaign, now=world.now)
    count = CampaignCount.objects.get()
    assert (count.enrolled, count.active, count.not_begun, count.finished, count.stopped) == (5, 5, 5, 0, {})
    world.tick()
    stopping.stop_enrollments(prospect=world.prospects[0], reason="replied")
    stopping.stop_person(prospect=world.prospects[1], reason="asked by phone")
    Enrollment.objects.filter(prospect=world.prospects[2]).update(state="finished", look_at=None)
    counting.recount(now=world.now)
    count.refresh_from_db()
    assert (count.enrolled, count.active, count.not_begun, count.finished) == (5, 2, 0, 1)
    assert count.stopped == {"replied": 1, "person_stopped": 1}
    assert count.counted_at == world.now


def test_counts_the_planned_messages(running):
    world = running(people=3)
    world.tick()
    world.tick(days=0)
    counting.recount(now=world.now)
    assert CampaignCount.objects.get().planned == Message.objects.filter(state="planned").count()


def test_counts_no_draft_and_a_campaign_that_was_archived_once(running):
    world = running()
    factories.campaign()
    lifecycle.pause(campaign=world.campaign, by=None)
    Campaign.objects.filter(pk=world.campaign.pk).update(state="archived")
    counting.recount(now=world.now)
    assert list(CampaignCount.objects.values_list("campaign_id", flat=True)) == [world.campaign.pk]


def test_counts_huge_campaigns_in_turn(running, now):
    older, newer = running().campaign, running().campaign
    for campaign, age in ((older, 2), (newer, 1)):
        CampaignCount.objects.filter(campaign=campaign).update(
            enrolled=counting.PER_TICK, counted_at=now - timedelta(minutes=age)
        )
    assert counting.recount(now=now).campaigns == 2  # the first run counts everything
    CampaignCount.objects.update(enrolled=counting.PER_TICK)
    CampaignCount.objects.filter(campaign=older).update(counted_at=now - timedelta(minutes=1))
    assert counting.recount(now=now).campaigns == 1
    counts = {count.campaign: count.enrolled for count in CampaignCount.objects.select_related("campaign")}
    assert counts == {older: 1, newer: counting.PER_TICK}


def test_leaves_when_another_one_counts(now):
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [counting.LOCK])
        assert [run(now=now).ran for run in (counting.recount, counting.recount_week, counting.rebuild)] == [False] * 3
    finally:
        other.close()
    assert connection.is_usable()


def test_takes_a_fixed_number_of_statements(lively, django_assert_max_num_queries):
    counting.recount(now=lively.now)
    with django_assert_max_num_queries(17):  # six of them tell prospects the news
        counting.recount(now=lively.now)
