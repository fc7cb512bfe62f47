"""What a draft says and when, until the launch publishes it."""

from datetime import time

import pytest

from campaigns import beginning, drafting, lifecycle, preflight
from campaigns.models import Arm, Campaign, Enrollment, Step, StepDraft
from prospects.models import Segment
from templates import versions
from templates.linting import TemplateProblems
from templates.models import Template, TemplateVersion
from tests import factories

pytestmark = pytest.mark.django_db

GOOD = f"Hello {{{{ first_name }}}}, a word.\n{drafting.FOOT}"


@pytest.fixture
def draft(now):
    return factories.campaign(mailbox=factories.MailboxFactory(verified_at=now), steps=0)


def written(campaign, *texts):
    for number, text in enumerate(texts):
        drafting.add_step(campaign=campaign, subject="" if number else "Hello", text=text, by=None)
    return list(Step.objects.filter(sequence_version__campaign=campaign).order_by("position"))


def says(campaign):
    return [content.text for content in drafting.contents(campaign=campaign)]


def test_keeps_half_written_text_as_it_is(draft):
    (step,) = written(draft, GOOD)
    drafting.save_text(step=step, subject="{{ fi", text="Hi {{ first_nam")
    drafting.save_text(step=step, subject="{{ fi", text="Hi {{ first_name }", html="<p>")
    content = drafting.contents(campaign=draft)[0]
    assert (content.subject, content.text, content.html) == ("{{ fi", "Hi {{ first_name }", "<p>")
    assert StepDraft.objects.count() == 1
    assert any("never closes" in problem.message for problem in drafting.problems(content))


def test_gives_a_first_message_now_and_a_follow_up_in_three_business_days_and_the_window_before(draft):
    first = drafting.add_step(campaign=draft, by=None)
    timing = {"delay": 0, "delay_unit": "days", "window_start": time(7), "window_end": time(0), "weekdays": [6, 7]}
    drafting.change_timing(step=first, **timing)
    second = drafting.add_step(campaign=draft, by=None)
    assert (first.position, second.position, second.delay, second.delay_unit) == (1, 2, 3, "business_days")
    assert (second.window_start, second.window_end, second.weekdays) == (time(7), time(0), [6, 7])


def test_refuses_a_window_that_ends_before_it_starts(draft):
    step = drafting.add_step(campaign=draft, by=None)
    with pytest.raises(lifecycle.InvalidCampaign) as refused:
        drafting.change_timing(
            step=step, delay=1, delay_unit="days", window_start=time(9), window_end=time(8), weekdays=[]
        )
    assert {problem.field for problem in refused.value.problems} == {"window_end", "weekdays"}


def test_moves_a_step_and_leaves_the_first_gap_where_it_is(draft):
    first, second, third = written(draft, "1", "2", "3")
    assert drafting.move(step=second, up=True)
    assert says(draft) == ["2", "1", "3"]
    first.refresh_from_db()
    assert (first.position, first.delay) == (2, 3)  # not straight after the message before
    assert not drafting.move(step=third, up=False)
    assert drafting.move(step=third, up=True)
    assert says(draft) == ["2", "3", "1"]


def test_closes_the_gap_of_a_removed_step_and_brings_it_back_in_its_place(draft):
    second = written(draft, "1", "2", "3")[1]
    drafting.remove_step(step=second)
    assert says(draft) == ["1", "3"]
    drafting.add_step(campaign=draft, text="2", position=2, by=None)
    assert says(draft) == ["1", "2", "3"]
    assert list(Step.objects.order_by("position").values_list("position", flat=True)) == [1, 2, 3]


def test_publishes_each_draft_under_a_name_of_its_own(draft, manager):
    written(draft, GOOD, GOOD + "!")
    assert drafting.publish(campaign=draft, by=manager) == 2
    assert StepDraft.objects.count() == 0
    assert says(draft) == [GOOD, GOOD + "!"]
    names = list(Template.objects.order_by("id").values_list("name", flat=True))
    assert names == [f"{draft.name} · step 1", f"{draft.name} · step 2"]
    assert TemplateVersion.objects.first().created_by == manager
    other = beginning.duplicate(campaign=draft, by=manager)
    assert says(other) == says(draft)


def test_publishes_a_changed_step_as_the_next_version_of_its_template(draft):
    template = factories.template()
    step = lifecycle.add_step(campaign=draft, template=template, by=None)
    drafting.save_text(step=step, subject="Hello", text=GOOD)
    drafting.publish(campaign=draft, by=None)
    assert Arm.objects.get().template_version == template.current_version()
    assert template.current_version().number == 2


def test_leaves_a_template_alone_that_another_step_says_too(draft):
    template = factories.template()
    step, other = (lifecycle.add_step(campaign=draft, template=template, by=None) for _ in range(2))
    drafting.save_text(step=step, subject="Hello", text=GOOD)
    drafting.publish(campaign=draft, by=None)
    assert template.versions.count() == 1
    assert other.arms.get().template_version.template == template
    assert step.arms.get().template_version.text == GOOD


def test_publishes_nothing_new_when_nothing_was_changed(draft):
    template = factories.template()
    step = lifecycle.add_step(campaign=draft, template=template, by=None)
    version = template.current_version()
    drafting.save_text(step=step, subject=version.subject, text=version.text)
    drafting.publish(campaign=draft, by=None)
    assert (TemplateVersion.objects.count(), StepDraft.objects.count()) == (1, 0)


def test_publishes_all_or_nothing_and_names_the_step(draft):
    written(draft, GOOD, "Hello {{ nobody }}")
    with pytest.raises(TemplateProblems) as refused:
        drafting.publish(campaign=draft, by=None)
    assert {problem.field for problem in refused.value.problems} == {"steps[2]"}
    assert (Template.objects.count(), StepDraft.objects.count()) == (0, 2)


def test_finds_a_name_when_the_wanted_one_is_taken(draft):
    versions.create_template(name=f"{draft.name} · step 1", subject="x", text="x", by=None)
    written(draft, GOOD)
    drafting.publish(campaign=draft, by=None)
    assert Template.objects.filter(name=f"{draft.name} · step 1 (2)").exists()


def test_a_launch_publishes_what_was_written(draft, now):
    factories.ProspectFactory()
    written(draft, GOOD, GOOD)
    assert lifecycle.launch(campaign=draft, now=now, by=None).enrolled == 1
    assert Arm.objects.count() == 2
    with pytest.raises(lifecycle.NotEditable):
        drafting.save_text(step=Step.objects.first(), subject="", text="other")
    with pytest.raises(lifecycle.NotEditable):
        drafting.add_step(campaign=draft, by=None)


def test_a_refused_launch_leaves_the_drafts_as_they_are(draft, now):
    factories.ProspectFactory()
    written(draft, GOOD, drafting.BLANK)
    with pytest.raises(lifecycle.NotReady) as refused:
        lifecycle.launch(campaign=draft, now=now, by=None)
    (problem,) = refused.value.problems
    assert (problem.field, problem.message) == ("steps[2]", "Step 2: It says nothing yet: write its text.")
    assert (StepDraft.objects.count(), Template.objects.count(), Enrollment.objects.count()) == (2, 0, 0)


def test_preflight_asks_drafts_for_subject_opt_out_and_address(draft):
    factories.ProspectFactory()
    drafting.add_step(campaign=draft, subject=" ", text="Hello there", by=None)
    messages = " ".join(problem.message for problem in preflight.check(campaign=draft))
    for expected in ("needs a subject", "no unsubscribe link in the text", "no postal address in the text"):
        assert expected in messages


def test_a_copy_is_a_draft_of_its_own(draft, manager):
    step = written(draft, GOOD, "two")[0]
    copy = beginning.duplicate(campaign=draft, by=manager)
    again = beginning.duplicate(campaign=draft, by=manager)
    assert (copy.name, again.name) == (f"{draft.name} (copy)", f"{draft.name} (copy 2)")
    assert (copy.state, says(copy)) == ("draft", [GOOD, "two"])
    drafting.save_text(step=step, subject="", text="changed")
    assert says(copy) == [GOOD, "two"]


def test_begins_with_what_was_used_last_and_one_blank_message(manager):
    factories.ProspectFactory()
    factories.ProgramFactory()
    mailbox = factories.MailboxFactory()
    manager.time_zone = "Europe/Berlin"
    first = beginning.begin(name="First", by=manager)
    assert (first.segment.name, first.mailbox, first.time_zone) == ("Everybody", mailbox, "Europe/Berlin")
    assert drafting.contents(campaign=first)[0].says_nothing
    factories.ProgramFactory()
    other = Segment.objects.create(name="Other", filter={"field": "country", "op": "is", "value": "DE"})
    second = beginning.begin(name=beginning.free_name(), segment=other, by=manager)
    assert (second.name, second.program, second.segment) == ("Campaign 2", first.program, other)


def test_does_not_begin_with_nothing(manager):
    with pytest.raises(beginning.NothingToStartWith):
        beginning.begin(name="First", by=manager)
    assert Campaign.objects.count() == 0


def test_archives_what_rests_and_brings_it_back(draft, now, manager):
    assert lifecycle.archive(campaign=draft, by=manager)
    assert not lifecycle.archive(campaign=draft, by=manager)
    with pytest.raises(lifecycle.NotEditable, match="archived"):
        drafting.add_step(campaign=draft, by=manager)
    assert lifecycle.restore(campaign=draft, by=manager)
    assert (draft.state, lifecycle.restore(campaign=draft, by=manager)) == ("draft", False)


def test_archives_no_campaign_that_people_are_on_their_way_through(draft, now, manager):
    factories.ProspectFactory()
    written(draft, GOOD)
    lifecycle.launch(campaign=draft, now=now, by=manager)
    with pytest.raises(lifecycle.StillRunning, match="pause it first"):
        lifecycle.archive(campaign=draft, by=manager)
    lifecycle.pause(campaign=draft, by=manager)
    assert lifecycle.archive(campaign=draft, by=manager)
    assert lifecycle.restore(campaign=draft, by=manager)
    assert draft.state == "paused"
    lifecycle.resume(campaign=draft, by=manager)
    Enrollment.objects.update(state="finished", look_at=None)
    assert lifecycle.archive(campaign=draft, by=manager)
