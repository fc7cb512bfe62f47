"""Taking one person out of one campaign, by page and API; they stay in the others, also after a restore."""

import pytest
from django.urls import reverse

from campaigns import lifecycle, planning, replaying
from campaigns.models import Enrollment, Message
from prospects.models import Note
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(running):
    """Two people in two campaigns of two steps each."""
    world = running(people=2, steps=2)
    world.other = factories.campaign(mailbox=world.mailbox, steps=2)
    lifecycle.launch(campaign=world.other, now=world.now, by=None)
    world.ada, world.bob = world.prospects
    return world


@pytest.fixture
def do(client):
    """What a button does, its question answered; and the page that comes then."""
    client.force_login(factories.UserFactory(role="operator", username="mia"))

    def post(route, person, **fields):
        return client.post(reverse(route, args=[person.public_id]), fields, follow=True).content.decode()

    return post


def states(campaign):
    return list(Enrollment.objects.filter(campaign=campaign).order_by("prospect").values_list("state", flat=True))


def test_asks_first_and_ends_this_one_way_only(world, do, client):
    planning.plan(now=world.now)
    this = {"campaign": world.campaign.public_id}
    why = client.get(reverse("prospect-why", args=[world.ada.public_id, world.campaign.public_id])).content.decode()
    assert "Take out of this campaign" in why
    assert "other campaigns go on" in do("prospect-take-out", world.ada, **this)
    assert states(world.campaign) == ["active", "active"]
    assert f"is out of {world.campaign}" in do("prospect-take-out", world.ada, sure=1, **this)
    assert (states(world.campaign), states(world.other)) == (["stopped", "active"], ["active", "active"])
    assert Note.objects.get(prospect=world.ada).created_by.username == "mia"
    world.days(5)
    assert sorted(Message.objects.filter(prospect=world.ada).values_list("campaign", "state")) == [
        (world.campaign.pk, "cancelled"),
        *[(world.other.pk, "sent")] * 2,
    ]
    why = client.get(reverse("prospect-why", args=[world.ada.public_id, world.campaign.public_id])).content.decode()
    assert "somebody here took them out of this campaign" in why
    assert "Take out of this campaign" not in why
    assert "is not under way" in do("prospect-take-out", world.ada, sure=1, **this)


def test_whoever_got_no_mail_of_it_can_be_put_back_and_others_can_not(world, do, client):
    do("prospect-take-out", world.ada, sure=1, campaign=world.campaign.public_id)
    assert "Put them back" in client.get(reverse("prospect", args=[world.ada.public_id])).content.decode()
    do("prospect-re-enter", world.ada, campaign=world.campaign.public_id)
    assert states(world.campaign) == ["active", "active"]
    world.days(1)
    do("prospect-take-out", world.bob, sure=1, campaign=world.campaign.public_id)
    assert "can&#x27;t be put back" in do("prospect-re-enter", world.bob, campaign=world.campaign.public_id)


def test_by_api_with_the_right_to_do_so(world, client_as):
    way = Enrollment.objects.get(campaign=world.campaign, prospect=world.bob)
    answer = client_as("operator").post(reverse("api-enrollments-take-out", args=[way.public_id]))
    assert (answer.status_code, answer.json()["stop_reason"]) == (200, "taken_out")
    assert (states(world.campaign), states(world.other)) == (["active", "stopped"], ["active", "active"])
    assert client_as("viewer").post(reverse("api-enrollments-take-out", args=[way.public_id])).status_code == 403


def test_a_restore_does_not_bring_them_back(world, do):
    do("prospect-take-out", world.ada, sure=1, campaign=world.campaign.public_id)
    Enrollment.objects.update(state="active", stop_reason="", ended_at=None)
    assert replaying.replay(since=None) == 1
    assert (states(world.campaign), states(world.other)) == (["stopped", "active"], ["active", "active"])
    assert replaying.replay(since=None) == 0
