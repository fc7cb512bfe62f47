"""Editing a running sequence: everyone gets what the changes said, nobody twice, nobody nothing."""

from collections import Counter
from datetime import timedelta

import pytest

from campaigns import batches, drafting, enrolling, ledger, lifecycle, planning, reconciling, revising, stopping
from campaigns.fates import Kind
from campaigns.models import Campaign, Enrollment, Event, Message, SequenceVersion, Step
from integrations import leases
from tests import factories
from tests.campaigns.revising_stories import edit, named, publish, received, sequence
from tests.running import Running

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def on_the_way(mailbox, smtp, imap, now):
    """`on_the_way("ABC", people=3)`: a campaign with these steps, launched and not ticked yet."""

    def launch(names="ABC", people=1, **fields):
        prospects = [factories.ProspectFactory() for _ in range(people)]
        type(mailbox).objects.filter(pk=mailbox.pk).update(verified_at=now)
        mailbox.refresh_from_db()
        campaign = sequence(names, mailbox=mailbox, **fields)
        lifecycle.launch(campaign=campaign, now=now, by=None)
        campaign.refresh_from_db()
        world = Running(campaign, mailbox, smtp, imap, now)
        world.prospects = prospects
        return world

    return launch


def to_the_end(world, days=10):
    world.days(days)


def got(world):
    return {"".join(each[0] for each in steps) for steps in received(world.smtp).values()}


def test_a_launched_campaign_is_edited_only_in_a_new_version(on_the_way):
    world = on_the_way()
    step = named(world.campaign)["A"]
    with pytest.raises(drafting.NotEditable):
        drafting.save_text(step=step, subject="x", text="y")
    version = revising.begin(campaign=world.campaign, by=None)
    assert revising.begin(campaign=world.campaign, by=None) == version
    assert (version.number, version.published_at) == (2, None)
    before, after = (named(world.campaign, version=each) for each in world.campaign.sequence_versions.order_by("id"))
    assert [step.key for step in before.values()] == [step.key for step in after.values()]
    assert {step.pk for step in before.values()}.isdisjoint(step.pk for step in after.values())
    assert world.campaign.live_version().number == 1
    assert revising.discard(campaign=world.campaign)
    assert not revising.discard(campaign=world.campaign)
    assert Step.objects.count() == 3


@pytest.mark.parametrize("state", ["draft", "archived"])
def test_only_what_was_launched_is_edited_so(state):
    campaign = sequence("A")
    Campaign.objects.filter(pk=campaign.pk).update(state=state)
    with pytest.raises(drafting.NotEditable):
        revising.begin(campaign=campaign, by=None)


def test_what_is_being_written_changes_nothing_that_runs(on_the_way):
    world = on_the_way("AB", people=2)
    edit(world.campaign, "XBA", says={"B": "Better"})
    factories.ProspectFactory()
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    to_the_end(world, 3)
    assert sorted(received(world.smtp).values()) == [["A", "B"]] * 3


def test_publishes_nothing_that_changes_nothing_or_is_not_ready(on_the_way):
    world = on_the_way("AB")
    with pytest.raises(drafting.NotEditable):
        publish(world.campaign, now=world.now)
    revising.begin(campaign=world.campaign, by=None)
    with pytest.raises(revising.NotPublished, match="Nothing is changed"):
        publish(world.campaign, now=world.now)
    drafting.save_text(step=named(world.campaign)["B"], subject="", text="No way out of this.")
    with pytest.raises(revising.NotPublished) as refused:
        publish(world.campaign, now=world.now)
    assert {problem.field for problem in refused.value.problems} == {"steps[2]"}
    assert revising.look(campaign=world.campaign).problems == refused.value.problems
    assert world.campaign.live_version().number == 1


def test_publishes_only_what_was_looked_at(on_the_way):
    world = on_the_way("AB")
    edit(world.campaign, "A")
    seen = revising.look(campaign=world.campaign).seen
    edit(world.campaign, "AX")
    with pytest.raises(revising.SeenBefore):
        publish(world.campaign, now=world.now, seen=seen)
    publish(world.campaign, now=world.now, seen=revising.look(campaign=world.campaign).seen)


def alone(on_the_way):
    """A campaign with the steps A, B and C for one person, who is in no other."""
    person = factories.ProspectFactory()
    only = factories.SegmentFactory(filter={"field": "email", "op": "is", "value": person.email})
    world = on_the_way("ABC", people=0, segment=only)
    world.prospects = [person]
    return world


@pytest.mark.parametrize("planned", [pytest.param(False, marks=pytest.mark.prove), True])
def test_somebody_with_one_mail_goes_on_in_the_new_version(on_the_way, planned):
    gets = {"AXBC": "AXBC", "AC": "AC", "A": "A", "ACB": "ACB", "BCA": "ABC", "XABC": "ABC", "BX": "ABX"}
    worlds = {edited: alone(on_the_way) for edited in gets}  # they share the days
    world = worlds["BX"]
    world.tick()
    if planned:
        planning.plan(now=world.now + timedelta(hours=1))
        assert Message.objects.filter(state="planned").count() == len(gets)
    for edited, each in worlds.items():
        edit(each.campaign, edited)
        publish(each.campaign, now=world.now)
    to_the_end(world)
    mails = {edited: received(world.smtp)[each.prospects[0].email] for edited, each in worlds.items()}
    assert {edited: "".join(steps) for edited, steps in mails.items()} == gets
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"finished"}


def test_who_is_new_gets_the_new_version_and_who_stays_keeps_theirs(on_the_way):
    world = on_the_way("AB")
    world.tick()
    edit(world.campaign, "CB")
    version = publish(world.campaign, now=world.now, audience="new_people")
    factories.ProspectFactory()
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    to_the_end(world, 4)
    assert got(world) == {"AB", "CB"}
    assert version.counts == {}


def test_what_is_planned_keeps_its_slot_and_says_the_new_words(on_the_way):
    world = on_the_way("AB")
    planning.plan(now=world.now)
    before = Message.objects.get()
    edit(world.campaign, "AB", says={"A": "Anew"})
    publish(world.campaign, now=world.now)
    after = Message.objects.get()
    assert (after.pk, after.send_at, after.state) == (before.pk, before.send_at, "planned")
    assert after.step.sequence_version.number == 2
    world.tick()
    assert received(world.smtp)[world.prospects[0].email] == ["Anew"]


def test_a_changed_delay_counts_from_the_mail_before_it(on_the_way):
    world = on_the_way("AB")
    world.tick()
    sent_at = Message.objects.get().handed_over_at
    planning.plan(now=world.now + timedelta(hours=1))
    row = Message.objects.get(state="planned")
    revising.begin(campaign=world.campaign, by=None)
    step = named(world.campaign)["B"]
    timing = {name: getattr(step, name) for name in ("window_start", "window_end", "weekdays")}
    drafting.change_timing(step=step, delay=3, delay_unit="days", **timing)
    publish(world.campaign, now=world.now)
    assert Enrollment.objects.get().due_at == sent_at + timedelta(days=3)
    to_the_end(world, 2)
    assert got(world) == {"A"}
    to_the_end(world, 3)
    sent = Message.objects.get(pk=row.pk)  # the same row of the ledger
    assert sent.state == "sent"
    assert sent.handed_over_at >= sent_at + timedelta(days=3)


def test_a_worker_between_claim_and_mark_says_nothing_of_the_old_version(on_the_way):
    world = on_the_way("AB", people=3)
    planning.plan(now=world.now)
    ids = list(Message.objects.values_list("pk", flat=True))
    token = leases.take(mailbox_id=world.mailbox.pk, owner="slow")
    jobs = list(batches.prepare(message_ids=ids, now=world.now))
    edit(world.campaign, "AB", says={"A": "Anew"})
    publish(world.campaign, now=world.now)
    said = [ledger.Said(job.message.pk, job.message.version, "s", "t", "") for job in jobs]
    assert ledger.mark(said=said, token=token, now=world.now) == set()
    leases.release(mailbox_id=world.mailbox.pk, token=token)
    world.tick()
    assert Counter(step for steps in received(world.smtp).values() for step in steps) == {"Anew": 3}


def test_whoever_is_with_a_server_follows_once_that_is_settled(on_the_way):
    world = on_the_way("AB", people=2)
    world.tick()
    first, second = Message.objects.order_by("id")
    for message in (first, second):  # as if the worker had died after the mark
        Message.objects.filter(pk=message.pk).update(state="uncertain")
        Enrollment.objects.filter(pk=message.enrollment_id).update(
            steps_handed_over=0, look_at=None, next_step_key=message.step_key
        )
    edit(world.campaign, "AX")
    seen = revising.look(campaign=world.campaign)
    assert seen.people == {Kind.FOLLOWS: 2}
    version = publish(world.campaign, now=world.now)
    assert sorted(version.behind) == sorted([first.enrollment_id, second.enrollment_id])
    reconciling.decide(message=Message.objects.get(pk=first.pk), sent=True, note="seen", by=None)
    to_the_end(world, 2)
    version.refresh_from_db()
    assert version.behind == [second.enrollment_id]
    reconciling.decide(message=Message.objects.get(pk=second.pk), sent=False, note="no", by=None)
    to_the_end(world, 1)
    version.refresh_from_db()
    assert version.behind == []
    assert sorted("".join(steps) for steps in received(world.smtp).values()) == ["A", "AX"]


def test_whoever_finishes_while_they_follow_gets_what_was_added(on_the_way):
    world = on_the_way("A")
    world.tick()
    message = Message.objects.get()
    Message.objects.update(state="sending", lease_token=1)
    Enrollment.objects.update(steps_handed_over=0, state="active", ended_at=None, next_step_key=message.step_key)
    edit(world.campaign, "AX")
    publish(world.campaign, now=world.now)
    Message.objects.update(state="sent")
    Enrollment.objects.update(steps_handed_over=1, state="finished", next_step_key="")
    to_the_end(world, 3)
    assert got(world) == {"AX"}


@pytest.mark.parametrize(("asked", "gets"), [(True, "AX"), (False, "A")])
def test_who_has_finished_gets_what_is_added_only_if_asked_for(on_the_way, asked, gets):
    world = on_the_way("A", people=2)
    world.tick()
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"finished"}
    edit(world.campaign, "AX")
    assert revising.look(campaign=world.campaign).addable == 2
    publish(world.campaign, now=world.now, reaches_finished=asked)
    to_the_end(world, 3)
    assert got(world) == {gets}


def test_whoever_answered_after_they_had_finished_hears_no_more(on_the_way):
    world = on_the_way("A", people=1)
    world.tick()
    message = Message.objects.get()
    Event.record_once(kind="replied", message=message, occurred_at=world.now, dedupe_key="r")
    edit(world.campaign, "AX")
    assert revising.look(campaign=world.campaign).addable == 0
    publish(world.campaign, now=world.now, reaches_finished=True)
    to_the_end(world, 3)
    assert got(world) == {"A"}


def test_a_stop_stays_a_stop(on_the_way):
    world = on_the_way("AB", people=2)
    world.tick()
    stopping.stop_person(prospect=world.prospects[0], reason="asked")
    edit(world.campaign, "AXB")
    assert revising.look(campaign=world.campaign).people == {Kind.GOES_ON: 1}
    publish(world.campaign, now=world.now, reaches_finished=True)
    to_the_end(world)
    assert sorted("".join(steps) for steps in received(world.smtp).values()) == ["A", "AXB"]


def test_says_with_counts_what_becomes_of_whom(on_the_way):
    world = on_the_way("ABC", people=3)
    world.tick()
    factories.ProspectFactory()
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    edit(world.campaign, "AXC", says={"C": "Cheerful"})
    seen = revising.look(campaign=world.campaign)
    assert [(change.was, change.position, change.kinds) for change in seen.changes] == [
        (2, 0, ("removed",)),
        (0, 2, ("added",)),
        (3, 3, ("reworded",)),
    ]
    assert [line.text for line in seen.changes[2].text if line.sign == "+"] == ["[step Cheerful]"]
    assert [(group.position, group.people, group.next_position) for group in seen.groups] == [(1, 1, 1), (2, 3, 2)]
    version = publish(world.campaign, now=world.now)
    assert version.counts == {"goes_on": 4}
    assert SequenceVersion.objects.get(pk=version.pk).published_at == world.now
