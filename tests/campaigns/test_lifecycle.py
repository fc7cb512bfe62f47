"""From a draft to a running campaign."""

import pytest

from campaigns import enrolling, lifecycle, preflight, stopping
from campaigns.models import Campaign, Enrollment, SendingControl, Step
from prospects import suppression
from prospects.models import Prospect
from tests import factories

pytestmark = pytest.mark.django_db


def ready(now, **options):
    campaign = factories.campaign(**options)
    campaign.mailbox.verified_at = now
    campaign.mailbox.save(update_fields=["verified_at"])
    return campaign


def test_launch_enrols_everybody_who_may_be_written_to(now, manager):
    reachable = factories.ProspectFactory()
    stopped, suppressed = factories.ProspectFactory(), factories.ProspectFactory()
    factories.ProspectFactory(email="", x_handle="creator")
    Prospect.objects.filter(pk=stopped.pk).update(stopped_at=now)
    suppression.suppress(kind="domain", value=suppressed.email.partition("@")[2], reason="manual")
    campaign = ready(now)
    assert lifecycle.launch(campaign=campaign, now=now, by=manager).enrolled == 1
    assert Enrollment.objects.get().prospect == reachable
    assert (campaign.state, campaign.launched_by) == ("running", manager)


def test_preflight_says_everything_that_is_wrong_at_once():
    campaign = factories.campaign(
        program=factories.ProgramFactory(postal_address=" "),
        steps=1,
        says={"subject": "", "text": "Hello there", "html": "<p>Hello</p>"},
    )
    campaign.mailbox.pause(reason="535 wrong password")
    campaign.mailbox.refresh_from_db()
    problems = preflight.check(campaign=campaign)
    assert [problem.field for problem in problems] == ["mailbox", "mailbox", "program"] + ["steps[1]"] * 5 + ["segment"]
    words = " ".join(problem.message for problem in problems)
    for expected in ("is paused", "never checked", "no postal address", "subject", "unsubscribe link", "Nobody"):
        assert expected in words


def test_launch_refuses_with_all_problems_and_changes_nothing(now):
    campaign = factories.campaign(steps=0)
    with pytest.raises(lifecycle.NotReady) as refused:
        lifecycle.launch(campaign=campaign, now=now, by=None)
    assert len(refused.value.problems) == 3
    assert Campaign.objects.get().state == "draft"


def test_a_second_launch_is_refused(now):
    factories.ProspectFactory()
    campaign = ready(now)
    lifecycle.launch(campaign=campaign, now=now, by=None)
    with pytest.raises(lifecycle.NotReady, match="not ready"):
        lifecycle.launch(campaign=campaign, now=now, by=None)
    assert Enrollment.objects.count() == 1


def test_a_launched_sequence_no_longer_changes(now):
    factories.ProspectFactory()
    campaign = ready(now)
    step = Step.objects.first()
    lifecycle.launch(campaign=campaign, now=now, by=None)
    with pytest.raises(lifecycle.NotEditable):
        lifecycle.add_step(campaign=campaign, template=factories.template(), by=None)
    with pytest.raises(lifecycle.NotEditable):
        lifecycle.remove_step(step=step)
    with pytest.raises(lifecycle.NotEditable):
        lifecycle.change_campaign(campaign=campaign, now=now, name="other")


def test_removing_a_step_closes_the_gap_and_keeps_the_other_keys():
    campaign = factories.campaign(steps=3)
    first, second, third = Step.objects.order_by("position")
    lifecycle.remove_step(step=second)
    left = list(Step.objects.order_by("position").values_list("position", "key"))
    assert left == [(1, first.key), (2, third.key)]
    assert campaign.current_version().steps.count() == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"delay_unit": "fortnights"}, "delay_unit"),
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": [8]}, "weekdays"),
        ({"window_start": lifecycle.FIVE, "window_end": lifecycle.NINE}, "window_end"),
    ],
)
def test_a_step_that_could_never_go_out_is_refused_by_field(values, field):
    with pytest.raises(lifecycle.InvalidCampaign) as refused:
        lifecycle.add_step(campaign=factories.campaign(steps=0), template=factories.template(), by=None, **values)
    assert [problem.field for problem in refused.value.problems] == [field]


def test_an_unknown_zone_is_refused_by_field():
    with pytest.raises(lifecycle.InvalidCampaign) as refused:
        factories.campaign(time_zone="Europe/Nowhere")
    assert refused.value.problems[0].field == "time_zone"


def test_pause_and_resume_work_once_each(now, manager):
    factories.ProspectFactory()
    campaign = ready(now)
    assert not lifecycle.pause(campaign=campaign, by=manager)
    lifecycle.launch(campaign=campaign, now=now, by=manager)
    assert [lifecycle.pause(campaign=campaign, by=manager) for _ in range(2)] == [True, False]
    assert [lifecycle.resume(campaign=campaign, by=manager) for _ in range(2)] == [True, False]


def test_enrolling_needs_a_launched_campaign_and_happens_once_per_person(now):
    factories.ProspectFactory()
    campaign = ready(now)
    with pytest.raises(enrolling.NotLaunched):
        enrolling.enroll(campaign=campaign, prospects=Prospect.objects.all(), now=now, by=None)
    lifecycle.launch(campaign=campaign, now=now, by=None)
    factories.ProspectFactory()
    counts = [enrolling.enroll(campaign=campaign, prospects=Prospect.objects.all(), now=now, by=None) for _ in range(2)]
    assert counts == [1, 0]


def test_a_real_mailbox_enrols_no_people_of_the_demo_world(now, reachable):
    factories.ProspectFactory(is_demo=True)
    factories.ProspectFactory()
    campaign = ready(now, mailbox=factories.MailboxFactory(is_demo=False))
    assert lifecycle.launch(campaign=campaign, now=now, by=None).enrolled == 1


@pytest.mark.parametrize(("count", "queries"), [(2_100, 65), pytest.param(5_000, 65, marks=pytest.mark.prove)])
def test_enrols_thousands_of_people_with_few_queries(now, django_assert_max_num_queries, count, queries):
    people = [Prospect(email=f"p{n}@many.example", identity_key=f"{n:064d}", contact_keys=[]) for n in range(count)]
    Prospect.objects.bulk_create(people)
    campaign = ready(now)
    with django_assert_max_num_queries(queries):  # not a query a person
        assert lifecycle.launch(campaign=campaign, now=now, by=None).enrolled == count


def test_stopping_all_sending_again_keeps_the_first_reason(manager):
    for reason in ("panic", "again"):
        stopping.stop_all(reason=reason, by=manager)
    assert SendingControl.objects.get().stop_reason == "panic"
