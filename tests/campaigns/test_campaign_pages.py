"""The list of campaigns and the page of one, through the browser's door."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns import counting, enrolling, lifecycle, planning, stopping
from campaigns.models import Campaign, CampaignCount, DailyCount, Enrollment, Message
from integrations.models import Mailbox
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(running):
    """Four people in a three-step campaign; the first step is out, one answered, all of it counted."""
    world = running(people=4, name="Spring partners")
    world.tick()
    world.first = Message.objects.select_related("mailbox", "prospect").order_by("id").first()
    world.answers(mails.reply(world.first, sender=world.first.recipient))
    world.tick(minutes=30)
    counting.rebuild(now=world.now)
    return world


def address(route, campaign=None):
    return reverse(route, args=[campaign.public_id] if campaign else [])


def text(client, route, campaign=None, query=""):
    answer = client.get(address(route, campaign) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_lists_campaigns_with_progress_rates_and_health(world, client_as):
    page = text(client_as("viewer"), "campaigns")
    assert "Spring partners" in page
    assert "1 of 4" in page
    assert "25 %" in page
    assert "Going out" in page


def test_says_why_a_campaign_does_not_move(world, client_as):
    client = client_as("viewer")
    Mailbox.objects.update(polled_at=None)
    assert "Its mailbox is not being read" in text(client, "campaigns")
    Mailbox.objects.update(status="paused", status_reason="535 the login was refused")
    assert "Mailbox paused: 535 the login was refused" in text(client, "campaigns")
    assert "3 people" in text(client, "campaign", world.campaign)
    lifecycle.pause(campaign=world.campaign, reason="a template is broken", by=None)
    assert "A template is broken" in text(client, "campaigns")


def test_says_when_it_goes_on_though_no_mail_has_a_place_yet(world, client_as):
    Message.objects.filter(state="planned").delete()
    due = timezone.now().replace(hour=12, minute=0) + timedelta(days=3)
    Enrollment.objects.filter(state="active").update(due_at=due, look_at=due - timedelta(days=1))
    client = client_as("viewer")
    page = text(client, "campaign", world.campaign)
    assert page.count("step 2 to 3 people") == 2  # above, and under "Goes out next"
    assert "Step 2 to 3 people comes next" in text(client, "campaigns")
    assert "step 2 to 3 people" in text(client, "today")


def test_says_the_next_day_when_nothing_more_leaves_today(world, client_as):
    client = client_as("viewer")
    Message.objects.filter(state="planned").update(send_at=timezone.now() + timedelta(minutes=1))
    assert "Going out" in text(client, "campaigns")
    Message.objects.filter(state="planned").update(send_at=timezone.now() + timedelta(days=1))
    for route, campaign in (("campaigns", None), ("campaign", world.campaign)):
        page = text(client, route, campaign)
        assert "Going out" not in page
        assert re.search(r"Next: <time [^>]+>tomorrow", page)


def test_says_one_thing_while_all_sending_is_stopped(world, client_as):
    stopping.stop_all(by=None)
    client = client_as("viewer")
    page = text(client, "campaign", world.campaign)
    assert "Running · stopped for now" in page
    assert "Nothing leaves while all sending is stopped." in page
    assert "Running · stopped for now" in text(client, "campaigns")


def test_plans_the_first_mails_just_after_a_launch(world, client_as):
    Message.objects.filter(state="planned").delete()
    Enrollment.objects.update(due_at=None, look_at=None)
    assert "Planning the first mails…" not in text(client_as("viewer"), "campaign", world.campaign)
    Campaign.objects.update(launched_at=timezone.now())
    assert "Planning the first mails…" in text(client_as("viewer"), "campaign", world.campaign)


def test_shows_rehearsals_nowhere(world, client_as):
    rehearsal = factories.campaign(name="Just trying")
    Campaign.objects.filter(pk=rehearsal.pk).update(
        rehearsal_of=world.campaign, rehearsal_to="me@x.example", state="running"
    )
    client = client_as("viewer")
    assert "Just trying" not in text(client, "campaigns")
    assert "Just trying" not in text(client, "today")
    for route in ("campaign", "campaign-live", "campaign-chart", "campaign-people"):
        assert client.get(address(route, rehearsal)).status_code == 404


def test_filters_by_state_and_leaves_the_archived_out(world, client_as):
    draft, gone = factories.campaign(name="Half written"), factories.campaign(name="Long ago")
    lifecycle.archive(campaign=gone, by=None)
    client = client_as("viewer")
    assert draft.name in text(client, "campaigns")
    assert gone.name not in text(client, "campaigns")
    assert draft.name not in text(client, "campaigns", query="?state=running")
    assert gone.name in text(client, "campaigns", query="?state=archived")
    assert "None of them is paused" in text(client, "campaigns", query="?state=paused")


def test_invites_to_the_first_campaign_who_may_make_one(client_as):
    assert address("campaign-new") in text(client_as("operator"), "campaigns")
    page = text(client_as("viewer"), "campaigns")
    assert "No campaign yet" in page
    assert address("campaign-new") not in page


def test_sends_a_draft_to_where_it_is_built(client_as):
    draft = factories.campaign()
    answer = client_as("viewer").get(address("campaign", draft))
    assert answer.url == address("campaign-edit", draft)


def test_shows_funnel_steps_slots_and_answers(world, client_as):
    page = text(client_as("viewer"), "campaign", world.campaign)
    assert "finished or stopped: 1 of 4 people" in page
    assert world.campaign.current_version().steps.get(position=1).arms.get().template_version.text[:5] in page
    assert "Sounds good, tell me more." in page
    assert address("prospect", world.first.prospect) in page
    planned = Message.objects.filter(state="planned").first()
    assert address("prospect", planned.prospect) in page
    assert "Pause" not in page


def test_offers_an_operator_what_the_state_allows(world, client_as):
    client = client_as("operator")
    assert address("campaign-pause", world.campaign) in text(client, "campaign", world.campaign)
    lifecycle.pause(campaign=world.campaign, by=None)
    page = text(client, "campaign", world.campaign)
    assert address("campaign-resume", world.campaign) in page
    assert address("campaign-archive", world.campaign) in page


def test_answers_a_part_that_stays_the_same_while_nothing_changes(world, client_as):
    client = client_as("operator")
    first = text(client, "campaign-live", world.campaign)
    assert first == text(client, "campaign-live", world.campaign)
    assert "csrfmiddlewaretoken" not in first
    assert "<canvas" not in first
    assert 'hx-swap-oob="innerHTML"' in first


def test_gives_the_chart_one_number_for_each_day(client_as):
    campaign = factories.campaign()
    Campaign.objects.filter(pk=campaign.pk).update(state="running")
    today = timezone.now().date()
    for back, sent in ((100, 9), (2, 5), (0, 3)):
        day = today - timedelta(days=back)
        DailyCount.objects.create(campaign=campaign, step_key="a", day=day, sent=sent, replied=1)
    data = client_as("viewer").get(address("campaign-chart", campaign)).json()
    assert (data["sent"], data["replied"]) == ([5, 0, 3], [1, 0, 1])
    assert data["days"][-1] == f"{today.day} {today:%b}"


def test_pauses_and_resumes_with_undo(world, client_as):
    client = client_as("operator")
    page = client.post(address("campaign-pause", world.campaign), follow=True).content.decode()
    world.campaign.refresh_from_db()
    assert world.campaign.state == "paused"
    assert "3 people wait" in page
    assert f'action="{address("campaign-resume", world.campaign)}"' in page
    client.post(address("campaign-resume", world.campaign), {"next": "/"})
    world.campaign.refresh_from_db()
    assert world.campaign.state == "running"
    again = client.post(address("campaign-resume", world.campaign), follow=True)
    assert "is not paused" in again.content.decode()


def test_archives_after_asking_and_takes_back(world, client_as):
    client = client_as("operator")
    refused = client.post(address("campaign-archive", world.campaign), follow=True).content.decode()
    assert "pause it first" in refused
    lifecycle.pause(campaign=world.campaign, by=None)
    assert "3 people" in text(client, "campaign-archive", world.campaign)
    client.post(address("campaign-archive", world.campaign))
    world.campaign.refresh_from_db()
    assert world.campaign.state == "archived"
    client.post(address("campaign-restore", world.campaign))
    world.campaign.refresh_from_db()
    assert world.campaign.state == "paused"


def test_lists_people_by_where_they_stand(world, client_as):
    client = client_as("viewer")
    everybody = text(client, "campaign-people", world.campaign)
    answered = text(client, "campaign-people", world.campaign, "?standing=positive_reply")
    under_way = text(client, "campaign-people", world.campaign, "?standing=active")
    person = world.first.prospect
    assert person.email in everybody
    assert person.email in answered
    assert person.email not in under_way
    assert "Interested" in answered
    assert "Got 1 of 3 steps" in under_way
    assert "Nobody stands here" in text(client, "campaign-people", world.campaign, "?standing=complained")


@pytest.mark.parametrize("heard", ["heard-replied", "heard-positive"])
def test_opens_the_people_behind_a_number_of_the_funnel(world, client_as, heard):
    Enrollment.objects.filter(prospect=world.first.prospect).update(state="finished", stop_reason="")
    page = client_as("viewer").get(address("campaign-people", world.campaign) + f"?standing={heard}")
    assert [row.prospect for row, *_ in page.context["rows"]] == [world.first.prospect]


@pytest.mark.parametrize("heard", ["heard-bounced", "heard-unsubscribed"])
def test_opens_nobody_behind_a_zero(world, client_as, heard):
    assert "Nobody stands here" in text(client_as("viewer"), "campaign-people", world.campaign, f"?standing={heard}")


def test_pages_through_the_people_of_a_campaign(world, client_as):
    for _ in range(60):
        factories.ProspectFactory()
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    first = client_as("viewer").get(address("campaign-people", world.campaign))
    assert len(first.context["rows"]) == 50
    assert "Older" in first.content.decode()


@pytest.mark.parametrize("route", ["campaigns", "campaign", "campaign-live", "campaign-people"])
def test_costs_the_same_for_one_row_as_for_many(running, client_as, route, django_assert_num_queries):
    world = running()
    world.tick()
    counting.rebuild(now=world.now)
    client, subject = client_as("manager"), None if route == "campaigns" else world.campaign
    text(client, route, subject)
    with CaptureQueriesContext(connection) as few:
        text(client, route, subject)
    _grow(world)
    with django_assert_num_queries(len(few)):
        text(client, route, subject)


def _grow(world):
    for _ in range(4):
        factories.ProspectFactory()
    for _ in range(3):
        other = factories.campaign(mailbox=world.mailbox)
        lifecycle.launch(campaign=other, now=world.now, by=None)
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    for message in Message.objects.filter(state="sent").select_related("mailbox"):
        world.answers(mails.reply(message, sender=message.recipient))
    world.tick(minutes=5)
    planning.plan(now=world.now)
    counting.rebuild(now=world.now)
    assert CampaignCount.objects.count() == 4
    assert Enrollment.objects.count() > 10
