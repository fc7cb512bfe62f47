"""A sequence that is edited in the middle of a day: everyone gets what the changes said, nobody twice, nobody nothing.

What was foretold is read off `revising.look` before each publication; what came is read off the mail server's log.
"""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import drafting, enrolling, lifecycle, planning, revising, stopping
from campaigns.fates import Kind
from campaigns.models import Enrollment, Message
from tests import factories
from tests.amounts import DAYS, PROVING
from tests.campaigns.revising_stories import edit, named, publish, received, sequence
from tests.faults import workers
from tests.faults.rig import Rig, thaw
from tests.running import Running

pytestmark = pytest.mark.django_db(transaction=True)


def launched(names, mailbox, smtp, imap, now, **fields):
    type(mailbox).objects.filter(pk=mailbox.pk).update(verified_at=now)
    mailbox.refresh_from_db()
    campaign = sequence(names, mailbox=mailbox, **fields)
    lifecycle.launch(campaign=campaign, now=now, by=None)
    campaign.refresh_from_db()
    return Running(campaign, mailbox, smtp, imap, now)


def foretold(campaign):
    """By person what they have got and will get, as the page says; of people who follow, once their mail was taken."""
    version = campaign.current_version()
    names = {}
    for each in campaign.sequence_versions.order_by("number"):
        names |= {step.key: name for name, step in named(campaign, version=each).items()}
    had = Counter()
    said = revising.look(campaign=campaign)
    for group in said.groups:
        got = [names[key] for key in group.standing.got]
        if group.fate.kind == Kind.GOES_ON_AGAIN:
            continue  # not asked for
        had["".join(sorted(got)) + "|" + "".join(names[key] for key in group.fate.gets)] += group.people
    assert version.published_at is None
    return said, had


def standing(people, before):
    """What came to these addresses: what they had by then, and what came after it, as `foretold` has it."""
    found = Counter()
    for address, names in people.items():
        had = before.get(address, 0)
        found["".join(sorted(names[:had])) + "|" + "".join(name[0] for name in names[had:])] += 1
    return found


def counts(smtp):
    return {address: len(names) for address, names in received(smtp).items()}


@pytest.mark.prove
def test_an_edit_at_noon_while_a_worker_stands_between_claim_and_mark(mailbox, smtp, imap, now):
    crowd = 3 * (140 if PROVING else 40)
    for _ in range(crowd // 3):
        factories.ProspectFactory()
    world = launched("ABCD", mailbox, smtp, imap, now)
    for day in range(1, 3):  # three waves, a day apart, at different places
        world.days(1)
        for _ in range(crowd // 3):
            factories.ProspectFactory()
        enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
        assert Enrollment.objects.count() == crowd // 3 * (day + 1)
    planning.plan(now=world.now)
    due = Message.objects.filter(state="planned", send_at__lte=world.now)
    assert due.count() >= crowd // 3
    child = Rig(world).frozen_at("in_compose", workers.deliver, mailbox_id=world.mailbox.pk, now=world.now)
    edit(world.campaign, "AXCB", says={"C": "Changed"})
    said, told = foretold(world.campaign)
    before = counts(smtp)
    version = publish(world.campaign, now=world.now, seen=said.seen)
    thaw(child)
    child.join(60)
    assert counts(smtp) == before  # nothing of what was composed before was said
    world.days(8)
    people = received(smtp)
    assert len(people) == crowd
    assert all(len(set(names)) == len(names) for names in people.values())
    assert "C" not in {name for names in people.values() for name in names}
    assert standing(people, before) == told
    assert version.counts == {"goes_on": crowd}
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"finished"}
    assert not Message.objects.exclude(state__in=["sent", "cancelled"]).exists()


@pytest.mark.parametrize("fault", ["after_mark", pytest.param("before_outcome", marks=pytest.mark.prove)])
def test_whoever_is_in_a_workers_hand_follows_when_it_goes_on(mailbox, smtp, imap, now, fault):
    for _ in range(3):
        factories.ProspectFactory()
    world = launched("ABC", mailbox, smtp, imap, now)
    planning.plan(now=world.now)
    child = Rig(world).frozen_at(fault, workers.deliver, mailbox_id=world.mailbox.pk, now=world.now)
    edit(world.campaign, "AXC", says={"A": "Anew"})
    version = publish(world.campaign, now=world.now)
    assert version.counts == {"follows": 1, "goes_on": 2}
    thaw(child)
    child.join(60)
    world.days(4)
    assert sorted("-".join(names) for names in received(smtp).values()) == ["A-X-C", "Anew-X-C", "Anew-X-C"]
    version.refresh_from_db()
    assert version.behind == []


STEPS = st.lists(st.sampled_from("ABCDEXYZ"), min_size=1, max_size=5, unique=True).map("".join)
EDITS = st.lists(st.tuples(STEPS, st.integers(0, 3), st.booleans(), st.booleans()), min_size=1, max_size=3)


@DAYS
@given(old=STEPS, edits=EDITS)
def test_any_edits_give_nobody_a_step_twice_and_everybody_what_was_said(mailbox, smtp, imap, now, old, edits):
    world = launched(old, mailbox, smtp, imap, now, segment=newcomers(2))
    smtp.received.clear()
    known, runs = set(old), set(old)
    said = ()  # what the last publication foretold, what they had by then, and of whom
    for names, days, one_stops, more_come in edits:
        world.days(days, hours=6)
        if one_stops and (way := under_way(world).order_by("id").first()):
            stopping.stop_person(prospect=way.prospect, reason="asked")
            said = ()
        if more_come:
            newcomers(1, of=world.campaign.segment)
            enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
        names = [name for name in names if name in runs or name not in known]  # added again it is another step
        if not names:
            continue
        edit(world.campaign, names)
        if not revising.look(campaign=world.campaign).changes:
            revising.discard(campaign=world.campaign)
            continue
        known, runs = known | set(names), set(names)
        _, told = foretold(world.campaign)
        before, people = counts(smtp), set(under_way(world).values_list("prospect__email", flat=True))
        assert told.total() == len(people)
        publish(world.campaign, now=world.now)
        said = (told, before, people)
    world.days(8, hours=6)
    got = received(smtp)
    assert all(len(set(names)) == len(names) for names in got.values())
    assert not under_way(world).exists()
    if said:
        told, before, people = said
        assert standing({address: got.get(address, []) for address in people}, before) == told


def newcomers(count, *, of=None):
    """So many new people, of a segment of their own."""
    segment = of or factories.SegmentFactory()
    type(segment).objects.filter(pk=segment.pk).update(filter={"field": "tags", "op": "is", "value": f"t{segment.pk}"})
    for _ in range(count):
        factories.ProspectFactory(tags=[f"t{segment.pk}"])
    segment.refresh_from_db()
    return segment


def under_way(world):
    return Enrollment.objects.filter(campaign=world.campaign, state="active")


def test_what_was_added_is_not_lost_to_a_pause(mailbox, smtp, imap, now):
    factories.ProspectFactory()
    world = launched("AB", mailbox, smtp, imap, now)
    world.tick()
    lifecycle.pause(campaign=world.campaign, by=None)
    world.campaign.refresh_from_db()
    edit(world.campaign, "AXB")
    assert drafting.contents(campaign=world.campaign)
    publish(world.campaign, now=world.now)
    world.later(hours=2)
    lifecycle.resume(campaign=world.campaign, by=None)
    for _ in range(4 * 4):
        world.tick(hours=6 - 1)
    assert list(received(smtp).values()) == [["A", "X", "B"]]
    assert timedelta(days=2) <= Message.objects.latest("handed_over_at").handed_over_at - now
