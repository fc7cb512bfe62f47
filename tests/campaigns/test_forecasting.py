"""The forecast says what the planner then does: who gets which step when, and from where."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns import lifecycle, planning, stopping
from campaigns.forecast import attrition, bottleneck, forecasting, foretelling
from campaigns.forecast.attrition import Leaving
from campaigns.models import Campaign, Enrollment, Event, KeptForecast, Message, Step
from campaigns.scheduling import DAY
from integrations.models import Mailbox
from prospects import holding
from prospects.models import Prospect
from tests import amounts, factories
from tests.campaigns.living import A_MOMENT, NOON, TICK, agrees, hand_over, world

DAYS = ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7], [2, 4, 6])

WORLDS = {
    "people": st.integers(1, 16),
    "cap": st.integers(1, 6),
    "gap": st.sampled_from([0, 90]),
    "steps": st.integers(1, 3),
    "delay": st.integers(0, 5),
    "unit": st.sampled_from(["minutes", "hours", "days", "business_days"]),
    "days": st.sampled_from(DAYS),
    "ramp": st.sampled_from([None, 1, 3]),
}


@pytest.mark.django_db
@amounts.DAYS
@given(**WORLDS)
def test_says_what_the_planner_then_does_slot_by_slot(**drawn):
    first = forecasting.FIRST
    try:
        with transaction.atomic():
            forecasting.FIRST = 1_000
            agrees(world(**drawn))
            transaction.set_rollback(True)
    finally:
        forecasting.FIRST = first


@pytest.fixture
def draft(db, now):
    """Seven people, two steps three days apart, three mails a day, on weekdays."""
    return world(people=7, cap=3, gap=0, steps=2, delay=3, unit="days", days=[1, 2, 3, 4, 5], start=0, end=24)


def launched(campaign):
    lifecycle.launch(campaign=campaign, now=NOON, by=None)
    campaign.refresh_from_db()
    return campaign


def test_of_a_draft_says_what_its_launch_would_do(draft):
    found = forecasting.forecast(campaign=draft, now=NOON)
    assert (found.people, found.waiting, found.messages) == (7, 0, 14)
    assert sum(day.all for day in found.days) == 14
    assert max(day.all for day in found.days) == 3
    assert all(set(day.counts) == {draft.mailbox_id} for day in found.days)
    assert found.first[0].at == NOON
    assert [each.position for each in found.first[:3]] == [1, 1, 1]
    assert found.ends_at == max(each.at for each in found.first)
    assert not Enrollment.objects.exists()


def test_of_a_running_campaign_goes_on_from_what_was_sent_and_planned(draft):
    whole = forecasting.forecast(campaign=draft, now=NOON)
    launched(draft)
    planning.plan(now=NOON)
    later = NOON + timedelta(hours=1)
    hand_over(now=later)
    rest = forecasting.forecast(campaign=draft, now=later)
    assert rest.messages == whole.messages - 3
    assert abs(rest.ends_at - whole.ends_at) <= A_MOMENT
    assert [each.at for each in rest.first] == [each.at for each in whole.first[3:]]


def test_leaves_out_who_waits_for_somebody_and_says_how_many(draft, client_as):
    someone, other = Prospect.objects.order_by("pk")[:2]
    holding.hold(prospect_ids=[someone.pk], reason="Later", by=None)
    stopping.stop_person(prospect=other, reason="Never")
    found = forecasting.forecast(campaign=draft, now=NOON)
    assert (found.people, found.waiting, found.messages) == (5, 1, 10)
    launched(draft)
    found = forecasting.forecast(campaign=draft, now=NOON)
    assert (found.people, found.waiting, found.messages) == (5, 1, 10)
    foretelling.make(campaign=draft, now=NOON)
    page = client_as("viewer").get(reverse("campaign", args=[draft.public_id])).content.decode()
    assert "if a few people answer, not counting 1 person held back" in page


def test_campaigns_of_one_mailbox_take_turns(draft):
    other = factories.campaign(mailbox=draft.mailbox, steps=1, segment=draft.segment)
    alone = forecasting.forecast(campaign=other, now=NOON)
    launched(draft)
    beside = forecasting.forecast(campaign=other, now=NOON)
    assert beside.ends_at > alone.ends_at
    assert beside.first[-1].at > alone.first[-1].at
    assert "Other campaigns send" in beside.bottleneck


def test_learns_how_many_stop_from_itself_else_from_earlier_ones_else_it_assumes(draft, client_as, monkeypatch):
    monkeypatch.setattr(attrition, "ENOUGH", 6)
    assert attrition.learned(draft) == Leaving(attrition.ASSUMED, attrition.ASSUMED, attrition.GUESS)
    launched(draft)
    for number in range(3):
        planning.plan(now=NOON + number * DAY)
        hand_over(now=NOON + number * DAY)
    assert Message.objects.filter(state="sent").count() == 7
    for someone in Prospect.objects.order_by("pk")[:2]:
        stopping.stop_person(prospect=someone, reason="No, thanks")
    assert attrition.learned(draft) == Leaving(2 / 7, 2 / 7, attrition.SEEN)
    later = factories.campaign(mailbox=draft.mailbox, steps=2, segment=draft.segment)
    assert attrition.learned(later) == Leaving(2 / 7, 2 / 7, attrition.BEFORE)
    page = client_as("viewer").get(reverse("campaign-forecast", args=[later.public_id])).content.decode()
    assert "if 29 % stop after their first message and 29 % after each later one, as they did in earlier" in page


def test_learns_apart_who_stops_after_a_first_message_and_after_a_later_one(db, monkeypatch):
    campaign = world(people=4, cap=4, gap=0, steps=3, delay=1, unit="days", days=[1, 2, 3, 4, 5, 6, 7], start=0, end=24)
    launched(campaign)
    planning.plan(now=NOON)
    hand_over(now=NOON)
    stopping.stop_person(prospect=Prospect.objects.order_by("pk")[0], reason="No, thanks")
    stopping.stop_person(prospect=Prospect.objects.order_by("pk")[1], reason="No, thanks")
    monkeypatch.setattr(attrition, "ENOUGH", 4)
    assert attrition.learned(campaign) == Leaving(2 / 4, 2 / 4, attrition.SEEN)  # nothing later was sent yet
    planning.plan(now=NOON + DAY)
    hand_over(now=NOON + DAY)
    assert attrition.learned(campaign) == Leaving(2 / 4, 0 / 2, attrition.SEEN)
    stopping.stop_person(prospect=Prospect.objects.order_by("pk")[2], reason="No, thanks")
    assert attrition.learned(campaign) == Leaving(2 / 4, 1 / 2, attrition.SEEN)
    first = Message.objects.filter(is_follow_up=False).order_by("prospect").last()
    answer = {"kind": "replied", "message": first, "enrollment": first.enrollment, "occurred_at": NOON + DAY}
    Event.objects.create(prospect=first.prospect, dedupe_key="an answer to the first", **answer)
    stopping.stop_person(prospect=first.prospect, reason="No, thanks")
    assert attrition.learned(campaign) == Leaving(3 / 4, 1 / 1, attrition.SEEN)  # though the second had left


def test_takes_conditions_as_they_are_now_and_tasks_as_done_at_once(draft):
    steps = Step.objects.filter(sequence_version__campaign=draft)
    rule = {"field": "time_zone", "op": "is", "value": "Asia/Tokyo"}
    steps.filter(position=2).update(condition=rule)
    inside = Prospect.objects.filter(time_zone="Asia/Tokyo").count()
    assert 0 < inside < 7
    found = forecasting.forecast(campaign=draft, now=NOON)
    assert found.messages == 7 + inside
    assert {each.person_id for each in found.first if each.position == 2} == set(
        Prospect.objects.filter(time_zone="Asia/Tokyo").values_list("pk", flat=True)
    )
    assert any("Conditions" in said for said in found.assumptions)
    steps.filter(position=1).update(channel="task")
    found = forecasting.forecast(campaign=draft, now=NOON)
    assert found.messages == inside
    assert any("A person" in said or "a person" in said for said in found.assumptions)


@pytest.mark.parametrize(
    ("mailbox", "people", "says"),
    [
        ({"daily_cap": 2}, 20, "The cap of 2 a day"),
        ({"daily_cap": 40, "ramp_start": 1, "ramp_step": 1, "ramp_from": NOON.date()}, 20, "The warm-up"),
        ({"daily_cap": 100, "gap_seconds": 5 * 3600}, 20, "leaves 18,000 seconds"),
        ({"daily_cap": 0}, 2, "raise the daily cap"),
        ({"daily_cap": 100}, 3, "the sequence itself"),
        ({"status": "paused"}, 2, "No mailbox of it is active"),
    ],
    ids=["cap", "warm-up", "gap", "nothing", "sequence", "paused"],
)
def test_says_what_holds_it_up(db, mailbox, people, says):
    campaign = world(people=people, cap=9, gap=0, steps=2, delay=3, unit="days", days=[1, 2, 3, 4, 5, 6, 7])
    Mailbox.objects.update(**mailbox)
    campaign.refresh_from_db()
    assert says in forecasting.forecast(campaign=campaign, now=NOON).bottleneck


def test_two_mailboxes_would_help_about_as_much_as_it_says(db):
    campaign = world(people=60, cap=4, gap=0, steps=2, delay=2, unit="days", days=[1, 2, 3, 4, 5, 6, 7])
    said = forecasting.forecast(campaign=campaign, now=NOON).bottleneck
    Mailbox.objects.update(daily_cap=8)
    ends_at = forecasting.forecast(campaign=Campaign.objects.get(), now=NOON).ends_at
    days = [bottleneck.day_words(ends_at.date() + n * DAY, NOON) for n in (-1, 0, 1)]
    assert any(f"about {day}." in said for day in days), (said, days)


def test_a_campaign_that_never_ends_is_said_to_be_endless(db):
    campaign = world(people=3, cap=0, gap=0, steps=1, delay=0, unit="days", days=[1])
    found = forecasting.forecast(campaign=campaign, now=NOON)
    assert (found.messages, found.ends_at, found.is_endless) == (0, None, True)


def test_somebody_in_a_zone_that_is_no_more_keeps_nobody_from_being_foretold(draft):
    someone = Prospect.objects.order_by("pk").first()
    Prospect.objects.filter(pk=someone.pk).update(time_zone="Mars/Olympus")
    found = forecasting.forecast(campaign=draft, now=NOON)
    assert someone.pk not in {each.person_id for each in found.first}
    assert found.messages == 12


def test_costs_the_same_few_queries_for_everybody(draft, django_assert_max_num_queries):
    launched(draft)
    with django_assert_max_num_queries(16):
        forecasting.forecast(campaign=draft, now=NOON)


class TestKept:
    def test_is_read_as_it_was_made(self, draft):
        made = foretelling.make(campaign=draft, now=NOON)
        assert foretelling.kept(campaign=draft, now=NOON) == made

    def test_a_large_one_is_made_by_the_tick(self, draft, monkeypatch):
        monkeypatch.setattr(foretelling, "SMALL", 3)
        assert foretelling.of(campaign=draft, now=NOON) is None
        assert foretelling.make_asked(now=NOON) == 1
        assert foretelling.of(campaign=draft, now=NOON).messages == 14
        assert foretelling.make_asked(now=NOON) == 0
        late = NOON + foretelling.FRESH + TICK
        assert foretelling.of(campaign=draft, now=late).made_at == NOON
        assert foretelling.make_asked(now=late) == 1
        assert foretelling.of(campaign=draft, now=late).made_at == late

    def test_what_was_foretold_before_the_launch_is_forgotten_by_it(self, draft, monkeypatch):
        foretelling.make(campaign=draft, now=NOON - DAY)
        monkeypatch.setattr(foretelling, "SMALL", 3)
        assert foretelling.of(campaign=launched(draft), now=NOON) is None

    def test_a_segment_that_cannot_be_read_holds_up_no_other(self, draft):
        other = factories.campaign(steps=1)
        for campaign in (draft, other):
            KeptForecast.objects.create(campaign=campaign, asked_at=NOON)
        draft.segment.filter = {"field": "nothing", "op": "is", "value": 1}
        draft.segment.save()
        foretelling.make_asked(now=NOON)
        assert KeptForecast.objects.get(campaign=other).made_at == NOON
        assert KeptForecast.objects.get(campaign=draft).asked_at is None


class TestFaces:
    def test_the_page_shows_days_people_and_what_holds_it_up(self, draft, client_as):
        Mailbox.objects.update(name="Ada’s mailbox")
        page = client_as("viewer").get(reverse("campaign-forecast", args=[draft.public_id])).content.decode()
        assert "If it were launched now." in page
        assert "Ada’s mailbox" in page
        assert page.count("/prospects/") >= 7
        assert "Nobody answers" in page
        assert "14 messages" in page

    def test_the_launch_page_says_when_it_ends(self, draft, client_as, monkeypatch):
        ask = reverse("campaign-launch", args=[draft.public_id])
        assert "It ends" in client_as("operator").get(ask).content.decode()
        monkeypatch.setattr(foretelling, "SMALL", 3)
        KeptForecast.objects.all().delete()
        waiting = client_as("operator").get(ask).content.decode()
        assert "Being worked out" in waiting
        assert "forecast/?summary" in waiting
        part = client_as("viewer").get(reverse("campaign-forecast", args=[draft.public_id]) + "?summary")
        assert "Being worked out" in part.content.decode()
        foretelling.make_asked(now=timezone.now())
        part = client_as("viewer").get(reverse("campaign-forecast", args=[draft.public_id]) + "?summary")
        assert "It ends" in part.content.decode()
        assert "<html" not in part.content.decode()

    def test_the_campaigns_page_says_when_it_ends(self, draft, client_as):
        launched(draft)
        page = reverse("campaign", args=[draft.public_id])
        client_as("viewer").get(page)
        foretelling.make_asked(now=timezone.now())
        assert "if a few people answer" in client_as("viewer").get(page).content.decode()

    def test_the_api_gives_it_whole_or_says_that_it_is_being_made(self, draft, client_as, monkeypatch):
        address = reverse("api-campaigns-forecast", args=[draft.public_id])
        told = client_as("viewer").get(address).json()
        assert (told["people"], told["messages"], told["is_endless"]) == (7, 14, False)
        assert sum(day["all"] for day in told["days"]) == 14
        assert set(told["days"][0]["mailboxes"]) == {str(draft.mailbox.public_id)}
        people = {str(each) for each in Prospect.objects.values_list("public_id", flat=True)}
        assert {slot["prospect"] for slot in told["first"]} == people
        assert {slot["mailbox"] for slot in told["first"]} == {str(draft.mailbox.public_id)}
        monkeypatch.setattr(foretelling, "SMALL", 3)
        KeptForecast.objects.all().delete()
        answer = client_as("viewer").get(address)
        assert (answer.status_code, answer.json(), answer["Retry-After"]) == (202, {"is_ready": False}, "5")
