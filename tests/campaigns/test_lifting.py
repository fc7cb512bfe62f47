"""Saying no to a person and taking a mistake back, on their page."""

import pytest
from django.urls import reverse

from campaigns import lifting, planning, stopping
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
    assert {str(note.created_by) for note in Note.objects.filter(prospect=person)} == {
        "mia",
        "None",
    }  # None: the stop itself
    assert Enrollment.objects.get().state == "stopped"
    assert "Nothing stops" in do("prospect-lift", world.person, note="again")


def test_puts_back_whom_a_lifted_stop_took_out_before_the_first_mail(world, page, do):
    planning.plan(now=world.now)  # a message is planned, and the stop cancels it
    stopping.stop_person(prospect=world.person, reason="rude")
    assert "Put them back" not in page("prospect", world.person)
    assert "put them back into" in do("prospect-lift", world.person, note="Mixed her up")
    assert "Put them back" in page("prospect", world.person)
    back = do("prospect-re-enter", world.person, campaign=world.campaign.public_id)
    assert "is back in" in back
    assert "Never to be written to again" in back  # what was is still told
    assert Enrollment.objects.get().state == "active"
    assert "can&#x27;t be put back" in do("prospect-re-enter", world.person, campaign=world.campaign.public_id)
    Enrollment.objects.update(due_at=world.now, look_at=world.now)  # pages live by the wall clock
    world.tick()
    world.tick()
    assert [mail.recipient for mail in world.smtp.received] == [world.person.email]
    message = Message.objects.get(state="sent")
    assert (message.step.position, message.cancel_reason) == (1, "")


def test_puts_nobody_back_who_got_a_mail_or_is_stopped(world, page, do):
    stopping.stop_person(prospect=world.person, reason="rude")
    assert "can&#x27;t be put back" in do("prospect-re-enter", world.person, campaign=world.campaign.public_id)
    do("prospect-lift", world.person, note="Mixed her up")
    do("prospect-re-enter", world.person, campaign=world.campaign.public_id)
    Enrollment.objects.update(due_at=world.now, look_at=world.now)  # pages live by the wall clock
    world.tick()
    stopping.stop_person(prospect=world.person, reason="rude")
    assert "Put them back" not in do("prospect-lift", world.person, note="Again")
    assert "can&#x27;t be put back" in do("prospect-re-enter", world.person, campaign=world.campaign.public_id)
    assert Enrollment.objects.get().state == "stopped"
    assert len(world.smtp.received) == 1


def test_enrols_by_the_menu_only_where_somebody_can_enter(world, client):
    act = reverse("prospects-act")
    one = {"action": "enrol", "id": str(world.person.public_id)}
    assert "is in every launched campaign already" in client.post(act, one, follow=True).content.decode()
    stopping.stop_person(prospect=world.person, reason="rude")
    assert "must not be written to" in client.post(act, one, follow=True).content.decode()
    lifting.lift_person(prospect=world.person, note="Mixed up", by=None)
    asked = client.post(act, one, follow=True).content.decode()
    assert "Choose a campaign" in asked
    assert str(world.campaign) in asked
    sure = {**one, "sure": "1", "campaign": str(world.campaign.public_id)}
    assert "1 person enrolled" in client.post(act, sure, follow=True).content.decode()
    other = factories.ProspectFactory(email="", x_handle="nobody")
    assert "has no address" in client.post(act, {**one, "id": str(other.public_id)}, follow=True).content.decode()


def test_says_in_vain_without_a_tick_and_why(world, client):
    free, taken = factories.ProspectFactory(), world.person
    two = {"action": "enrol", "id": [str(free.public_id), str(taken.public_id)], "sure": "1"}
    stopping.stop_person(prospect=free, reason="rude")
    told = client.post(
        reverse("prospects-act"), {**two, "campaign": str(world.campaign.public_id)}, follow=True
    ).content.decode()
    assert "1 in it already, 1 not to be written to" in told or "is in every launched campaign" in told
    assert "notice success" not in told


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
