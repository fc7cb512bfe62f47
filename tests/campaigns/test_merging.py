"""What a merge means for campaigns: nobody gets twice what either row got, and nobody who said no gets anything."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from campaigns import audience, enrolling, explaining, gate, lifecycle, merging, planning, stopping
from campaigns.models import Decision, Enrollment, Message, Reply
from prospects import merging as people
from prospects import suppression
from prospects.models import Merge, Prospect, Site
from tests import factories
from tests.campaigns import mails
from tests.racing import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


def merge(survivor, merged, now):
    made = people.merge(survivor=survivor, merged=merged, by=None, now=now)
    for row in (survivor, merged):
        row.refresh_from_db()
    return made


def state(campaign, prospect):
    way = Enrollment.objects.filter(campaign=campaign, prospect=prospect).first()
    return way and (way.state, way.stop_reason)


def refusals(prospect):
    message = Message.objects.get(prospect=prospect, state="planned")
    return gate.refusals(message_ids=[message.pk])[message.pk]


def sent_to(world):
    return sorted(mail.recipient for mail in world.smtp.received)


def test_nothing_goes_to_either_until_it_is_applied(running):
    world = running(people=2)
    planning.plan(now=world.now)
    anna, other = world.prospects
    merge(anna, other, world.now)
    assert refusals(anna) == ["merge_waiting"]
    assert set(refusals(other)) == {"merged_away", "merge_waiting"}
    world.deliver()
    assert not world.smtp.received
    assert merging.apply_waiting() == 1
    world.tick()
    assert sent_to(world) == [anna.email]
    assert state(world.campaign, other) == ("stopped", "merged")


def test_the_planner_waits_too_and_says_so(running):
    world = running(people=2)
    anna, other = world.prospects
    merge(anna, other, world.now)
    planning.plan(now=world.now)
    rules = dict(Decision.objects.values_list("enrollment__prospect", "rule"))
    assert rules == {anna.pk: "merge_waiting", other.pk: "merged_away"}
    lines = explaining.explain(prospect=anna, campaign=world.campaign, now=world.now).lines
    assert "two rows of this person are being merged" in lines[1].sentence


@pytest.mark.parametrize("contacted", [0, 1])
def test_ends_the_way_where_either_was_written_to(running, contacted):
    world = running(people=2)
    pair = world.prospects
    Enrollment.objects.filter(prospect=pair[1 - contacted]).update(look_at=world.now + timedelta(days=9))
    world.tick()
    assert sent_to(world) == [pair[contacted].email]
    merge(*pair, world.now)
    merging.apply_waiting()
    assert state(world.campaign, pair[0]) == ("stopped", "merged")
    for _ in range(15):
        world.tick(days=1)
    assert sent_to(world) == [pair[contacted].email]


def test_ends_the_way_where_the_other_was_taken_out(running):
    world = running(people=2)
    anna, other = world.prospects
    stopping.stop_enrollments(prospect=other, reason="replied")
    merge(anna, other, world.now)
    merging.apply_waiting()
    assert state(world.campaign, anna) == ("stopped", "merged")
    assert state(world.campaign, other) == ("stopped", "replied")


def test_goes_on_where_only_the_survivor_is(running):
    world = running(people=1)
    world.tick()
    anna, other = world.prospects[0], factories.ProspectFactory()
    merge(anna, other, world.now)
    merging.apply_waiting()
    assert state(world.campaign, anna) == ("active", "")
    world.tick(days=1)
    assert len(world.smtp.received) == 2


def test_ends_the_way_of_who_is_being_enrolled_where_the_other_was_written_to(running):
    world = running(people=1)
    world.tick()
    other, anna = world.prospects[0], factories.ProspectFactory()
    merge(anna, other, world.now)
    enrol = {"campaign": world.campaign, "prospects": Prospect.objects.filter(pk=anna.pk), "now": world.now, "by": None}
    assert meanwhile(merging.apply_waiting, under_way=lambda: enrolling.enroll(**enrol)) == 1
    assert state(world.campaign, anna) == ("stopped", "merged")
    for _ in range(5):
        world.tick(days=1)
    assert sent_to(world) == [other.email]


def _only(person, world, campaign):
    """The campaign runs, for this person alone."""
    lifecycle.launch(campaign=campaign, now=world.now, by=None)
    Enrollment.objects.filter(campaign=campaign).exclude(prospect=person).delete()


def _answers(person, world, text="Sounds good, tell me more."):
    mail = Message.objects.select_related("mailbox").filter(prospect=person).first()
    world.answers(mails.reply(mail, sender=person.email, text=text))
    world.tick(minutes=5)
    assert Reply.objects.get().prospect == person


@pytest.mark.parametrize("between", [0, 1])
@pytest.mark.parametrize("text", ["No, thank you, I am not interested.", "Sounds good, tell me more."])
def test_an_answer_of_the_other_ends_what_ran_for_the_survivor_then(running, text, between):
    world = running(people=1)
    other, anna, second = world.prospects[0], factories.ProspectFactory(), factories.campaign(mailbox=world.mailbox)
    _only(anna, world, second)
    world.tick()
    _answers(other, world, text)
    before = sent_to(world)
    chain = [other, *(factories.ProspectFactory() for _ in range(between)), anna]
    for merged, survivor in pairwise(chain):
        merge(survivor, merged, world.now)
    merging.apply_waiting()
    assert state(second, anna) == ("stopped", "replied")
    for _ in range(5):
        world.tick(days=1)
    assert sent_to(world) == before


def test_an_answer_of_the_other_ends_nothing_that_the_survivor_entered_since(running):
    world = running(people=1)
    world.tick()
    other = world.prospects[0]
    _answers(other, world)
    anna, later = factories.ProspectFactory(), factories.campaign(mailbox=world.mailbox)
    _only(anna, world, later)
    merge(anna, other, world.now)
    merging.apply_waiting()
    assert state(later, anna) == ("active", "")


def test_the_survivor_is_never_enrolled_as_new_where_the_other_was(running):
    world = running(people=1)
    world.tick()
    other, anna = world.prospects[0], factories.ProspectFactory()
    merge(anna, other, world.now)
    merging.apply_waiting()
    assert state(world.campaign, anna) == ("stopped", "merged")
    assert enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None) == 0
    world.tick(days=20)
    assert len(world.smtp.received) == 1


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    "no",
    [
        lambda row: suppression.suppress(kind="address", value=row.email, reason="unsubscribed"),
        lambda row: Prospect.objects.filter(pk=row.pk).update(stopped_at=timezone.now()),
        lambda row: Site.objects.filter(pk=row.site_id).update(stopped_at=timezone.now()),
    ],
)
def test_a_no_of_either_ends_everything(running, no, which):
    world = running(people=1)
    pair = world.prospects[0], factories.ProspectFactory()
    planning.plan(now=world.now)
    no(pair[which])
    made = merge(*pair, world.now)
    merging.apply_waiting()
    assert state(world.campaign, pair[0])[0] == "stopped"
    people.undo(merge=made, by=None, now=world.now)
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    for _ in range(3):
        world.tick(days=1)
    assert not world.smtp.received


def test_applies_chains_in_their_order(running):
    world = running(people=1)
    world.tick()
    first, second, third = world.prospects[0], factories.ProspectFactory(), factories.ProspectFactory()
    merge(second, first, world.now)
    merge(third, second, world.now)
    assert merging.apply_waiting() == 2
    assert state(world.campaign, third) == ("stopped", "merged")


def test_does_nothing_for_a_merge_that_was_undone(running):
    world = running(people=2)
    anna, other = world.prospects
    people.undo(merge=merge(anna, other, world.now), by=None, now=world.now)
    assert merging.apply_waiting() == 0
    world.tick()
    assert len(world.smtp.received) == 2


def test_is_harmless_twice(running):
    world = running(people=2)
    merge(*world.prospects, world.now)
    assert [merging.apply(merge_id=Merge.objects.get().pk) for _ in range(2)] == [True, False]


def test_an_answer_to_the_tombstone_stops_the_survivor(running):
    world = running(people=2)
    anna, other = world.prospects
    merge(anna, other, world.now)
    merging.apply_waiting()
    stopping.stop_enrollments(prospect=other, reason="replied")
    assert state(world.campaign, anna) == ("stopped", "replied")


@pytest.mark.parametrize("of_the_site", [False, True])
def test_holds_who_is_protected_and_names_whom_to_ask(running, of_the_site, manager):
    world = running(people=1)
    person = world.prospects[0]
    planning.plan(now=world.now)
    Prospect.objects.filter(pk=person.pk).update(owner=manager)
    if of_the_site:
        Site.objects.filter(pk=person.site_id).update(protected_at=world.now)
    else:
        Prospect.objects.filter(pk=person.pk).update(protected_at=world.now)
    assert refusals(person) == ["protected"]
    world.deliver()
    assert not world.smtp.received
    assert audience.add_up(campaign=factories.campaign(mailbox=world.mailbox)).left_out[0].reason == "protected"
    late = factories.ProspectFactory()
    Prospect.objects.filter(pk=late.pk).update(owner=manager, protected_at=world.now)
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    planning.plan(now=world.now)
    decision = Decision.objects.get(enrollment__prospect=late)
    assert (decision.verdict, decision.rule, decision.values) == (
        "hold",
        "protected",
        {"reason": f"{manager} decides"},
    )


def test_waits_two_weeks_after_a_touch_by_other_means(running):
    world = running(people=1)
    touched = world.now - timedelta(days=3)
    Prospect.objects.filter(pk=world.prospects[0].pk).update(contacted_elsewhere_at=touched)
    world.tick()
    decision = Decision.objects.get()
    assert (decision.verdict, decision.rule) == ("wait", "contacted_lately")
    for _ in range(10):
        world.tick(days=1)
    assert not world.smtp.received
    world.tick(days=1)
    assert len(world.smtp.received) == 1
    Prospect.objects.update(contacted_elsewhere_at=world.now)
    world.tick(days=1)
    assert len(world.smtp.received) == 2  # a follow-up goes on


def test_a_planned_first_message_is_put_off_when_a_touch_becomes_known(running):
    world = running(people=1)
    planning.plan(now=world.now)
    Prospect.objects.update(contacted_elsewhere_at=world.now - timedelta(days=1))
    assert refusals(world.prospects[0]) == ["contacted_lately"]
    world.deliver()
    assert not world.smtp.received
    planning.plan(now=world.now)
    message = Message.objects.get()
    assert message.send_at - world.now >= timedelta(days=13)
    assert (message.send_at - world.now).days % 7 == 0
    assert refusals(world.prospects[0]) == []


def test_the_audience_says_who_was_written_to_lately():
    person = factories.ProspectFactory()
    Prospect.objects.filter(pk=person.pk).update(contacted_elsewhere_at=timezone.now() - timedelta(days=2))
    found = audience.add_up(campaign=factories.campaign())
    assert [(part.reason, part.count) for part in found.left_out] == [("lately", 1)]
    assert "written to lately by other means" in found.left_out[0].words
