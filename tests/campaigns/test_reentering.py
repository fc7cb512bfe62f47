"""Putting many people back into a campaign at once, on the list of people."""

import pytest
from django.urls import reverse

from campaigns import planning, reentering, stopping
from campaigns.models import Enrollment, Message
from prospects.models import Prospect
from tests import factories
from tests.campaigns.measuring import rows_passed

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrol(client):
    client.force_login(factories.UserFactory(role="operator"))

    def post(people, campaign):
        ids = [str(person.public_id) for person in people]
        said = {"action": "enrol", "campaign": campaign.public_id, "id": ids, "sure": "1"}
        return client.post(reverse("prospects-act"), said, follow=True).content.decode()

    return post


def _stopped_and_lifted(person):
    stopping.stop_person(prospect=person, reason="by mistake")
    Prospect.objects.filter(pk=person.pk).update(stopped_at=None, stop_reason="")


def test_puts_back_whom_nobody_wrote_to_by_any_of_their_rows(running, enrol):
    world = running(people=3)
    planning.plan(now=world.now)
    anna, berta, merged = world.prospects
    _stopped_and_lifted(anna)
    _stopped_and_lifted(berta)
    Message.objects.filter(prospect=merged).update(state="sent", marked_at=world.now, handed_over_at=world.now)
    Prospect.objects.filter(pk=merged.pk).update(person=berta)
    assert "1 person enrolled" in enrol([anna, berta], world.campaign)
    states = dict(Enrollment.objects.values_list("prospect", "state"))
    assert (states[anna.pk], states[berta.pk]) == ("active", "stopped")


def test_compares_no_way_with_all_mails_of_its_campaign(running):
    many = 100
    world = running(people=2 * many)
    planning.plan(now=world.now)
    sent = Message.objects.filter(prospect__in=[person.pk for person in world.prospects[:many]])
    sent.update(state="sent", marked_at=world.now, handed_over_at=world.now)
    Enrollment.objects.update(state="stopped", stop_reason="person_stopped", look_at=None)
    found = reentering.may_re_enter(campaign=world.campaign)
    assert found.count() == many
    assert rows_passed(found) < many * many
