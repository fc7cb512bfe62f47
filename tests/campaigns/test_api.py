"""Campaigns, the ledger and stops over HTTP."""

import pytest
from django.urls import reverse

from campaigns import drafting
from campaigns.models import Campaign, Enrollment, Event, Message, Reply, SendingControl, Step
from prospects.models import Suppression
from tests import factories

CAMPAIGNS = "/api/v1/campaigns/"


@pytest.fixture
def api(client_as):
    return client_as("manager")


@pytest.fixture
def draft(now):
    return factories.campaign(mailbox=factories.MailboxFactory(verified_at=now), steps=2)


def _at(campaign, end=""):
    return f"{CAMPAIGNS}{campaign.public_id}/{end}"


def _fields(answer):
    return {error["field"] for error in answer.json()["errors"]}


def test_builds_and_launches_a_campaign_by_requests_alone(api, now):
    factories.ProspectFactory()
    parts = {
        "program": str(factories.ProgramFactory().public_id),
        "segment": str(factories.SegmentFactory().public_id),
        "mailbox": str(factories.MailboxFactory(verified_at=now).public_id),
    }
    made = api.post(CAMPAIGNS, {"name": "Spring", "time_zone": "Europe/Berlin", **parts})
    assert made.status_code == 201, made.content
    assert {name: made.json()[name] for name in parts} == parts
    address = f"{CAMPAIGNS}{made.json()['id']}/"
    for delay, subject in ((0, "Hello"), (3, "")):
        template = str(factories.template(subject=subject).public_id)
        step = api.post(f"{address}steps/", {"template": template, "delay": delay, "delay_unit": "business_days"})
        assert step.status_code == 201, step.content
        assert step.json()["template"] == template
    assert [step["position"] for step in api.get(f"{address}steps/").json()["results"]] == [1, 2]
    assert api.get(f"{address}preflight/").json() == {"ready": True, "problems": [], "warnings": []}
    assert api.post(f"{address}launch/").json() == {"enrolled": 1}
    assert api.get(address).json()["state"] == "running"


def test_names_what_a_campaign_lacks(api):
    answer = api.post(CAMPAIGNS, {"name": "X", "program": "nonsense", "segment": None})
    assert answer.status_code == 400
    assert _fields(answer) == {"program", "segment", "mailbox"}


def test_says_everything_that_keeps_a_campaign_from_its_launch(api):
    campaign = factories.campaign(program=factories.ProgramFactory(postal_address=""), steps=0)
    expected = {"mailbox", "program", "steps", "segment"}
    report = api.get(_at(campaign, "preflight/")).json()
    assert report["ready"] is False
    assert {problem["field"] for problem in report["problems"]} == expected
    refused = api.post(_at(campaign, "launch/"))
    assert 400 <= refused.status_code < 500
    assert _fields(refused) == expected
    assert Campaign.objects.get().state == "draft"


def test_warns_of_whom_a_step_can_not_be_said_to(api, draft):
    factories.ProspectFactory(first_name="")
    content = drafting.contents(campaign=draft)[0]
    drafting.save_text(step=content.step, subject="Hi", text="Hi {{ first_name }}" + drafting.FOOT)
    report = api.get(_at(draft, "preflight/")).json()
    [warning] = report["warnings"]
    assert (warning["field"], warning["people"]) == ("steps[1]", 1)
    assert "has no first name, which step 1 needs" in warning["message"]


def test_changes_a_draft_and_nothing_that_was_launched(api, draft):
    factories.ProspectFactory()
    assert api.patch(_at(draft), {"name": "Other"}).json()["name"] == "Other"
    step = api.get(_at(draft, "steps/")).json()["results"][1]["id"]
    assert api.delete(_at(draft, f"steps/{step}/")).status_code == 204
    api.post(_at(draft, "launch/"))
    remaining = api.get(_at(draft, "steps/")).json()["results"][0]["id"]
    for answer in (
        api.patch(_at(draft), {"name": "Third"}),
        api.delete(_at(draft, f"steps/{remaining}/")),
        api.post(_at(draft, "steps/"), {"template": str(factories.template().public_id)}),
    ):
        assert answer.status_code == 409, answer.content
    assert Step.objects.count() == 1


def test_refuses_a_step_that_can_not_be(api, draft):
    template = str(factories.template().public_id)
    answer = api.post(_at(draft, "steps/"), {"template": template, "window_start": "17:00", "window_end": "09:00"})
    assert _fields(answer) == {"window_end"}


def test_pauses_and_resumes(api, draft):
    factories.ProspectFactory()
    api.post(_at(draft, "launch/"))
    paused = api.post(_at(draft, "pause/"), {"reason": "holidays"}).json()
    assert (paused["state"], paused["state_reason"]) == ("paused", "holidays")
    assert api.post(_at(draft, "resume/")).json()["state"] == "running"


def test_enrolls_people_by_name_or_by_segment_once(api, draft):
    first = factories.ProspectFactory(country="DE")
    api.post(_at(draft, "launch/"))
    second, third = factories.ProspectFactory(country="FR"), factories.ProspectFactory(country="IT")
    rule = {"all": [{"field": "country", "op": "is", "value": "IT"}]}
    segment = factories.SegmentFactory(filter=rule)
    ids = [str(first.public_id), str(second.public_id)]
    assert api.post(_at(draft, "enroll/"), {"prospects": ids}).json() == {"enrolled": 1}
    assert api.post(_at(draft, "enroll/"), {"segment": str(segment.public_id)}).json() == {"enrolled": 1}
    assert set(Enrollment.objects.values_list("prospect", flat=True)) == {first.pk, second.pk, third.pk}


@pytest.mark.parametrize("body", [{}, {"prospects": []}, {"prospects": ["00000000-0000-0000-0000-000000000007"]}])
def test_refuses_to_enroll_nobody(api, draft, body):
    assert api.post(_at(draft, "enroll/"), body).status_code == 400


def test_previews_a_template_as_a_person(api, draft):
    template = factories.template(subject="Hello {{ first_name }}")
    address = f"/api/v1/templates/{template.public_id}/preview/"
    who = {"program": str(draft.program.public_id), "mailbox": str(draft.mailbox.public_id)}
    ada, nobody = factories.ProspectFactory(first_name="Ada"), factories.ProspectFactory(first_name="")
    shown = api.post(address, {"prospect": str(ada.public_id), **who})
    assert shown.json()["subject"] == "Hello Ada", shown.content
    refused = api.post(address, {"prospect": str(nobody.public_id), **who})
    assert refused.status_code == 400
    assert "first_name" in refused.json()["detail"]


def test_explains_a_person_in_a_campaign(api, draft):
    prospect = factories.ProspectFactory()
    api.post(_at(draft, "launch/"))
    answer = api.get(_at(draft, f"prospects/{prospect.public_id}/explanation/"))
    assert answer.status_code == 200, answer.content
    assert answer.json()["enrolled"] is True
    assert all(line["sentence"] for line in answer.json()["lines"])


def test_suppresses_an_address_and_says_whether_that_is_new(api, draft):
    prospect = factories.ProspectFactory(email="ada@site.example")
    api.post(_at(draft, "launch/"))
    body = {"kind": "address", "value": "ADA@site.example", "source": "telephone"}
    assert [api.post("/api/v1/suppressions/", body).status_code for _ in range(2)] == [201, 200]
    assert Enrollment.objects.get(prospect=prospect).state == "stopped"
    found = api.get("/api/v1/suppressions/?email=ada%2Bnews@site.example").json()["results"]
    assert [row["source"] for row in found] == ["telephone"]
    assert api.delete(f"/api/v1/suppressions/{found[0]['id']}/").status_code == 405


def test_refuses_to_suppress_nonsense(api):
    answer = api.post("/api/v1/suppressions/", {"kind": "address", "value": "nonsense"})
    assert answer.status_code == 400
    assert not Suppression.objects.exists()


def test_stops_all_sending_and_resumes(api):
    assert api.get("/api/v1/sending/").json()["stopped"] is False
    stopped = api.post("/api/v1/sending/stop-all/", {"reason": "wrong price"}).json()
    assert (stopped["stopped"], stopped["reason"]) == (True, "wrong price")
    assert SendingControl.objects.get().stopped_at
    assert api.post("/api/v1/sending/resume-all/").json()["stopped"] is False


REPLY = """From: {sender}\r\nTo: {to}\r\nSubject: Re: Hello\r\nMessage-ID: <answer@site.example>\r
In-Reply-To: {message_id}\r\nDate: Wed, 04 Mar 2026 12:00:00 +0000\r\n\r\nYes, tell me more!\r\n"""


@pytest.fixture
def told(running):
    """Three people were written to; the first one answered."""
    world = running(people=3)
    world.tick()
    first = Message.objects.order_by("id").first()
    raw = REPLY.format(sender=first.recipient, to=world.mailbox.from_address, message_id=first.message_id)
    world.answers(raw.encode())
    world.tick(minutes=1)
    return world


@pytest.mark.django_db(transaction=True)
def test_tells_what_was_sent_and_what_came_back(told, api):
    campaign = told.campaign.public_id
    messages = api.get(f"/api/v1/messages/?campaign={campaign}&state=sent").json()["results"]
    assert len(messages) == 3
    assert "text" not in messages[0]
    one = api.get(f"/api/v1/messages/{messages[0]['id']}/").json()
    stored = Message.objects.get(public_id=one["id"])
    assert (one["subject"], one["text"], one["why"]) == (stored.subject, stored.text, stored.why)
    assert one["text"]
    assert api.get("/api/v1/messages/?sent_before=2026-01-01T00:00:00Z").json()["results"] == []

    [event] = api.get(f"/api/v1/events/?campaign={campaign}&kind=replied").json()["results"]
    prospect = event["prospect"]
    [reply] = api.get(f"/api/v1/replies/?prospect={prospect}&read=false").json()["results"]
    assert "tell me more" in reply["text"]
    ways = api.get(f"/api/v1/enrollments/?campaign={campaign}&state=finished").json()["results"]
    assert [way["prospect"] for way in ways if way["stop_reason"] == "positive_reply"] == [prospect]

    address = f"/api/v1/replies/{reply['id']}/"
    assert api.patch(address, {"text": "No!"}).status_code == 400
    assert api.patch(address, {"read": True}).json()["read_at"]
    assert api.get("/api/v1/replies/?read=false").json()["results"] == []
    corrected = api.patch(address, {"reply_class": "negative"}).json()
    assert (corrected["reply_class"], corrected["machine_class"]) == ("negative", "positive")
    assert corrected["relabelled_at"]
    assert api.patch(address, {"reply_class": "angry"}).status_code == 400
    assert api.patch(address, {"read": False}).json()["read_at"] is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("route", "model"),
    [
        ("api-enrollments-list", Enrollment),
        ("api-messages-list", Message),
        ("api-events-list", Event),
        ("api-replies-list", Reply),
    ],
)
def test_lists_the_ledger_in_a_fixed_number_of_queries(told, api, django_assert_num_queries, route, model):
    with django_assert_num_queries(3):  # session, user, rows with the ids of what they point to
        rows = api.get(reverse(route)).json()["results"]
    assert len(rows) == model.objects.count() > 0


@pytest.mark.parametrize(("route", "more"), [("api-campaigns-list", 1), ("api-suppressions-list", 0)])
def test_lists_in_a_fixed_number_of_queries(api, django_assert_num_queries, route, more):
    for number in range(3):
        factories.campaign(steps=0)
        api.post("/api/v1/suppressions/", {"kind": "domain", "value": f"site{number}.example"})
    with django_assert_num_queries(3 + more):  # session, user, rows with what they point to; further mailboxes
        assert len(api.get(reverse(route)).json()["results"]) == 3


def test_lists_steps_in_a_fixed_number_of_queries(api, draft, django_assert_num_queries):
    with django_assert_num_queries(8):  # session, user, campaign, version, steps, arms, versions, templates
        assert len(api.get(reverse("api-steps-list", args=[draft.public_id])).json()["results"]) == 2
