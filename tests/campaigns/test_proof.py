import json
from html.parser import HTMLParser

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import proof, stopping
from campaigns.models import Decision, Enrollment, Message
from prospects import stages
from prospects.models import PrivacyRecord, Prospect
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def world(running, client):
    world = running(people=1)
    world.person = world.prospects[0]
    world.mia = factories.UserFactory(role="manager", username="mia")
    client.force_login(world.mia)
    world.tick()
    world.sent = Message.objects.get()
    world.answers(mails.reply(world.sent, sender=world.person.email))
    world.later(hours=1).receive()
    return world


def made(client, person, **fields):
    answer = client.post(reverse("prospect-proof", args=[person.public_id]), fields)
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment")
    return answer.content.decode()


def test_tells_exactly_what_was_handed_over_and_why(world, client):
    told = json.loads(made(client, world.person, format="json"))
    message = told["messages"][0]
    assert (message["subject"], message["text"]) == (world.sent.subject, world.sent.text)
    assert message["handed_over_at"] == world.sent.handed_over_at.isoformat().replace("+00:00", "Z")
    assert message["mailbox"] == world.mailbox.from_address
    assert message["smtp_code"] == 250
    assert message["decision"]["rule"] == "due"
    assert message["template_version"]
    assert [event["what"] for event in told["events"]] == ["Replied"]
    assert "tell me more" in told["replies"][0]["text"]
    assert told["campaigns"][0]["ended_because"] == "they answered that they are interested"
    assert told["made_by"] == "mia"


def test_tells_stops_decisions_and_stages_with_who_and_when(world, client):
    common = {"prospect": world.person, "by": world.mia}
    stopping.suppress(kind="address", value=world.person.email, reason="declined", source="a call", **common)
    stages.move(program=world.campaign.program, to="declined", why="a call", now=world.now, **common)
    Decision.objects.create(
        enrollment=Enrollment.objects.get(), step_key="a", verdict="hold", rule="person_held", decided_at=world.now
    )
    told = json.loads(made(client, world.person, format="json"))
    assert [(row["value"], row["source"], row["by"]) for row in told["suppressions"]] == [
        (world.person.email, "a call", "mia")
    ]
    assert [(row["to"], row["why"], row["by"]) for row in told["stages"]] == [("Declined", "a call", "mia")]
    assert told["decisions"][0]["because"] == "this person is on hold"


def test_tells_the_rows_that_were_merged_into_them_too(world, client):
    survivor = factories.ProspectFactory(email="ada@other.example")
    Prospect.objects.filter(pk=world.person.pk).update(person=survivor)
    for subject in (survivor, world.person):
        told = json.loads(made(client, subject, format="json"))
        assert [row["email"] for row in told["people"]] == ["ada@other.example", world.person.email]
        assert told["messages"][0]["recipient"] == world.person.email


def test_keeps_that_it_was_made_and_by_whom(world, client):
    made(client, world.person)
    record = PrivacyRecord.objects.get()
    assert (record.action, record.subject, record.recorded_by) == ("proved", world.person.public_id, world.mia)


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_is_one_page_that_loads_and_runs_nothing(world, client):
    Message.objects.update(subject=HOSTILE, text=HOSTILE, html=f'<img src="https://evil.example/x">{HOSTILE}')
    Prospect.objects.filter(pk=world.person.pk).update(first_name=HOSTILE, source=HOSTILE)
    text = made(client, world.person)
    page = Tags(text)
    assert not page.tags & {"script", "img", "link", "iframe", "a", "form", "object"}
    assert not page.attributes & {"src", "href", "onerror", "style"}
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 5
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text


def test_leaves_rehearsals_out(world, client):
    other = factories.campaign()
    type(world.campaign).objects.filter(pk=world.campaign.pk).update(rehearsal_of=other, rehearsal_to="me@x.example")
    told = json.loads(made(client, world.person, format="json"))
    assert (told["messages"], told["events"], told["replies"], told["campaigns"]) == ([], [], [], [])


def test_asks_the_same_number_of_queries_however_much_there_is(running, django_assert_num_queries):
    world = running(people=1)
    for days in range(3):
        world.tick(days=days)
        with django_assert_num_queries(9):
            proof.collect(prospect=world.prospects[0])


def test_is_for_managers(world, client, client_as):
    client.force_login(factories.UserFactory(role="operator"))
    address = reverse("prospect-proof", args=[world.person.public_id])
    assert client.post(address).status_code == 403
    through_api = reverse("api-prospects-proof", args=[world.person.public_id])
    assert client_as("operator").post(through_api).status_code == 403
    answer = client_as("manager").post(through_api)
    assert answer.json()["messages"][0]["subject"] == world.sent.subject
    assert answer.json()["made_at"][:10] == timezone.now().date().isoformat()
