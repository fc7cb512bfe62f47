"""Whoever reaches a campaign's goal is finished, and gets nothing more."""

import pytest

from campaigns import counting, explaining, labelling, lifecycle, planning, roster
from campaigns.models import Campaign, CampaignCount, Enrollment, Message, Reply
from prospects import stages
from tests import factories
from tests.campaigns import mails
from tests.campaigns.building import at, form

pytestmark = pytest.mark.django_db(transaction=True)


def join(world, prospect, program=None):
    stages.move(
        prospect=prospect,
        program=program or world.campaign.program,
        to="joined",
        why="signed up",
        by=None,
        now=world.now,
    )


def answer(world, text):
    sent = Message.objects.filter(state="sent").order_by("id").first()
    world.answers(mails.reply(sent, sender=sent.recipient, text=text))
    world.receive()
    return Reply.objects.get()


def standing():
    way = Enrollment.objects.get()
    return way.state, way.stop_reason


def test_whoever_joined_is_finished_before_the_next_step_is_planned(running):
    world = running()
    world.tick()
    join(world, world.prospects[0])
    world.days(1.5)
    assert standing() == ("finished", "joined")
    assert Message.objects.count() == 1
    line = explaining.explain(prospect=world.prospects[0], campaign=world.campaign, now=world.now).lines[0]
    assert line.sentence.startswith("Finished ")
    assert line.sentence.endswith(": they joined the program.")


def test_takes_back_what_was_planned_for_somebody_who_joins(running):
    world = running()
    planning.plan(now=world.now)
    join(world, world.prospects[0])
    assert world.deliver().sent == 0
    world.tick()
    assert standing() == ("finished", "joined")
    assert Message.objects.get().state == "cancelled"


def test_another_program_is_no_goal_of_this_one(running):
    world = running()
    other = type(world.campaign.program).objects.create(name="Other", merchant="Acme", postal_address="x")
    join(world, world.prospects[0], other)
    assert world.tick().sent == 1


def test_a_campaign_without_that_goal_goes_on(running):
    world = running()
    Campaign.objects.update(goals=["positive_reply"])
    join(world, world.prospects[0])
    assert world.tick().sent == 1


def test_a_positive_answer_is_the_goal_and_another_is_not(running):
    world = running()
    world.tick()
    reply = answer(world, "Yes, I am interested. Please tell me more!")
    assert reply.reply_class == "positive"
    assert standing() == ("finished", "positive_reply")
    labelling.relabel(reply=reply, reply_class="question", by=None, now=world.now)
    assert standing() == ("stopped", "replied")
    labelling.relabel(reply=reply, reply_class="positive", by=None, now=world.now)
    assert standing() == ("finished", "positive_reply")


def test_an_answer_to_a_campaign_that_wants_none_only_stops_it(running):
    world = running()
    lifecycle.change_campaign(campaign=world.campaign, now=world.now, goals=["joined"])
    world.tick()
    answer(world, "Yes, I am interested. Please tell me more!")
    assert standing() == ("stopped", "replied")


def test_goals_are_ways_to_stand_of_their_own(running):
    world = running()
    world.tick()
    answer(world, "Yes, I am interested. Please tell me more!")
    counting.recount_campaign(campaign=world.campaign, now=world.now)
    count = CampaignCount.objects.get()
    tabs = [(tab.name, tab.people) for tab in roster.tabs(count)]
    assert tabs == [("Everybody", 1), ("Interested", 1)]
    assert roster.people(campaign=world.campaign, standing="positive_reply").count() == 1


def test_chooses_the_goals_by_api(client_as, running):
    world = running()
    operator = client_as("operator")
    address = f"/api/v1/campaigns/{world.campaign.public_id}/"
    assert operator.get(address).json()["goals"] == ["joined", "positive_reply"]
    assert operator.patch(address, {"goals": ["joined"]}, format="json").json()["goals"] == ["joined"]
    refused = operator.patch(address, {"goals": ["fame"]}, format="json")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"].startswith("goals")


def test_are_chosen_on_the_page_of_a_draft_and_in_the_settings_of_a_running_campaign(client_as, running):
    operator, draft = client_as("operator"), factories.campaign(steps=1)
    operator.default_format = "multipart"
    form(operator, at("campaign-save", draft), {"goals": ["joined"], "live_daily_cap": 50})
    draft.refresh_from_db()
    assert draft.goals == ["joined"]
    world = running()
    address = at("campaign-settings", world.campaign)
    page = operator.get(address).content.decode()
    assert page.count('name="goals"') == 2
    assert "They joined the program" in page
    form(operator, address, {"goals": [], "live_daily_cap": 50})
    world.campaign.refresh_from_db()
    assert world.campaign.goals == []
