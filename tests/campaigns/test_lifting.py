"""Saying no to a person and taking a mistake back, on their page."""

import pytest
from django.urls import reverse

from campaigns import stopping
from campaigns.models import Enrollment, Message
from prospects.models import Note, Prospect, Suppression
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(running, client):
    world = running(people=1)
    world.person = world.prospects[0]
    client.force_login(factories.UserFactory(role="manager", username="mia"))
    return world


@pytest.fixture
def page(client):
    def get(route, subject):
        return client.get(reverse(route, args=[subject.public_id])).content.decode()

    return get


@pytest.fixture
def do(client):
    def post(route, subject, **fields):
        return client.post(reverse(route, args=[subject.public_id]), fields, follow=True).content.decode()

    return post


def test_offers_one_clear_way_to_say_never_and_one_folded_away(world, page):
    shown = page("prospect", world.person)
    assert f"Never write to {world.person.first_name or 'them'} again" in shown
    assert shown.index(reverse("prospect-stop", args=[world.person.public_id])) < shown.index("Only one address?")
    assert "any other they may get here" in page("prospect-stop", world.person)
    asked = page("prospect-suppress", world.person)
    assert "they can be written to there" in asked
    assert "does not come back" in asked


def test_lifts_what_was_said_by_mistake(world, page, do):
    stopping.suppress(kind="address", value=world.person.email, reason="manual")
    stopping.stop_person(prospect=world.person, reason="rude")
    assert "1 person" in page("prospect-lift", world.person)
    assert "required" in do("prospect-lift", world.person)
    assert "may be written to again" in do("prospect-lift", world.person, note="Mixed her up")
    person = Prospect.objects.get(pk=world.person.pk)
    assert (person.stopped_at, person.stop_reason, Suppression.objects.count()) == (None, "", 0)
    assert any("Mixed her up" in note.text and "rude" in note.text for note in Note.objects.filter(prospect=person))
    assert {note.created_by.username for note in Note.objects.filter(prospect=person)} == {"mia"}
    assert Enrollment.objects.get().state == "stopped"
    assert "Nothing stops" in do("prospect-lift", world.person, note="again")


def test_says_why_a_person_stays_stopped(world, page, do):
    world.tick()
    stopping.unsubscribe(message=Message.objects.get(), source="page", now=world.now)
    stopping.stop_person(prospect=world.person, reason="rude")
    shown = page("prospect", world.person)
    assert "They unsubscribed themselves" in shown
    assert reverse("prospect-lift", args=[world.person.public_id]) not in shown
    assert "Only they can take that back" in do("prospect-lift", world.person, note="please")
    assert Prospect.objects.get(pk=world.person.pk).stopped_at


def test_lets_an_operator_say_no_but_not_take_it_back(world, client, page):
    stopping.stop_person(prospect=world.person, reason="rude")
    client.force_login(factories.UserFactory(role="operator"))
    assert "a manager can lift it" in page("prospect", world.person)
    address = reverse("prospect-lift", args=[world.person.public_id])
    assert client.post(address, {"note": "x"}).status_code == 403
