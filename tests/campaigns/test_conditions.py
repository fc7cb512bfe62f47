"""Steps for some people only: who is left out, why, and how their way goes on."""

from datetime import timedelta

import pytest

from campaigns import drafting, explaining, lifecycle, planning, rehearsing
from campaigns.models import Decision, Enrollment, Event, Message, Step
from prospects.models import Prospect
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


SUBJECT = {"subject": "Hello"}
CLICKED = {"field": "clicked.{campaign}", "op": "is", "value": True}
NOT_CLICKED = {"field": "clicked.{campaign}", "op": "is", "value": False}
TEA = {"field": "tags", "op": "is", "value": "tea"}


@pytest.fixture
def branching(running, monkeypatch):
    """`branching({2: rule})` launches a campaign of three steps a day apart, some of them for some people only."""

    def launch(rules, people=1, says=SUBJECT):
        made = factories.campaign

        def with_rules(**options):
            campaign = made(**options)
            for step in Step.objects.filter(sequence_version__campaign=campaign):
                rule = rules.get(step.position)
                if rule:
                    drafting.change_condition(step=step, condition=_filled(rule, campaign))
            return campaign

        monkeypatch.setattr(factories, "campaign", with_rules)
        return running(people=people, steps=3, says=says)

    return launch


def _filled(rule, campaign):
    return {**rule, "field": rule["field"].format(campaign=campaign.public_id)}


def days(world, count):
    world.days(count)


def sent(world):
    rows = Message.objects.filter(state="sent").order_by("prospect_id", "id")
    return [(row.prospect_id, row.step.position) for row in rows.select_related("step")]


def clicks(message, now, *, by_machine=False):
    Event.record_once(
        kind=Event.Kind.CLICKED,
        message=message,
        occurred_at=now,
        by_machine=by_machine,
        dedupe_key=f"click:{message.pk}:{by_machine}",
    )


def test_leaves_out_whom_the_step_is_not_for_and_goes_on_behind_it(branching):
    world = branching({2: TEA}, people=2)
    drinker, other = world.prospects
    Prospect.objects.filter(pk=drinker.pk).update(tags=["tea"])
    days(world, 5)
    assert sent(world) == [(drinker.pk, 1), (drinker.pk, 2), (drinker.pk, 3), (other.pk, 1), (other.pk, 3)]
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"finished"}
    skipped = Decision.objects.get(verdict="skip")
    assert (skipped.enrollment.prospect, skipped.values) == (other, {"condition": "tag is “tea”"})
    first, third = Message.objects.filter(prospect=other).order_by("id")
    late = third.handed_over_at - first.handed_over_at
    assert timedelta(days=2) <= late < timedelta(days=2, hours=9)  # both delays count, the one of the left out step too


def test_two_steps_with_opposite_conditions_are_an_either_or(branching):
    world = branching({2: CLICKED, 3: NOT_CLICKED}, people=2)
    Step.objects.filter(position=3).update(delay=0)
    world.tick()
    curious, silent = world.prospects
    first = Message.objects.get(prospect=curious)
    clicks(first, world.now)
    clicks(Message.objects.get(prospect=silent), world.now, by_machine=True)  # a scanner is nobody
    days(world, 3)
    assert sent(world) == [(curious.pk, 1), (curious.pk, 2), (silent.pk, 1), (silent.pk, 3)]


def test_a_condition_counts_when_the_step_is_due_and_not_before(branching):
    world = branching({2: CLICKED})
    world.tick()
    world.tick(hours=20)  # the planner looks a day ahead for other steps
    assert not Decision.objects.filter(verdict="skip").exists()
    clicks(Message.objects.get(), world.now)
    days(world, 1)
    assert [position for _, position in sent(world)] == [1, 2]


def test_asks_again_before_a_planned_message_goes_out(branching, now):
    world = branching({2: TEA})
    Prospect.objects.update(tags=["tea"])
    world.tick()
    Step.objects.filter(position=2).update(window_start="23:00", window_end="23:59")
    world.later(days=1, minutes=5)
    planning.plan(now=world.now)
    assert Message.objects.filter(step__position=2, state="planned").exists()
    Prospect.objects.update(tags=[])
    days(world, 1)
    left = Message.objects.get(step__position=2)
    assert (left.state, left.cancel_reason) == ("cancelled", "left out: only for people with: tag is “tea”")
    days(world, 2)
    assert [position for _, position in sent(world)] == [1, 3]


def test_says_whom_a_step_is_for_and_that_somebody_is_left_out(branching):
    world = branching({2: TEA})
    world.tick()
    line = explaining.explain(prospect=world.prospects[0], campaign=world.campaign, now=world.now).lines[2]
    assert line.verdict == "wait"
    world.later(days=2)
    line = explaining.explain(prospect=world.prospects[0], campaign=world.campaign, now=world.now).lines[2]
    assert line.verdict == "skip"
    assert "only for people with: " in line.sentence
    assert "tag is “tea”" in line.sentence
    days(world, 1)
    line = explaining.explain(prospect=world.prospects[0], campaign=world.campaign, now=world.now).lines[2]
    assert line.verdict == "skip"
    assert line.sentence.startswith("Left out ")
    assert "tag is “tea”" in line.sentence


def test_the_last_step_left_out_finishes_the_way(branching):
    world = branching({3: TEA})
    days(world, 4)
    way = Enrollment.objects.get()
    assert (way.state, way.stop_reason, way.next_step_key, way.look_at) == ("finished", "", "", None)


def test_a_condition_that_can_no_longer_be_read_holds_and_is_told(branching):
    world = branching({2: TEA})
    Step.objects.filter(position=2).update(condition={"field": "custom.", "op": "is", "value": "x"})
    days(world, 2)
    line = explaining.explain(prospect=world.prospects[0], campaign=world.campaign, now=world.now).lines[2]
    assert line.verdict == "hold"
    assert "look at its condition" in line.sentence


def test_a_draft_with_an_unreadable_condition_is_not_launched(client_as, now):
    factories.ProspectFactory()
    draft = factories.campaign(steps=1, mailbox=factories.MailboxFactory(verified_at=now))
    Step.objects.update(condition={"field": "nothing", "op": "is", "value": "x"})
    with pytest.raises(lifecycle.NotReady, match="not ready") as refused:
        lifecycle.launch(campaign=draft, now=now, by=None)
    assert [problem.field for problem in refused.value.problems] == ["steps[1]"]


def test_whoever_is_left_out_of_the_first_mail_begins_with_the_second(branching):
    world = branching({1: TEA})
    days(world, 2)
    first = Message.objects.filter(state="sent").order_by("id").first()
    assert (first.step.position, first.is_follow_up, first.subject) == (2, False, "Hello")


def test_whoever_skips_the_first_mail_gets_the_second_under_its_subject(branching):
    world = branching({1: TEA}, says={})
    days(world, 2)
    first = Message.objects.filter(state="sent").order_by("id").first()
    assert (first.step.position, first.subject) == (2, f"Hello {world.prospects[0].first_name}")
    assert b"In-Reply-To" not in world.smtp.received[0].raw


def test_everybody_gets_every_step_in_a_rehearsal(branching):
    """Whoever rehearses wants to read it all."""
    world = branching({2: CLICKED})
    rehearsal = rehearsing.start(
        campaign=world.campaign, prospects=world.prospects, to="me@outreach.example", now=world.now, by=None
    )
    for _ in range(6):
        world.tick(minutes=3)
    assert Message.objects.filter(campaign=rehearsal, state="sent").count() == 3
