"""The forecast plays the rules over all campaigns as the planner does, slot by slot, or says that it does not."""

from datetime import timedelta

import pytest

from campaigns import lifecycle, planning
from campaigns.forecast import forecasting
from campaigns.models import Campaign
from campaigns.rules import ruling
from campaigns.scheduling import DAY
from prospects import holding
from prospects.models import Prospect
from tests import factories
from tests.campaigns.living import NOON, agrees, world

SMALL = {"cap": 4, "gap": 90, "steps": 2, "delay": 2, "unit": "days", "days": [1, 2, 3, 4, 5, 6, 7]}


@pytest.fixture(autouse=True)
def every_slot(monkeypatch):
    monkeypatch.setattr(forecasting, "FIRST", 1_000)


@pytest.mark.django_db
class TestPlays:
    @pytest.mark.parametrize(
        "ruled",
        [{"person_days": 4}, {"site_days": 2}, {"person_days": 1, "site_days": 3}],
        ids=["days for a person", "days for a site", "both"],
    )
    def test_days_between_touches(self, ruled):
        ruling.change(now=NOON, **ruled)
        said = agrees(world(people=7, sites=3, **SMALL))
        assert said.messages == 14

    def test_one_person_of_a_site_at_a_time(self):
        campaign = world(people=7, sites=3, **SMALL)
        Campaign.objects.update(one_per_site=True)
        campaign.refresh_from_db()
        said = agrees(campaign)
        assert (said.people, said.messages) == (7, 14)
        assert {each.position for each in said.first[:3]} == {1}

    @pytest.mark.parametrize("exclusive", ["person", "site"])
    def test_one_campaign_at_a_time(self, exclusive):
        ruling.change(now=NOON, exclusive=exclusive)
        other = world(people=6, sites=3, **SMALL)
        lifecycle.launch(campaign=other, now=NOON, by=None)
        campaign = factories.campaign(mailbox=other.mailbox, steps=2, delay=1, segment=other.segment)
        said = agrees(campaign, by_person=False)
        assert (said.people, said.messages) == (6, 12)

    def test_a_site_rests_behind_an_answer(self):
        ruling.change(now=NOON, site_reply="hold", site_reply_days=5)
        campaign = world(people=4, sites=2, **SMALL)
        site = Prospect.objects.order_by("pk").first().site
        site.answered_at = NOON - DAY
        site.save()
        said = agrees(campaign)
        there = set(Prospect.objects.filter(site=site).values_list("pk", flat=True))
        assert min(each.at for each in said.first if each.person_id in there) >= NOON + 4 * DAY


@pytest.mark.django_db
class TestSays:
    @pytest.mark.parametrize("ruled", [{"person_days": 20}, {"site_days": 9}])
    def test_that_a_rule_holds_it_up(self, ruled):
        campaign = world(people=6, sites=2, **{**SMALL, "cap": 50, "gap": 0})
        assert "rules" not in forecasting.forecast(campaign=campaign, now=NOON).bottleneck
        ruling.change(now=NOON, **ruled)
        said = forecasting.forecast(campaign=campaign, now=NOON)
        assert said.bottleneck.startswith("Your rules, which keep mails to a person or to a site apart")

    def test_who_waits_for_the_rule_of_their_country(self):
        campaign = world(people=5, **SMALL)
        Prospect.objects.filter(pk__in=Prospect.objects.order_by("pk").values("pk")[:2]).update(country="DE")
        ruling.set_country(country="DE", rule="task", now=NOON)
        said = forecasting.forecast(campaign=campaign, now=NOON)
        assert (said.people, said.waiting, said.messages) == (3, 2, 6)
        lifecycle.launch(campaign=campaign, now=NOON, by=None)
        campaign.refresh_from_db()
        assert forecasting.forecast(campaign=campaign, now=NOON).waiting == 2

    def test_who_stands_behind_somebody_who_waits(self):
        campaign = world(people=4, sites=2, **SMALL)
        Campaign.objects.update(one_per_site=True)
        campaign.refresh_from_db()
        holding.hold(prospect_ids=[Prospect.objects.order_by("pk").first().pk], reason="Later", by=None)
        said = forecasting.forecast(campaign=campaign, now=NOON)
        assert (said.people, said.waiting) == (2, 2)

    def test_whom_a_campaign_has_that_is_not_followed(self):
        ruling.change(now=NOON, exclusive="person")
        other = world(people=3, **SMALL)
        agrees(other)  # through with everybody
        elsewhere = factories.campaign(mailbox=factories.MailboxFactory(verified_at=NOON), steps=3)
        later = NOON + timedelta(days=60)
        lifecycle.launch(campaign=elsewhere, now=later, by=None)
        planning.plan(now=later)
        campaign = factories.campaign(mailbox=other.mailbox, steps=1, segment=other.segment)
        said = forecasting.forecast(campaign=campaign, now=later)
        assert (said.messages, said.is_endless) == (0, False)
        assert any("3 people whom another campaign has" in each for each in said.assumptions)

    def test_that_a_first_batch_counts_as_let_go(self):
        campaign = world(people=6, **SMALL)
        whole = forecasting.forecast(campaign=campaign, now=NOON)
        assert any("first batch" in each for each in whole.assumptions)
        lifecycle.launch(campaign=campaign, now=NOON, by=None, first_batch=2)
        campaign.refresh_from_db()
        said = forecasting.forecast(campaign=campaign, now=NOON)
        assert (said.people, said.messages) == (6, 12)
        assert "Whoever waits behind the first batch is let go now." in said.assumptions
