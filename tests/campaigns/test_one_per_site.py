"""Of each site one person at a time, the best first; the next only when nobody there answered."""

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns import explaining, gate, lifecycle, planning
from campaigns.models import CampaignEvent, Enrollment, Message
from campaigns.rules import waking
from prospects.models import Prospect
from tests import factories
from tests.campaigns import mails
from tests.campaigns.building import at, form

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


@pytest.fixture
def shop(running):
    """Three people of one site, added the least useful first, and somebody of another."""

    def launch(**options):
        factories.ProspectFactory(email="info@tea.example", first_name="Info", last_name="Desk")
        Prospect.objects.update(address_kind=Prospect.AddressKind.ROLE)
        factories.ProspectFactory(email="bob@tea.example", first_name="Bob", last_name="")
        factories.ProspectFactory(email="ada@tea.example", first_name="Ada", last_name="Low")
        return running(**{"people": 1, "steps": 1, "one_per_site": True, **options})

    return launch


def drive(world, *, days):
    for _ in range(days * 6):
        world.tick(hours=4)
        waking.wake_freed(now=world.now)


def written_to(world):
    there = Message.objects.filter(prospect__site__domain="tea.example", state="sent").order_by("handed_over_at")
    return [address.partition("@")[0] for address in there.values_list("recipient", flat=True)]


def test_writes_to_the_best_first_and_to_the_next_when_that_way_has_ended(shop):
    world = shop()
    world.tick()
    assert written_to(world) == ["ada"]
    drive(world, days=3)
    assert written_to(world) == ["ada", "bob", "info"]
    assert Message.objects.filter(state="sent").count() == 4


def test_without_it_everybody_of_a_site_is_written_to(shop):
    world = shop(one_per_site=False)
    world.tick()
    assert len(written_to(world)) == 3


def test_nobody_else_is_written_to_while_one_is_under_way(shop):
    world = shop(steps=3, delay=4)
    drive(world, days=7)
    assert written_to(world) == ["ada", "ada"]
    bob = Prospect.objects.get(email="bob@tea.example")
    said = explaining.explain(prospect=bob, campaign=world.campaign, now=world.now).lines[1]
    assert (said.verdict, "a colleague of theirs comes first" in said.sentence) == ("hold", True)


def test_the_others_get_nothing_once_one_answered_even_after_the_last_mail(shop):
    world = shop()
    world.tick()
    first = Message.objects.get(recipient="ada@tea.example")
    assert Enrollment.objects.get(pk=first.enrollment_id).state == "finished"
    world.answers(mails.reply(first, sender=first.recipient, text="No, thank you.", subject="Re: x"))
    drive(world, days=3)
    assert written_to(world) == ["ada"]
    others = Enrollment.objects.filter(prospect__site__domain="tea.example").exclude(pk=first.enrollment_id)
    assert set(others.values_list("state", "stop_reason")) == {("stopped", "colleague_answered")}


def test_an_address_that_bounces_is_no_answer(shop):
    world = shop()
    no_such_user = {"ada@tea.example": "550 5.1.1 no such user"}
    world.smtp.behaviour = lambda recipient, message, stage: no_such_user.get(recipient)
    drive(world, days=2)
    assert "bob" in written_to(world)


def test_those_who_wait_are_not_looked_at_every_few_minutes(shop):
    world = shop()
    waiting = Enrollment.objects.filter(prospect__email__in=["bob@tea.example", "info@tea.example"])
    assert [way.look_at >= world.now + DAY for way in waiting] == [True, True]
    assert planning.plan(now=world.now + timedelta(seconds=1)).held == 0
    drive(world, days=1)
    assert "bob" in written_to(world)


def test_what_is_planned_when_it_is_set_waits_its_turn(shop):
    world = shop(one_per_site=False)
    planning.plan(now=world.now)
    lifecycle.change_campaign(campaign=world.campaign, now=world.now, one_per_site=True)
    messages = Message.objects.filter(prospect__site__domain="tea.example").order_by("id")
    refused = gate.refusals(message_ids=[message.pk for message in messages])
    assert [refused[message.pk] for message in messages] == [[], ["colleague_first"], ["colleague_first"]]
    drive(world, days=1)
    assert len(written_to(world)) >= 1
    sent = Message.objects.filter(prospect__site__domain="tea.example", state="sent")
    assert len({message.handed_over_at for message in sent}) == len(sent)


def test_all_are_written_to_when_it_is_taken_back(shop):
    world = shop(steps=2, delay=30)
    world.tick()
    assert written_to(world) == ["ada"]
    lifecycle.change_campaign(campaign=world.campaign, now=world.now, one_per_site=False)
    world.tick()
    assert sorted(written_to(world)) == ["ada", "bob", "info"]


class TestFaces:
    def test_a_draft_saves_it_and_a_running_campaign_on_its_page(self, client_as, running):
        operator = client_as("operator")
        draft = factories.campaign(steps=1)
        form(operator, at("campaign-save", draft), {"one_per_site": "on", "live_daily_cap": 7})
        draft.refresh_from_db()
        assert (draft.one_per_site, draft.audience_is_live, draft.live_daily_cap) == (True, False, 7)
        form(operator, at("campaign-save", draft), {"time_zone": "UTC"})
        draft.refresh_from_db()
        assert draft.one_per_site  # another part was saved
        world = running()
        address, who = at("campaign-settings", world.campaign), at("campaign-who", world.campaign)
        seen = operator.get(at("campaign", world.campaign)).content.decode()
        assert address in seen
        assert who in seen
        form(operator, address, {"one_per_site": "on", "live_daily_cap": 9})
        world.campaign.refresh_from_db()
        assert (world.campaign.one_per_site, world.campaign.live_daily_cap) == (True, 9)
        assert CampaignEvent.objects.filter(pgh_obj=world.campaign, live_daily_cap=50).exists()
        assert "one person at a time" in client_as("viewer").get(who).content.decode()

    def test_is_set_by_api(self, client_as, running):
        world, operator = running(), client_as("operator")
        address = reverse("api-campaigns-detail", args=[world.campaign.public_id])
        assert operator.patch(address, {"one_per_site": True}, format="json").json()["one_per_site"] is True
