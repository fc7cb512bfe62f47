"""Where people stand whose rows were merged."""

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import elsewhere, merging
from prospects import merging as people
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listed(client):
    """`listed("never")` is by name who the list of that state shows, and where it says that they stand."""
    client.force_login(factories.UserFactory(role="operator"))

    def get(state=""):
        found = client.get(reverse("prospects"), {"state": state}).context
        return {person.first_name: standing.words for person, standing in found["rows"]}

    return get


@pytest.fixture
def world(running):
    """Anna, who lives on as a row that nobody wrote to, and Bo, to whom nobody did."""
    world = running(people=1)
    world.tick()
    world.old = world.prospects[0]
    world.anna = factories.ProspectFactory(first_name="Anna")
    factories.ProspectFactory(first_name="Bo")
    return world


def merge(world):
    people.merge(survivor=world.anna, merged=world.old, by=None, now=world.now)
    merging.apply_waiting()


def test_tells_who_was_written_to_by_a_row_that_was_merged(world, listed):
    merge(world)
    assert listed() == {"Anna": "Written to", "Bo": "Never written to"}
    assert listed("never") == {"Bo": "Never written to"}
    assert listed("written") == {"Anna": "Written to"}
    assert listed("replied") == {}


def test_tells_who_answered_by_a_row_that_was_merged(world, listed):
    elsewhere.answered(prospect=world.old, reply_class="positive", by=None, now=timezone.now())
    merge(world)
    assert listed("replied") == {"Anna": "Answered"}
    assert listed("never") == {"Bo": "Never written to"}
