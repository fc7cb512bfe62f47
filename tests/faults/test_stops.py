"""A no, a pause and a restart that meet a worker in the middle of its work: to the side of the person, and exactly."""

import random
import threading
from concurrent import futures

import pytest
from django.db import connection, transaction

from campaigns import ledger, lifecycle, planning, stopping
from campaigns.models import Campaign, Enrollment, MailboxRound, Message
from integrations import leases
from tests.faults import workers
from tests.faults.rig import Rig, bury, thaw
from tests.racing import meanwhile
from tests.saying import said

pytestmark = pytest.mark.django_db(transaction=True)

SAYS = {
    "unsubscribe": lambda message: stopping.unsubscribe(message=message, source="test", now=message.planned_at),
    "person": lambda message: stopping.stop_person(prospect=message.prospect, reason="asked"),
    "enrollment": lambda message: stopping.stop_enrollments(prospect=message.prospect, reason="replied"),
    "everybody": lambda message: stopping.stop_all(reason="holiday", by=None),
}


@pytest.fixture
def planned(running):
    """A campaign with its first messages planned."""

    def launch(**options):
        world = running(**options)
        world.rig = Rig(world)
        planning.plan(now=world.now)
        return world

    return launch


def frozen(world, fault):
    return world.rig.frozen_at(fault, workers.deliver, mailbox_id=world.mailbox.pk, now=world.now)


def only_message():
    return Message.objects.select_related("prospect", "enrollment", "campaign").get()


def weeks_later(world):
    for _ in range(4):
        world.tick(days=2)
    world.rig.check()


@pytest.mark.parametrize("said", SAYS)
def test_a_stop_between_claim_and_mark_stops_the_message(planned, said):
    world = planned()
    child = frozen(world, "after_claim")
    assert list(MailboxRound.objects.get().claimed) == [only_message().pk]
    SAYS[said](only_message())
    world.rig.stopped(None if said == "everybody" else only_message().prospect)
    thaw(child)
    weeks_later(world)
    assert world.smtp.received == []
    assert only_message().state == ("planned" if said == "everybody" else "cancelled")


def test_a_stop_that_commits_while_the_mark_comes_to_its_row_stops_the_message(planned):
    world = planned()
    child = frozen(world, "after_claim")
    meanwhile(lambda: thaw(child), under_way=lambda: SAYS["person"](only_message()))
    world.rig.stopped(only_message().prospect)
    weeks_later(world)
    assert world.smtp.received == []
    assert only_message().state == "cancelled"


@pytest.mark.parametrize(
    ("fault", "said"),
    [*(("after_mark", said) for said in SAYS), ("before_data", "unsubscribe"), ("before_dot", "unsubscribe")],
)
def test_a_stop_during_the_hand_over_stops_every_later_step(planned, fault, said):
    """One mail, marked before the stop, and none after it."""
    world = planned()
    child = frozen(world, fault)
    SAYS[said](only_message())
    world.rig.stopped(None if said == "everybody" else only_message().prospect)
    thaw(child)
    weeks_later(world)
    assert [mail.message_id for mail in world.smtp.received] == [Message.objects.get(state="sent").message_id]


@pytest.mark.parametrize("fault", ["after_claim", "after_mark", "before_data", "before_dot", "before_outcome"])
def test_two_workers_on_one_mailbox_send_each_message_once(planned, fault):
    """The first stands still for so long that its lease ends, and wakes up when the second has done its work."""
    world = planned(people=5, steps=1)
    slow = frozen(world, fault)
    bury()
    world.rig.allowed += 1
    world.rig.run(workers.deliver, mailbox_id=world.mailbox.pk, now=world.now)
    world.rig.check()
    thaw(slow)
    world.later(minutes=5).deliver()
    world.rig.check()
    assert len(world.smtp.received) == 5
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}  # it said itself how its own ended


@pytest.mark.parametrize("times", [60, pytest.param(1000, marks=pytest.mark.prove)])
def test_an_opt_out_that_meets_the_claim_is_before_it_or_after_it(planned, times):
    world, chance = planned(people=times, steps=1), random.Random(7)
    messages = list(Message.objects.order_by("send_at", "id").select_related("prospect", "campaign"))
    token = leases.take(mailbox_id=world.mailbox.pk, owner="test")
    marked = 0
    with (
        futures.ThreadPoolExecutor(1) as claimer,
        futures.ThreadPoolExecutor(1) as person,
        leases.kept_alive(mailbox_id=world.mailbox.pk, token=token),
    ):
        for message in messages:
            together, waits = threading.Barrier(2), [chance.random() * 0.004, 0]
            chance.shuffle(waits)
            claim = claimer.submit(_claims, message, token, world, together, waits[0])
            stop = person.submit(_says_no, message, together, waits[1])
            was_marked, stop_result = claim.result(20), stop.result(20)
            assert stop_result
            world.rig.stopped(message.prospect)
            marked += was_marked
            state = Message.objects.values_list("state", flat=True).get(pk=message.pk)
            assert state == ("sending" if was_marked else "cancelled")
        for pool in (claimer, person):
            pool.submit(lambda: connection.close()).result()
    assert 0 < marked < times  # both came to pass
    assert not Enrollment.objects.filter(state="active").exists()


def _claims(message, token, world, together, wait):
    words = said(message.pk, now=world.now)
    together.wait(10)
    threading.Event().wait(wait)
    found = ledger.claim(mailbox_id=world.mailbox.pk, token=token, now=world.now, limit=1)
    return bool(found) and bool(ledger.mark(said=[words], token=token, now=world.now))


def _says_no(message, together, wait):
    together.wait(10)
    threading.Event().wait(wait)
    return SAYS["unsubscribe"](message)


@pytest.mark.parametrize("how", ["pause", "stop all", "kill"])
def test_whatever_stops_a_batch_in_its_middle_the_same_people_get_it(planned, how):
    world = planned(people=12, steps=2)
    told = {person.email for person in world.prospects}
    if how == "kill":
        world.rig.killed_at("before_data:5", workers.deliver, mailbox_id=world.mailbox.pk, now=world.now)
    else:
        child = world.rig.frozen_at("before_outcome", workers.deliver, mailbox_id=world.mailbox.pk, now=world.now)
        _off(world, how)
        thaw(child)
        world.rig.check()
        assert len(world.smtp.received) == 1  # what was claimed with it stays
        world.tick(hours=1)
        assert len(world.smtp.received) == 1
        assert not Enrollment.objects.exclude(state="active").exists()  # nobody is through
        _on(world, how)
    for _ in range(3):
        world.tick(days=1, minutes=1)  # the machine's own seconds are added to when a step is due
    world.rig.check()
    doubtful = set(Message.objects.filter(state="uncertain").values_list("recipient", flat=True))
    assert len(doubtful) == (how == "kill")
    got = sorted(mail.recipient for mail in world.smtp.received)
    assert got == sorted([*(told - doubtful), *(told - doubtful)])
    assert set(Enrollment.objects.exclude(prospect__email__in=doubtful).values_list("state", flat=True)) == {"finished"}


def _off(world, how):
    if how == "pause":
        lifecycle.pause(campaign=world.campaign, by=None)
    else:
        stopping.stop_all(by=None)
    world.rig.stopped()


def _on(world, how):
    world.rig.resumed()
    if how == "pause":
        lifecycle.resume(campaign=Campaign.objects.get(), by=None)
    else:
        stopping.resume_all(by=None)


def test_a_stop_that_is_rolled_back_stops_nobody(planned):
    world = planned(steps=1)
    with transaction.atomic():
        SAYS["unsubscribe"](only_message())
        transaction.set_rollback(True)
    world.deliver()
    assert len(world.smtp.received) == 1
