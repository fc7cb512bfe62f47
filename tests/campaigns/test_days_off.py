"""Public holidays and quiet dates of campaigns that run: planned around, changed by hand, and explained."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from campaigns import explaining, lifecycle, planning, releasing
from campaigns.models import Message
from prospects.models import Prospect
from tests import factories
from tests.campaigns.building import at, form

pytestmark = pytest.mark.django_db(transaction=True)

GOOD_FRIDAY = datetime(2026, 4, 3, 0, 30, tzinfo=UTC)


@pytest.fixture
def on_good_friday(running):
    """A campaign with one person in Germany, at the beginning of a public holiday there."""
    world = running(people=1, steps=2)
    Prospect.objects.update(country="DE", time_zone="")
    world.now = GOOD_FRIDAY
    return world


def sent_on(world):
    return [message.handed_over_at.date() for message in Message.objects.filter(state="sent").order_by("id")]


def test_nobody_gets_mail_on_a_public_holiday_of_their_country(on_good_friday):
    on_good_friday.days(4, hours=1)
    assert sent_on(on_good_friday)[0] == date(2026, 4, 3)  # 22:30 UTC is Saturday in Berlin
    first = Message.objects.get(is_follow_up=False)
    assert first.handed_over_at >= datetime(2026, 4, 3, 22, tzinfo=UTC)
    assert first.why["zone"] == "Europe/Berlin"


def test_a_campaign_may_write_on_holidays(on_good_friday):
    lifecycle.change_campaign(campaign=on_good_friday.campaign, now=on_good_friday.now, skip_holidays=False)
    on_good_friday.tick()
    assert sent_on(on_good_friday) == [date(2026, 4, 3)]


def test_says_that_it_is_a_holiday(on_good_friday):
    campaign = on_good_friday.campaign
    quiet = [date(2026, 4, 4) + timedelta(days=n) for n in range(4)]  # so that it is not planned behind the holiday
    lifecycle.change_campaign(campaign=campaign, now=on_good_friday.now, quiet_dates=quiet)
    assert on_good_friday.tick().sent == 0
    prospect = on_good_friday.prospects[0]
    line = explaining.explain(prospect=prospect, campaign=campaign, now=on_good_friday.now).lines[1]
    assert "public holiday where they live" in line.sentence
    assert line.values["holiday"] == "Good Friday"
    on_good_friday.later(days=1)
    line = explaining.explain(prospect=prospect, campaign=campaign, now=on_good_friday.now).lines[1]
    assert "nobody is written to on this day" in line.sentence
    for _ in range(5):
        on_good_friday.tick(days=1)
    assert sent_on(on_good_friday)[0] == date(2026, 4, 8)


def test_what_is_planned_for_a_day_that_becomes_quiet_moves_behind_it(running, now):
    world = running(people=3, steps=2)
    planning.plan(now=world.now)
    before = dict(Message.objects.values_list("id", "send_at"))
    today = world.now.date()
    lifecycle.change_campaign(campaign=world.campaign, now=world.now, quiet_dates=[today])
    after = dict(Message.objects.values_list("id", "send_at"))
    assert before.keys() == after.keys()
    assert {slot.date() for slot in before.values()} == {today}
    assert {slot.date() for slot in after.values()} == {today + timedelta(days=1)}
    assert world.tick().sent == 0
    assert sum(world.tick(hours=4).sent for _ in range(6)) == 3
    assert releasing.move_closed(campaign=world.campaign, now=world.now) == 0


def test_delivery_itself_sends_nothing_on_a_quiet_date(running):
    """Whatever was planned: the window is asked again right before the mark."""
    world = running(people=2, steps=1)
    planning.plan(now=world.now)
    type(world.campaign).objects.filter(pk=world.campaign.pk).update(quiet_dates=[world.now.date()])
    assert world.deliver().sent == 0
    assert {slot.date() for slot in Message.objects.values_list("send_at", flat=True)} == {
        world.now.date() + timedelta(days=1)
    }
    assert sum(world.tick(hours=4).sent for _ in range(6)) == 2


def test_changes_the_days_off_of_a_running_campaign_on_its_page(client_as, running):
    world = running()
    operator = client_as("operator")
    operator.default_format = "multipart"
    address = at("campaign-settings", world.campaign)
    assert address in operator.get(at("campaign", world.campaign)).content.decode()
    assert "checked" in operator.get(address).content.decode()
    wrong = form(operator, address, {"quiet_dates": "Easter", "live_daily_cap": 50}).content.decode()
    assert "“Easter” is no day like 2026-12-24" in wrong
    form(operator, address, {"quiet_dates": "2026-12-24 to 2026-12-26, 1.5.2027", "live_daily_cap": 50})
    world.campaign.refresh_from_db()
    assert [str(day) for day in world.campaign.quiet_dates] == ["2026-12-24", "2026-12-25", "2026-12-26", "2027-05-01"]
    assert world.campaign.skip_holidays is False
    assert "2026-12-24 to 2026-12-26, 2027-05-01" in operator.get(address).content.decode()


def test_a_draft_saves_its_days_off_as_they_are_typed(client_as):
    operator = client_as("operator")
    operator.default_format = "multipart"
    draft = factories.campaign(steps=1)
    address = at("campaign-save", draft)
    form(operator, address, {"time_zone": "Europe/Berlin"})
    draft.refresh_from_db()
    assert draft.skip_holidays is True  # another part of the page was saved
    form(operator, address, {"time_zone": "Europe/Berlin", "quiet_dates": "2026-12-24"})
    draft.refresh_from_db()
    assert (draft.skip_holidays, draft.quiet_dates) == (False, [date(2026, 12, 24)])


def test_changes_the_days_off_by_api_and_nothing_else_of_a_running_campaign(client_as, running):
    world = running()
    operator = client_as("operator")
    address = reverse("api-campaigns-detail", args=[world.campaign.public_id])
    answer = operator.patch(address, {"quiet_dates": ["2026-12-25", "2026-12-24", "2026-12-25"]}, format="json")
    assert answer.status_code == 200
    assert answer.json()["quiet_dates"] == ["2026-12-24", "2026-12-25"]
    refused = operator.patch(address, {"name": "Other", "skip_holidays": False}, format="json")
    assert (refused.status_code, "days off" in refused.json()["detail"]) == (409, True)
    many = [str(date(2026, 1, 1) + timedelta(days=n)) for n in range(367)]
    refused = operator.patch(address, {"quiet_dates": many}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "quiet_dates")
