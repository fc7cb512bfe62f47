"""The sum of an audience, with those who wait by a rule: it adds up, and foretells the planner."""

from datetime import time, timedelta

import pytest
from django.urls import reverse

from campaigns import audience, drafting, enrolling, lifecycle, planning
from campaigns.models import Enrollment, Message
from campaigns.rules import ruling
from prospects import stages
from prospects.models import Prospect
from tests import factories
from tests.campaigns.building import at

pytestmark = pytest.mark.django_db(transaction=True)


def counts(campaign):
    """The sum, after it was seen to add up and every number to open its people."""
    found = audience.add_up(campaign=campaign)
    assert found.in_segment == found.written + sum(part.count for part in found.left_out)
    opened = {part.reason: set(audience.people(campaign=campaign, reason=part.reason)) for part in found.left_out}
    opened["written"] = set(audience.people(campaign=campaign, reason="written"))
    assert {reason: len(people) for reason, people in opened.items()} == {
        **{part.reason: part.count for part in found.left_out},
        "written": found.written,
    }
    assert len(set().union(*opened.values())) == found.in_segment
    return found.written, {part.reason: part.count for part in found.left_out}


@pytest.fixture
def world(running_now):
    """A campaign that wrote to two colleagues and somebody else, and a draft for all and a newcomer at their site."""
    for name in ("ada", "bob"):
        factories.ProspectFactory(email=f"{name}@tea.example")
    world = running_now(people=1)
    world.tick()
    factories.ProspectFactory(email="new@tea.example")
    world.draft = factories.campaign(mailbox=world.mailbox, steps=1)
    return world


@pytest.mark.parametrize(
    ("ruled", "expected"),
    [
        ({}, (4, {})),
        ({"person_days": 3}, (1, {"touched": 3})),
        ({"site_days": 3}, (1, {"touched": 3})),  # the one who is alone at their site has no colleague
        ({"exclusive": "person"}, (1, {"busy": 3})),
        ({"exclusive": "site"}, (0, {"busy": 4})),
        ({"exclusive": "person", "site_days": 3}, (0, {"busy": 3, "touched": 1})),
    ],
    ids=str,
)
def test_counts_who_waits_by_a_rule_and_the_planner_lets_them_wait(world, ruled, expected):
    ruling.change(now=world.now, **ruled)
    assert counts(world.draft) == expected
    lifecycle.launch(campaign=world.draft, now=world.now, by=None)
    assert Enrollment.objects.filter(campaign=world.draft).count() == 4
    planning.plan(now=world.now + timedelta(seconds=1))
    assert Message.objects.filter(campaign=world.draft).count() == min(expected[0], 4)


def drafted(world, text, **step):
    """A draft whose first mail says this."""
    campaign = factories.campaign(mailbox=world.mailbox, steps=0)
    always = {"window_start": time(0), "window_end": time(0), "weekdays": [1, 2, 3, 4, 5, 6, 7]}
    template = factories.template(text=text + drafting.FOOT)
    lifecycle.add_step(campaign=campaign, template=template, by=None, **always, **step)
    return campaign


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("Hi {{ first_name | default: 'you' }}", set()),
        ("Hi {{ first_name }}", {"cy", "dee"}),
        ("{% if first_name %}Hi {{ first_name }} of {{ company }}{% else %}Hi{% endif %}", {"bea"}),
        ("{% if first_name %}Hi {{ first_name }}{% else %}Hi, {{ company }}{% endif %}", {"dee"}),
    ],
    ids=["default", "plain", "where-it-is-said", "otherwise"],
)
def test_counts_who_lacks_what_the_first_mail_says_and_nothing_is_sent_to_them(running_now, text, lacking):
    known = {"ada": ("Ada", "Tea"), "bea": ("Bea", ""), "cy": ("", "Tea"), "dee": (" ", "")}
    for name, (first_name, company) in known.items():
        factories.ProspectFactory(email=f"{name}@{name}.example", first_name=first_name, company=company)
    world = running_now(people=0)
    campaign = drafted(world, text)
    assert counts(campaign) == (4 - len(lacking), {"lacking": len(lacking)} if lacking else {})
    foretold = set(audience.people(campaign=campaign, reason="written").values_list("email", flat=True))
    assert foretold == {f"{name}@{name}.example" for name in known.keys() - lacking}
    lifecycle.launch(campaign=campaign, now=world.now, by=None)
    for _ in range(3):
        world.tick(hours=1)
    assert set(Message.objects.filter(campaign=campaign, state="sent").values_list("recipient", flat=True)) == foretold
    ended = Enrollment.objects.filter(campaign=campaign, stop_reason="cannot_compose")
    assert set(ended.values_list("prospect__email", flat=True)) == {f"{name}@{name}.example" for name in lacking}
    late = factories.ProspectFactory(first_name="", company="")
    text_needs = "lacking" if lacking and "bea" not in lacking else "written"
    assert list(audience.people(campaign=campaign, reason=text_needs)) == [late]  # also after the launch


def test_lets_a_person_look_at_what_nobody_could_read_and_leaves_out_whom_the_step_is_not_for(world):
    text = "Hi {{ custom.colour }}"
    assert counts(drafted(world, text, needs_approval=True)) == (4, {})
    for_one = {"field": "email", "op": "is", "value": "new@tea.example"}
    assert counts(drafted(world, text, condition=for_one)) == (3, {"lacking": 1})


def test_a_partner_is_left_out_where_joining_is_the_goal(world):
    partner = world.prospects[0]
    stages.move(prospect=partner, program=world.draft.program, to="joined", why="They said so", by=None, now=world.now)
    assert counts(world.draft) == (3, {"partner": 1})
    assert lifecycle.launch(campaign=world.draft, now=world.now, by=None).enrolled == 3
    world.draft.goals = []
    assert enrolling.reachable(campaign=world.draft, prospects=Prospect.objects.all()).count() == 4


def test_of_each_site_one_is_written_to_and_the_others_wait(world):
    type(world.draft).objects.filter(pk=world.draft.pk).update(one_per_site=True)
    world.draft.refresh_from_db()
    assert counts(world.draft) == (2, {"same-site": 2})
    lifecycle.launch(campaign=world.draft, now=world.now, by=None)
    planning.plan(now=world.now + timedelta(seconds=1))
    assert Message.objects.filter(campaign=world.draft).count() == 2
    factories.ProspectFactory(email="late@tea.example")
    assert counts(world.draft) == (0, {"enrolled": 4, "same-site": 1})


def test_is_on_the_page_of_a_launched_campaign_and_in_the_api(world, client_as):
    ruling.change(now=world.now, site_days=3)
    viewer = client_as("viewer")
    page = viewer.get(at("campaign-who", world.campaign)).content.decode()
    assert "are in this campaign already" in page
    listed = reverse("campaign-audience-people", args=[world.campaign.public_id, "enrolled"])
    assert listed in page
    assert "ada@tea.example" in viewer.get(listed).content.decode()
    answer = viewer.get(reverse("api-campaigns-audience", args=[world.campaign.public_id])).json()
    assert (answer["in_segment"], answer["written"]) == (4, 0)
    assert {part["reason"]: part["count"] for part in answer["left_out"]} == {"enrolled": 3, "touched": 1}
