"""Editing a running sequence on its pages and over HTTP."""

import pytest
from django.urls import reverse

from campaigns import drafting, explaining, lifecycle, revising
from campaigns.models import Enrollment, Message, Step
from tests import factories
from tests.campaigns.building import at, fields_of, form
from tests.campaigns.revising_stories import edit, named, publish, sequence, text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign(now):
    factories.ProspectFactory()
    made = sequence("ABC", mailbox=factories.MailboxFactory(verified_at=now))
    lifecycle.launch(campaign=made, now=now, by=None)
    made.refresh_from_db()
    return made


@pytest.fixture
def operator(client_as):
    client = client_as("operator")
    client.default_format = "multipart"
    return client


def page(client, route, campaign):
    return client.get(at(route, campaign)).content.decode()


def test_writes_looks_and_publishes_on_pages(operator, campaign):
    assert at("campaign-revise", campaign) in page(operator, "campaign", campaign)
    assert operator.get(at("campaign-edit", campaign)).url == at("campaign", campaign)
    assert operator.get(at("campaign-changes", campaign)).url == at("campaign", campaign)
    begun = operator.post(at("campaign-revise", campaign))
    assert begun.url == at("campaign-edit", campaign)
    assert "version 1 goes on" in page(operator, "campaign-edit", campaign)
    assert "Nothing is changed yet" in page(operator, "campaign-changes", campaign)
    step = named(campaign)["B"]
    form(operator, at("step-save", campaign, step.public_id), fields_of(step, subject="", text=text("Better")))
    operator.post(at("step-remove", campaign, named(campaign)["C"].public_id))
    said = page(operator, "campaign-changes", campaign)
    for words in ("<ins>[step Better]</ins>", "<del>[step B]</del>", "Removed", "Not written to yet", "Other time"):
        assert words in said, words
    answer = operator.get(at("campaign-changes", campaign))
    posted = {"audience": "everybody", "seen": answer.context["form"]["seen"].value()}
    done = form(operator, at("campaign-changes", campaign), posted)
    assert done.url == at("campaign", campaign)
    assert "Version 2 of the sequence runs. 1 person went on in it." in page(operator, "campaign", campaign)
    history = page(operator, "campaign-versions", campaign)
    assert "1 person went on in it." in history
    assert "what the campaign was launched with" in history
    assert campaign.live_version().number == 2


def test_shows_what_somebody_else_wrote_meanwhile_instead_of_publishing_it(operator, campaign):
    edit(campaign, "AB")
    seen = revising.look(campaign=campaign).seen
    edit(campaign, "ABX")
    answer = form(operator, at("campaign-changes", campaign), {"audience": "everybody", "seen": seen})
    said = answer.content.decode()
    assert "Somebody went on writing since you looked" in said
    assert "[step X]" in said
    assert campaign.live_version().number == 1
    seen = answer.context["form"]["seen"].value()
    form(operator, at("campaign-changes", campaign), {"audience": "new_people", "seen": seen})
    assert campaign.live_version().audience == "new_people"


def test_names_what_keeps_it_from_being_published(operator, campaign):
    revising.begin(campaign=campaign, by=None)
    step = named(campaign)["B"]
    form(operator, at("step-save", campaign, step.public_id), fields_of(step, subject="", text="Bare"))
    said = page(operator, "campaign-changes", campaign)
    assert "There is no unsubscribe link in the text" in said
    assert "Publish version 2" not in said


def test_throws_it_away_after_asking(operator, campaign):
    edit(campaign, "A")
    assert "Throw away this new version?" in page(operator, "campaign-discard", campaign)
    operator.post(at("campaign-discard", campaign))
    assert revising.draft(campaign=campaign) is None
    assert Step.objects.count() == 3


def test_writes_and_publishes_by_requests_alone(client_as, campaign):
    api = client_as("operator")
    versions = reverse("api-versions-list", args=[campaign.public_id])
    steps = reverse("api-steps-list", args=[campaign.public_id])
    assert api.post(versions).json()["number"] == 2
    template = str(factories.template(text=text("X"), subject="").public_id)
    assert api.post(steps, {"template": template, "delay": 2, "delay_unit": "days"}).status_code == 201
    second = reverse("api-versions-detail", args=[campaign.public_id, 2])
    said = api.get(f"{second}changes/").json()
    assert [(change["position"], change["kinds"]) for change in said["changes"]] == [(4, ["added"])]
    assert said["groups"] == [{"people": 1, "version": 1, "position": 1, "becomes": "goes_on", "next_position": 1}]
    stale = api.post(f"{second}publish/", {"seen": "x" * 32})
    assert (stale.status_code, stale.json()["title"]) == (409, "It was changed meanwhile")
    done = api.post(f"{second}publish/", {"seen": said["seen"]})
    assert (done.status_code, done.json()["counts"], done.json()["behind"]) == (200, {"goes_on": 1}, 0)
    assert api.post(f"{second}publish/").status_code == 409
    assert api.delete(second).status_code == 409
    assert api.get(f"{second}changes/").json()["changes"] == said["changes"]
    assert [version["number"] for version in api.get(versions).json()["results"]] == [2, 1]
    assert api.post(versions).json()["number"] == 3
    assert api.delete(reverse("api-versions-detail", args=[campaign.public_id, 3])).status_code == 204


def test_lists_versions_with_as_many_queries_however_many_there_are(
    client_as, campaign, now, django_assert_num_queries
):
    api = client_as("viewer")
    for number, names in enumerate(("AB", "ABX", "ABXY"), start=2):
        edit(campaign, names)
        publish(campaign, now=now)
        with django_assert_num_queries(8):  # session, user, campaign, versions, steps, arms, what they say, templates
            address = reverse("api-versions-list", args=[campaign.public_id])
            assert len(api.get(address).json()["results"]) == number


def test_explains_by_the_version_that_somebody_is_on(running):
    world = running(people=1, steps=2)
    world.tick()
    campaign = world.campaign
    revising.begin(campaign=campaign, by=None)
    steps = list(campaign.current_version().steps.order_by("position"))

    drafting.add_step(campaign=campaign, subject="Before", text=text("X"), position=1, by=None)
    drafting.remove_step(step=Step.objects.get(pk=steps[0].pk))
    publish(campaign, now=world.now)
    said = explaining.explain(prospect=world.prospects[0], campaign=campaign, now=world.now)
    lines = {line.step: (line.verdict, line.sentence) for line in said.lines[1:]}
    assert "in version 2 of the sequence: 1 of 2 steps done" in said.lines[0].sentence
    assert lines[1] == ("passed", "Not sent: when this step came here, they were past its place.")
    assert lines[2][0] in ("send", "wait")
    assert lines[0][1].startswith("A step that was removed since. Sent ")
    assert Message.objects.get().state == "sent"
    assert Enrollment.objects.get().state == "active"
