"""A live audience: new matches come in once a day, as many as were shown the day before."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import growing, lifecycle, tasks
from campaigns.models import Campaign, Enrollment
from prospects.models import Prospect, Segment
from tests import factories
from tests.campaigns.building import at

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


@pytest.fixture
def live(running_now):
    """A running campaign with one person, and five who came to its segment later; two a day may come in."""
    world = running_now(people=1, steps=1)
    lifecycle.change_campaign(campaign=world.campaign, now=world.now, audience_is_live=True, live_daily_cap=2)
    world.late = [factories.ProspectFactory() for _ in range(5)]
    world.campaign.refresh_from_db()
    return world


def inside(world):
    found = Enrollment.objects.filter(campaign=world.campaign).order_by("id")
    return list(found.values_list("prospect", flat=True))


def keys(people):
    return [person.pk for person in people]


def test_takes_in_so_many_a_day_whom_we_have_known_longest_first(live):
    assert growing.grow(now=live.now) == 0  # it was set today: who comes in is shown the day before
    assert [growing.grow(now=live.now + n * DAY) for n in range(1, 5)] == [2, 2, 1, 0]
    assert inside(live) == keys([*live.prospects, *live.late])


def test_takes_in_those_who_were_shown_the_day_before(live):
    shown = keys(growing.coming(campaign=live.campaign, now=live.now)[:2])
    assert growing.next_day(campaign=live.campaign, now=live.now) == (live.now + DAY).date()
    growing.grow(now=live.now + DAY)
    assert inside(live)[1:] == shown


def test_is_safe_twice_and_makes_up_for_no_day_that_was_missed(live):
    assert [growing.grow(now=live.now + DAY), growing.grow(now=live.now + DAY)] == [2, 0]
    assert growing.grow(now=live.now + 9 * DAY) == 2


def test_a_fixed_audience_and_one_that_is_paused_do_not_grow(live):
    lifecycle.pause(campaign=live.campaign, by=None)
    assert growing.grow(now=live.now + DAY) == 0
    lifecycle.resume(campaign=live.campaign, by=None)
    lifecycle.change_campaign(campaign=live.campaign, now=live.now, audience_is_live=False)
    assert growing.grow(now=live.now + DAY) == 0
    assert growing.next_day(campaign=live.campaign, now=live.now) is None


def test_leaves_out_whom_nobody_may_write_to_and_who_does_not_match(live):
    Prospect.objects.filter(pk=live.late[0].pk).update(stopped_at=timezone.now())
    assert growing.grow(now=live.now + DAY) == 2
    assert inside(live)[1:] == keys(live.late[1:3])
    Segment.objects.update(filter={"field": "country", "op": "is", "value": "DE"})
    assert growing.grow(now=live.now + 2 * DAY) == 0


def test_a_segment_that_can_not_be_read_stops_no_other_campaign(live):
    broken = factories.campaign(mailbox=live.mailbox, segment=factories.SegmentFactory(filter={"field": "no"}), steps=1)
    Campaign.objects.filter(pk=broken.pk).update(state="running", audience_is_live=True)
    assert growing.grow(now=live.now + DAY) == 2


def test_grows_by_a_tick_and_what_came_in_is_written_to(live):
    Campaign.objects.update(live_grown_on=live.now.date() - DAY)
    tasks.keep_house()
    assert len(inside(live)) == 3
    live.now = timezone.now()
    assert live.tick().sent == 3


def test_shows_on_the_campaigns_page_and_in_the_api_who_comes_next(live, client_as):
    viewer = client_as("viewer")
    page = viewer.get(at("campaign-who", live.campaign)).content.decode()
    assert [person.email in page for person in live.late] == [True, True, False, False, False]
    answer = viewer.get(reverse("api-campaigns-audience", args=[live.campaign.public_id])).json()
    assert answer["coming"] == [str(person.public_id) for person in live.late[:2]]
    assert answer["next_day"] == str((timezone.now() + DAY).date())
