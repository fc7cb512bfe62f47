"""How often people and sites are written to, by all campaigns together: kept apart, waited for, and explained."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from campaigns import elsewhere, explaining, gate, lifecycle, planning, soon
from campaigns.models import Enrollment, Message, TouchRules, TouchRulesEvent
from campaigns.rules import ruling, waking
from campaigns.rules.touching import Apart, Touches, Whom
from prospects.models import Site
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
BEGIN = datetime(2026, 3, 4, tzinfo=UTC)


def ruled(world, **fields):
    return ruling.change(now=world.now, **fields)


def another(world, **options):
    """A second campaign to everybody, from the same mailbox."""
    campaign = factories.campaign(mailbox=world.mailbox, **options)
    lifecycle.launch(campaign=campaign, now=world.now, by=None)
    return campaign


def drive(world, *, days):
    world.days(days)


def sent(**where):
    return list(Message.objects.filter(state="sent", **where).order_by("handed_over_at"))


def gaps(messages):
    times = [message.handed_over_at for message in messages]
    return [later - earlier for earlier, later in pairwise(times)]


def line(world, prospect, campaign, number=1):
    return explaining.explain(prospect=prospect, campaign=campaign, now=world.now).lines[number]


@pytest.fixture
def colleagues(running):
    """A campaign with three people of one site and one of another."""

    def launch(**options):
        for name in ("ada", "bob", "cy"):
            factories.ProspectFactory(email=f"{name}@tea.example", first_name=name)
        world = running(**{"people": 1, "steps": 1, **options})
        world.site = Site.objects.get(domain="tea.example")
        return world

    return launch


class TestDaysBetweenTouches:
    def test_a_person_gets_no_two_mails_closer_than_the_rule_from_whatever_campaign(self, running):
        world = running(people=2, steps=2)
        another(world, steps=2)
        ruled(world, person_days=3)
        drive(world, days=12)
        for prospect in world.prospects:
            mine = sent(prospect=prospect)
            assert len(mine) == 4
            assert min(gaps(mine)) >= 3 * DAY

    def test_without_a_rule_they_get_them_at_once(self, running):
        world = running(people=1, steps=1)
        another(world, steps=1)
        drive(world, days=1)
        assert gaps(sent()) < [DAY]

    def test_people_of_one_site_are_written_to_days_apart_and_others_at_once(self, colleagues):
        world = colleagues()
        ruled(world, site_days=2)
        drive(world, days=6)
        there = sent(prospect__site=world.site)
        assert len(there) == 3
        assert min(gaps(there)) >= 2 * DAY
        assert sent()[1].handed_over_at < sent()[0].handed_over_at + timedelta(hours=1)

    def test_a_person_follows_up_whatever_the_rule_for_their_site(self, running):
        world = running(people=1, steps=2)
        ruled(world, site_days=30)
        drive(world, days=2)
        assert len(sent()) == 2

    def test_says_until_when_they_wait(self, running):
        world = running(people=1, steps=1)
        second = another(world, steps=1)
        ruled(world, person_days=10)
        world.tick()
        said = line(world, world.prospects[0], second)
        assert said.verdict == "wait"
        assert "your rules keep mails to a person apart" in said.sentence
        look_at = Enrollment.objects.get(campaign=second).look_at
        assert world.now + 8 * DAY < look_at < world.now + 10 * DAY

    def test_what_is_planned_when_a_rule_is_set_moves_away(self, colleagues):
        world = colleagues()
        planning.plan(now=world.now)
        ruled(world, site_days=2)
        drive(world, days=6)
        there = sent(prospect__site=world.site)
        assert len(there) == 3
        assert min(gaps(there)) >= 2 * DAY

    def test_the_gate_refuses_what_came_too_close_and_it_moves_behind(self, running):
        world = running(people=1, steps=1)
        another(world, steps=1)
        planning.plan(now=world.now)
        first, second = Message.objects.order_by("send_at", "id")
        begun = world.now - timedelta(hours=1)
        Message.objects.filter(pk=first.pk).update(state="sent", marked_at=begun, handed_over_at=begun)
        assert gate.refusals(message_ids=[second.pk]) == {second.pk: []}
        ruled(world, person_days=2)
        assert gate.refusals(message_ids=[second.pk]) == {second.pk: ["touched_lately"]}
        soon.postpone(message_ids=[second.pk])
        second.refresh_from_db()
        assert second.send_at == begun + 2 * DAY
        assert gate.refusals(message_ids=[second.pk]) == {second.pk: []}

    def test_a_rehearsal_touches_nobody(self, running):
        world = running(people=1, steps=1)
        planning.plan(now=world.now)
        real = world.campaign
        other = factories.campaign(mailbox=world.mailbox, steps=1)
        Message.objects.update(state="sent", marked_at=world.now, handed_over_at=world.now)
        type(real).objects.filter(pk=real.pk).update(rehearsal_of=other, rehearsal_to="me@outreach.example")
        ruled(world, person_days=5)
        lifecycle.launch(campaign=other, now=world.now, by=None)
        world.tick()
        assert Message.objects.filter(campaign=other, state="sent").count() == 1


class TestOneCampaignAtATime:
    def test_a_person_waits_until_the_first_campaign_has_ended(self, running):
        world = running(people=1, steps=2)
        ruled(world, exclusive="person")
        second = another(world, steps=1)
        world.tick()
        held = line(world, world.prospects[0], second)
        assert (held.verdict, held.values["campaign"]) == ("hold", world.campaign.name)
        drive(world, days=3)
        assert [message.campaign_id for message in sent()] == [world.campaign.pk] * 2 + [second.pk]

    def test_it_is_not_looked_at_every_few_minutes_and_woken_when_the_way_ends(self, running):
        world = running(people=1, steps=2)
        ruled(world, exclusive="person")
        second = another(world, steps=1)
        world.tick()
        way = Enrollment.objects.get(campaign=second)
        assert way.look_at >= world.now + DAY
        assert waking.wake_freed(now=world.now) == 0
        drive(world, days=1)
        assert Enrollment.objects.get(campaign=world.campaign).state == "finished"
        assert waking.wake_freed(now=world.now) == 1
        assert waking.wake_freed(now=world.now) == 0
        world.tick()
        assert sent()[-1].campaign_id == second.pk

    def test_a_site_is_in_one_campaign_at_a_time(self, colleagues):
        world = colleagues(steps=2)
        second = another(world, steps=1)
        ruled(world, exclusive="site")
        world.tick()
        elsewhere = Enrollment.objects.filter(campaign=second, prospect__site=world.site)
        assert {way.look_at >= world.now + DAY for way in elsewhere} == {True}
        drive(world, days=4)
        last_of_first = sent(campaign=world.campaign, prospect__site=world.site)[-1]
        first_of_second = sent(campaign=second, prospect__site=world.site)[0]
        assert len(sent(campaign=second)) == 4
        assert first_of_second.handed_over_at > last_of_first.handed_over_at

    def test_of_two_that_have_begun_the_earlier_goes_on(self, running):
        world = running(people=1, steps=2)
        another(world, steps=2)
        world.tick()
        assert len(sent()) == 2
        ruled(world, exclusive="person")
        drive(world, days=4)
        assert sent()[2].campaign_id == world.campaign.pk
        assert len(sent()) == 4

    def test_what_is_planned_already_waits_too(self, running):
        world = running(people=1, steps=2)
        second = another(world, steps=1)
        planning.plan(now=world.now)
        ruled(world, exclusive="person")
        message = Message.objects.get(campaign=second)
        assert gate.refusals(message_ids=[message.pk]) == {message.pk: ["busy_elsewhere"]}
        drive(world, days=4)
        assert [message.campaign_id for message in sent()] == [world.campaign.pk] * 2 + [second.pk]


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["by-mail", "elsewhere"])
class TestAnAnswerOfAColleague:
    @pytest.fixture
    def answered(self, is_elsewhere):
        def answer(world):
            world.tick()
            there = sent(prospect__site=world.site)
            if is_elsewhere:
                elsewhere.answered(prospect=there[0].prospect, reply_class="question", by=None, now=world.now)
            else:
                world.answers(mails.reply(there[0], sender=there[0].recipient))
            world.tick(hours=1)
            return there

        return answer

    def test_changes_nothing_without_a_rule(self, colleagues, answered):
        world = colleagues(steps=2)
        there = answered(world)
        drive(world, days=2)
        assert [len(sent(prospect=message.prospect)) for message in there] == [1, 2, 2]

    def test_stops_the_others_of_the_site_and_nobody_else(self, colleagues, answered):
        world = colleagues(steps=2)
        ruled(world, site_reply="stop")
        there = answered(world)
        drive(world, days=2)
        assert [len(sent(prospect=message.prospect)) for message in there] == [1, 1, 1]
        reasons = Enrollment.objects.filter(prospect__site=world.site).order_by("stop_reason")
        assert [way.stop_reason for way in reasons][:2] == ["colleague_answered"] * 2
        assert len(sent(prospect=world.prospects[0])) == 2
        assert "somebody of their site answered" in line(world, there[1].prospect, world.campaign, 0).sentence

    def test_lets_the_others_wait_for_some_days(self, colleagues, answered):
        world = colleagues(steps=2)
        ruled(world, site_reply="hold", site_reply_days=5)
        there = answered(world)
        answered_at = Site.objects.get(pk=world.site.pk).answered_at
        drive(world, days=3)
        assert [len(sent(prospect=message.prospect)) for message in there] == [1, 1, 1]
        drive(world, days=4)
        assert [len(sent(prospect=message.prospect)) for message in there] == [1, 2, 2]
        assert sent(prospect__site=world.site)[-2].handed_over_at >= answered_at + 5 * DAY


@given(
    person=st.integers(0, 5),
    site=st.integers(0, 5),
    wishes=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 400)), max_size=30),
)
def test_never_lets_two_touches_come_closer_than_the_rule(person, site, wishes):
    apart = Apart(person=person * DAY, site=site * DAY)
    touches, taken = Touches(apart), []
    for who, hour in wishes:
        wished = BEGIN + timedelta(hours=hour)
        at, rule = touches.free_from(Whom(who, 1), wished)
        assert at >= wished
        assert (at == wished) == (rule == "")
        touches.take(Whom(who, 1), at)
        taken.append((who, at))
    for number, (who, at) in enumerate(taken):
        for other, then in taken[:number]:
            assert abs(at - then) >= (apart.person if who == other else apart.site)


class TestFaces:
    def test_are_set_on_their_page_by_a_manager_and_read_by_anybody(self, client_as):
        manager, viewer = client_as("manager"), client_as("viewer")
        manager.default_format = "multipart"
        page = reverse("rules")
        said = {"person_days": 4, "site_days": 2, "exclusive": "site", "site_reply": "hold", "site_reply_days": 0}
        assert "At least one day." in manager.post(page, said).content.decode()
        assert manager.post(page, {**said, "site_reply_days": 7}).status_code == 302
        assert "Each site in one campaign at a time" in viewer.get(page).content.decode()
        assert TouchRules.objects.values_list("person_days", "site_reply_days").get() == (4, 7)
        assert TouchRulesEvent.objects.count() >= 1
        assert page in viewer.get(reverse("settings")).content.decode()

    def test_are_set_by_api(self, client_as):
        manager, address = client_as("manager"), reverse("api-touch-rules")
        assert manager.get(address).json()["exclusive"] == "none"
        assert manager.patch(address, {"person_days": 3}, format="json").json()["person_days"] == 3
        refused = manager.patch(address, {"site_days": 999}, format="json")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "site_days")
        assert client_as("operator").patch(address, {"person_days": 0}, format="json").status_code == 403

    def test_are_set_in_the_back_office(self, client):
        client.force_login(factories.UserFactory(role="manager", is_staff=True))
        ruling.change(now=BEGIN, person_days=1)
        address = reverse("admin:campaigns_touchrules_change", args=[1])
        said = {"person_days": 6, "site_days": 0, "exclusive": "none", "site_reply": "nothing", "site_reply_days": 14}
        assert client.post(address, said).status_code == 302
        assert ruling.current().person_days == 6
