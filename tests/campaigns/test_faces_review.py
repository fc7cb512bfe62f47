"""What a hostile look at the pages and rehearsals found, so that it stays mended."""

import pytest
from django.urls import reverse

from campaigns import rehearsing, stopping
from campaigns.models import Message, SendingControl
from outreach.demo import leaving
from prospects.models import Prospect, Suppression
from tests import factories
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_refuses_a_rehearsal_to_somebody_who_is_never_written_to_again(running):
    world = running(people=2)
    played, reader = world.prospects
    stopping.stop_person(prospect=reader, reason="said no")
    with pytest.raises(rehearsing.CannotRehearse) as refused:
        rehearsing.start(campaign=world.campaign, prospects=[played], to=reader.email, now=world.now, by=None)
    assert [problem.field for problem in refused.value.problems] == ["to"]


def test_stops_a_rehearsal_whose_reader_says_no_meanwhile(running):
    world = running(people=2)
    world.tick()
    before = len(world.smtp.received)
    played, reader = world.prospects
    factories.UserFactory(email=reader.email)  # a colleague who is in the list
    rehearsing.start(campaign=world.campaign, prospects=[played], to=reader.email.upper(), now=world.now, by=None)
    stopping.stop_person(prospect=reader, reason="said no")
    world.tick(minutes=1)
    assert len(world.smtp.received) == before


def test_keeps_what_somebody_suppressed_by_hand_when_the_demo_world_goes(manager):
    factories.ProspectFactory(is_demo=True, email="tried.out@gmail.com")
    factories.ProspectFactory(is_demo=True, email="invented@demo.example")
    stopping.suppress(kind="address", value="tried.out@gmail.com", reason="manual", by=manager)
    stopping.suppress(kind="address", value="invented@demo.example", reason="bounced")
    leaving.leave(by=manager)
    assert Suppression.objects.get().value == "tried.out@gmail.com"


@pytest.mark.parametrize(
    ("method", "route", "said"),
    [
        ("get", "campaign-edit", {"who": "a\0b"}),
        ("get", "campaign-people", {"standing": "a\0b"}),
        ("post", "message-settle", {"sent": "yes", "note": "a\0b"}),
        ("post", "mailbox-pause", {"reason": "a\0b"}),
        ("post", "sending-stop", {"reason": "a\0b"}),
    ],
)
def test_takes_text_that_postgresql_cannot_store(now, client_as, method, route, said):
    world = World(now)
    Message.objects.filter(pk=world.message.pk).update(state="uncertain", marked_at=now)
    address = world.address(route) if route != "sending-stop" else reverse(route)
    answer = getattr(client_as("manager"), method)(address, said, format="multipart" if method == "post" else None)
    assert answer.status_code in (200, 302)
    assert route != "sending-stop" or SendingControl.objects.get().stop_reason == "ab"


@pytest.mark.parametrize("place", ["9" * 20, "9" * 5000, "-1", "²"])
def test_answers_400_for_a_place_that_no_list_has(client_as, place):
    assert client_as("viewer").get(reverse("prospects"), {"before": place}).status_code == 400


def test_shows_a_person_whose_time_zone_no_longer_exists(client_as):
    person = factories.ProspectFactory()
    Prospect.objects.filter(pk=person.pk).update(time_zone="Atlantis/Capital")
    assert client_as("viewer").get(reverse("prospect", args=[person.public_id])).status_code == 200
