"""What goes on while a new version is published, and what else belongs to one: rehearsals, approvals, links."""

from datetime import timedelta

import pytest

from campaigns import approving, drafting, enrolling, lifecycle, planning, rehearsing, revising, skipping
from campaigns.models import Campaign, Enrollment, Message, TrackedLink
from prospects.models import Prospect
from tests import factories
from tests.campaigns.revising_stories import edit, named, publish, received, sequence, text
from tests.racing import meanwhile
from tests.running import Running

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(mailbox, smtp, imap, now):
    """A campaign with the steps A, B and C, launched for two people and not ticked yet."""
    people = [factories.ProspectFactory() for _ in range(2)]
    type(mailbox).objects.filter(pk=mailbox.pk).update(verified_at=now)
    mailbox.refresh_from_db()
    campaign = sequence("ABC", mailbox=mailbox)
    lifecycle.launch(campaign=campaign, now=now, by=None)
    campaign.refresh_from_db()
    made = Running(campaign, mailbox, smtp, imap, now)
    made.prospects = people
    return made


def versions():
    return sorted(Enrollment.objects.values_list("sequence_version__number", flat=True))


def enroll(world):
    factories.ProspectFactory()
    everybody = Prospect.objects.all()
    return enrolling.enroll(campaign=world.campaign, prospects=everybody, now=world.now, by=None)


def test_whoever_is_being_enrolled_is_waited_for_and_moves(world):
    edit(world.campaign, "AX")
    meanwhile(lambda: publish(world.campaign, now=world.now), under_way=lambda: enroll(world))
    assert versions() == [2, 2, 2]


def test_whoever_is_enrolled_meanwhile_begins_in_the_new_version(world):
    edit(world.campaign, "AX")
    assert meanwhile(lambda: enroll(world), under_way=lambda: publish(world.campaign, now=world.now)) == 1
    assert versions() == [2, 2, 2]


def test_days_off_that_are_changed_meanwhile_wait_for_it_or_it_for_them(world):
    planning.plan(now=world.now)
    edit(world.campaign, "AX", says={"A": "Anew"})
    quiet = [world.now.date() + timedelta(days=3)]

    def change():
        return lifecycle.change_campaign(campaign=world.campaign, now=world.now, quiet_dates=quiet)

    meanwhile(change, under_way=lambda: publish(world.campaign, now=world.now))
    edit(world.campaign, "AXY")
    quiet.append(world.now.date() + timedelta(days=4))
    meanwhile(lambda: publish(world.campaign, now=world.now), under_way=change)
    assert Campaign.objects.get(pk=world.campaign.pk).quiet_dates == quiet
    assert world.campaign.live_version().number == 3


def test_a_planner_leaves_while_a_version_is_published(world):
    edit(world.campaign, "AX")
    assert meanwhile(
        lambda: planning.plan(now=world.now), under_way=lambda: publish(world.campaign, now=world.now)
    ).ran in (False, True)
    world.tick()
    assert set(map(tuple, received(world.smtp).values())) == {("A",)}
    assert Message.objects.filter(step__sequence_version__number=2).count() == 2


def test_a_rehearsal_plays_what_is_being_written(world):
    edit(world.campaign, "AX", says={"A": "Anew"})
    rehearsal = rehearsing.start(
        campaign=world.campaign, prospects=world.prospects[:1], to="me@office.example", now=world.now, by=None
    )
    assert list(named(rehearsal)) == ["A", "X"]
    contents = drafting.contents(campaign=world.campaign)
    assert rehearsing.is_rehearsed(campaign=world.campaign, contents=contents)
    assert world.campaign.live_version().number == 1
    assert revising.look(campaign=world.campaign).changes


def test_what_was_approved_is_asked_for_again_when_it_says_something_else(world):
    revising.begin(campaign=world.campaign, by=None)
    drafting.change_hand(step=named(world.campaign)["A"], channel="email", needs_approval=True)
    publish(world.campaign, now=world.now)
    planning.plan(now=world.now)
    first, second = Message.objects.order_by("id")
    assert (first.awaits, second.awaits) == ("approval", "approval")
    approving.approve(message=first, by=None, now=world.now)
    edit(world.campaign, "ABC", says={"A": "Anew"})
    publish(world.campaign, now=world.now)
    planning.plan(now=world.now)
    assert set(Message.objects.values_list("pk", "state", "awaits")) == {
        (first.pk, "planned", "approval"),
        (second.pk, "planned", "approval"),
    }
    assert "[step Anew]" in approving.words_of(Message.objects.get(pk=first.pk)).text


def test_what_somebody_left_out_does_not_come_back(world):
    planning.plan(now=world.now)
    message = Message.objects.order_by("id").first()
    skipping.leave_out(message_ids=[message.pk], reason="by a person", now=world.now)
    edit(world.campaign, "BAC")  # behind what comes next for them now
    publish(world.campaign, now=world.now)
    world.days(5)
    assert sorted("".join(steps) for steps in received(world.smtp).values()) == ["BAC", "BC"]


def test_its_links_are_tracked_and_its_templates_go_on(world):
    revising.begin(campaign=world.campaign, by=None)
    step = named(world.campaign)["B"]
    template = step.arms.get().template_version.template
    html = f'<p><a href="https://new.example/">Look</a> {text("B")}</p>'
    drafting.save_text(step=step, subject="", text=text("B"), html=html)
    version = publish(world.campaign, now=world.now)
    assert TrackedLink.objects.filter(url="https://new.example/").exists()
    says = version.steps.get(key=step.key).arms.get().template_version
    assert (says.template, says.number) == (template, 2)


def test_a_step_that_is_done_by_a_person_goes_on_where_the_new_version_says(world):
    world.tick()
    revising.begin(campaign=world.campaign, by=None)
    drafting.change_hand(step=named(world.campaign)["B"], channel="task", needs_approval=False)
    publish(world.campaign, now=world.now)
    world.tick(days=1)
    message = Message.objects.filter(awaits="task").order_by("id").first()
    edit(world.campaign, "ABXC")
    meanwhile(
        lambda: approving.done(message=message, by=None, now=world.now),
        under_way=lambda: publish(world.campaign, now=world.now),
    )
    way = Enrollment.objects.get(pk=message.enrollment_id)
    assert way.next_step_key == named(world.campaign)["X"].key
    assert way.sequence_version.number == 3
