"""Countries whose people get no mail, or only a person's own message."""

import pytest
from django.urls import reverse

from campaigns import audience, enrolling, explaining, gate, lifecycle, planning
from campaigns.models import CountryRule, CountryRuleEvent, Enrollment, Message
from campaigns.rules import ruling
from prospects.models import Prospect
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(running):
    """Two people under way of whom one lives in Canada."""
    world = running(people=2, steps=2)
    Prospect.objects.filter(pk=world.prospects[0].pk).update(country="CA")
    return world


def says(world):
    prospect, campaign = world.prospects[0], world.campaign
    return explaining.explain(prospect=prospect, campaign=campaign, now=world.now).lines[1]


@pytest.mark.parametrize(
    ("rule", "words"), [("never", "nobody of their country"), ("task", "only a person's own message")]
)
def test_nobody_there_gets_a_mail_while_under_way_and_all_of_them_once_it_is_allowed(world, rule, words):
    ruling.set_country(country="Canada", rule=rule, now=world.now)
    assert world.tick().sent == 1
    assert (says(world).verdict, words in says(world).sentence) == ("hold", True)
    held = Enrollment.objects.get(prospect=world.prospects[0])
    assert (held.look_at - world.now).total_seconds() > 80_000
    ruling.set_country(country="CA", rule="allowed", now=world.now)
    assert world.tick().sent == 1
    assert not CountryRule.objects.exists()


@pytest.mark.parametrize("rule", ["never", "task"])
def test_what_is_planned_already_waits(world, rule):
    planning.plan(now=world.now)
    ruling.set_country(country="CA", rule=rule, now=world.now)
    message = Message.objects.get(prospect=world.prospects[0])
    name = {"never": "country_rule", "task": "country_task"}[rule]
    assert gate.refusals(message_ids=[message.pk]) == {message.pk: [name]}
    assert sum(world.tick(hours=4).sent for _ in range(9)) == 2
    assert not Message.objects.filter(prospect=world.prospects[0], state="sent").exists()
    ruling.set_country(country="CA", rule="allowed", now=world.now)
    assert sum(world.tick(hours=4).sent for _ in range(7)) == 1


def test_nobody_is_enrolled_where_nobody_is_written_to_and_the_sum_says_so(world):
    ruling.set_country(country="CA", rule="never", now=world.now)
    ruling.set_country(country="US", rule="task", now=world.now)
    Prospect.objects.filter(pk=world.prospects[1].pk).update(country="US")
    second = factories.campaign(mailbox=world.mailbox, steps=1)
    parts = audience.add_up(campaign=second)
    assert {part.reason: part.count for part in parts.left_out} == {"country": 1, "country-task": 1}
    assert audience.people(campaign=second, reason="country").get() == world.prospects[0]
    assert lifecycle.launch(campaign=second, now=world.now, by=None).enrolled == 1
    assert enrolling.enroll_segment(campaign=second, now=world.now, by=None) == 0


class TestFaces:
    def test_are_set_and_taken_back_on_their_page(self, client_as):
        manager, page = client_as("manager"), reverse("rules-country")
        manager.default_format = "multipart"
        assert "This field is required." in manager.post(page, {"country": "", "rule": "never"}).content.decode()
        assert manager.post(page, {"country": "CA", "rule": "never"}).status_code == 302
        shown = client_as("viewer").get(reverse("rules")).content.decode()
        assert "Canada" in shown
        assert "Set the rule" not in shown
        assert (
            "Canada: Mail is allowed"
            in manager.post(page, {"country": "CA", "rule": "allowed"}, follow=True).content.decode()
        )
        assert CountryRuleEvent.objects.count() == 2
        assert client_as("operator").post(page, {"country": "CA", "rule": "never"}).status_code == 403

    def test_are_set_by_api_all_or_none(self, client_as):
        manager, address = client_as("manager"), reverse("api-country-rules")
        refused = manager.patch(address, {"rules": {"CA": "never", "XX": "task"}}, format="json")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "country")
        assert manager.get(address).json() == {"rules": {}}
        assert manager.patch(address, {"rules": {"CA": "never"}}, format="json").json() == {"rules": {"CA": "never"}}
