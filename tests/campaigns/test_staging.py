from datetime import timedelta

import pytest

from campaigns import counting, labelling, staging
from campaigns.models import Campaign, Event, Message, Reply
from prospects import stages
from prospects.models import Engagement, Prospect, Stage, StageChange
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(running):
    world = running(people=4)
    world.tick()
    counting.recount(now=world.now)
    return world


def count(world, **later):
    world.later(**later)
    return counting.recount(now=world.now)


def stage_of(person):
    return list(Stage.objects.filter(prospect=person).values_list("name", flat=True))


def event(message, kind, at, reply_class=None, **fields):
    made, _ = Event.record_once(
        kind=kind, message=message, occurred_at=at, dedupe_key=f"{Event.objects.count()}", **fields
    )
    if reply_class is not None:
        common = {"prospect_id": message.prospect_id, "message": message, "event": made}
        Reply.objects.create(**common, sender="x@y.example", reply_class=reply_class, received_at=at)
    return made


def message_of(person):
    return Message.objects.filter(prospect=person, state="sent").order_by("-id").first()


def test_moves_people_to_contacted_at_the_first_hand_over(world):
    assert {*Stage.objects.values_list("name", flat=True)} == {"contacted"}
    change = StageChange.objects.filter(prospect=world.prospects[0]).get()
    assert (change.old, change.new, change.changed_by) == ("identified", "contacted", None)
    assert change.changed_at == message_of(world.prospects[0]).handed_over_at
    assert change.program == world.campaign.program


def test_knows_when_people_were_last_written_to(world):
    first = Engagement.objects.get(prospect=world.prospects[0]).contacted_at
    world.tick(days=1, minutes=30)
    count(world)
    assert Engagement.objects.get(prospect=world.prospects[0]).contacted_at > first
    assert StageChange.objects.count() == 4  # the second mail changes no stage


def test_waits_for_a_hand_over_that_takes_long(world):
    slow = Message.objects.filter(prospect=world.prospects[0]).get()
    Engagement.objects.filter(prospect=world.prospects[0]).delete()
    Message.objects.filter(pk=slow.pk).update(state="sending", lease_token=1)
    Engagement.objects.filter(prospect=world.prospects[1]).update(contacted_at=world.now + timedelta(hours=1))
    count(world, hours=1)
    assert not Engagement.objects.filter(prospect=world.prospects[0]).exists()
    Message.objects.filter(pk=slow.pk).update(state="uncertain")
    counting.recount_week(now=world.now)
    assert Engagement.objects.filter(prospect=world.prospects[0]).exists()


@pytest.mark.parametrize(
    ("kind", "reply_class", "fields", "stage"),
    [
        ("replied", "positive", {}, "replied"),
        ("replied", "question", {}, "replied"),
        ("replied", "", {}, "replied"),
        ("replied", "negative", {}, "declined"),
        ("unsubscribed", None, {}, "declined"),
        ("complained", None, {}, "declined"),
        ("bounced", None, {"detail": {"permanent": True}}, "unreachable"),
        ("bounced", None, {"detail": {"permanent": False}}, "contacted"),
        ("auto_replied", None, {}, "contacted"),
        ("clicked", None, {}, "contacted"),
    ],
)
def test_moves_people_by_what_they_do(world, kind, reply_class, fields, stage):
    person = world.prospects[0]
    event(message_of(person), kind, world.now, reply_class, **fields)
    count(world)
    assert stage_of(person) == [stage]
    assert count(world).ran
    assert StageChange.objects.filter(prospect=person).count() == 1 + (stage != "contacted")


def test_reads_a_real_answer(world):
    person = world.prospects[0]
    world.answers(mails.reply(message_of(person), sender=person.email))
    world.later(hours=1).receive()
    count(world)
    assert stage_of(person) == ["replied"]
    assert StageChange.objects.filter(prospect=person).last().why.startswith("answered")


def test_knows_the_last_click_of_a_person_the_last_answer_and_the_bounce(world):
    person, at = world.prospects[0], world.now
    sent = message_of(person)
    event(sent, "clicked", at + timedelta(hours=5), by_machine=True)
    event(sent, "clicked", at + timedelta(hours=2))
    count(world)
    event(sent, "clicked", at + timedelta(hours=1))  # late
    event(sent, "replied", at, "positive")
    event(sent, "bounced", at, detail={"permanent": True})
    event(sent, "bounced", at + timedelta(hours=9), detail={"permanent": False})
    count(world)
    known = Engagement.objects.get(prospect=person)
    assert (known.clicked_at, known.replied_at, known.bounced_at) == (at + timedelta(hours=2), at, at)


def test_leaves_what_a_person_decided(world):
    person, mia = world.prospects[0], factories.UserFactory()
    event(message_of(person), "replied", world.now, "positive")
    moved = {"program": world.campaign.program, "by": mia, "now": world.now + timedelta(minutes=1)}
    stages.move(prospect=person, to="identified", why="a mistake", **moved)
    count(world)
    counting.rebuild(now=world.now)
    assert stage_of(person) == ["identified"]
    event(message_of(person), "replied", world.now + timedelta(hours=1), "question")
    count(world)
    assert stage_of(person) == ["replied"]
    stages.move(prospect=person, to="declined", why="a call", **moved)
    event(message_of(person), "replied", world.now + timedelta(days=2), "positive")
    count(world)
    assert stage_of(person) == ["declined"]


def test_follows_who_reads_an_answer_anew(world):
    mia, answers = factories.UserFactory(), {}
    for person, read_as in zip(world.prospects, ("negative", "positive", "negative", "positive"), strict=True):
        event(message_of(person), "replied", world.now, read_as)
        answers[person] = Reply.objects.get(prospect=person)
    count(world)
    misread, no, said, joined = world.prospects
    moved = {"program": world.campaign.program, "why": "a call", "by": mia, "now": world.now}
    stages.move(prospect=said, to="contacted", **moved)
    stages.move(prospect=said, to="declined", **moved)
    stages.move(prospect=joined, to="joined", **moved)
    for person, label in ((misread, "positive"), (no, "negative"), (said, "positive"), (joined, "negative")):
        labelling.relabel(reply=answers[person], reply_class=label, by=mia, now=world.now)
    assert [stage_of(person) for person in world.prospects] == [["replied"], ["declined"], ["declined"], ["joined"]]
    assert StageChange.objects.filter(prospect=misread).last().changed_by == mia


def test_tells_the_same_when_everything_is_told_anew(world):
    for person, kind in zip(world.prospects, ("replied", "unsubscribed", "clicked", "complained"), strict=True):
        event(message_of(person), kind, world.now)
    count(world)
    told = [list(Stage.objects.order_by("id").values()), list(Engagement.objects.order_by("prospect").values())]
    assert (staging.everything().people, staging.everything().moves) == (0, 0)
    StageChange.objects.all().delete(), Stage.objects.all().delete(), Engagement.objects.all().delete()
    counting.recount(now=world.now)
    plain = [row | {"id": 0} for row in told[0]]
    again = [row | {"id": 0} for row in Stage.objects.order_by("prospect").values()]
    assert again == sorted(plain, key=lambda row: row["prospect_id"])
    assert list(Engagement.objects.order_by("prospect").values()) == told[1]


@pytest.mark.parametrize("kind", ["rehearsal", "demo"])
def test_counts_no_rehearsal_and_no_demo_that_plays_a_real_person(running, kind):
    world = running(people=1)
    world.tick()
    other = {"rehearsal_of": factories.campaign(), "rehearsal_to": "me@x.example"}
    Campaign.objects.filter(pk=world.campaign.pk).update(**(other if kind == "rehearsal" else {"is_demo": True}))
    event(message_of(world.prospects[0]), "replied", world.now, "positive")
    count(world)
    assert not Engagement.objects.exists()
    assert not Stage.objects.exists()
    if kind == "demo":
        Prospect.objects.update(is_demo=True)
        count(world)
        assert Stage.objects.exists()


def test_tells_in_a_fixed_number_of_statements(world, django_assert_num_queries):
    for person in world.prospects:
        event(message_of(person), "replied", world.now)
    with django_assert_num_queries(8):  # four, each of the two writers in a savepoint
        staging.catch_up(since=0, now=world.now)
