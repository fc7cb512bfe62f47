"""Many workers at once, and killed together: the mailboxes are shared out, and every message is accounted for."""

import inspect
import itertools
import random
import signal
import threading

import pytest
from django.utils import timezone

from campaigns import enrolling, lifecycle, planning
from campaigns.models import Enrollment, Event, MailboxRound, Message, Reply
from outreach.demo.smtp_server import Stage
from prospects import merging
from tests import factories
from tests.architecture import facts
from tests.campaigns import mails
from tests.faults import workers
from tests.faults.rig import MARKS, Rig, bury, owned, slowly, standing_still
from tests.racing import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.prove]

LEASE = 2  # seconds: here half a minute must not pass before a dead worker's mailbox is taken
OPEN = ("planned", "sending")


@pytest.fixture
def busy(running, smtp, imap):
    """Several mailboxes with as many planned messages each."""

    def launch(*, mailboxes, people):
        world = running(people=people, steps=1)
        for _ in range(mailboxes - 1):
            mailbox = factories.mailbox_on(smtp, imap, verified_at=world.now)
            lifecycle.launch(campaign=factories.campaign(mailbox=mailbox, steps=1), now=world.now, by=None)
        planning.plan(now=world.now)
        assert Message.objects.filter(state="planned").count() == mailboxes * people
        world.rig = Rig(world)
        return world

    return launch


def worker(world):
    return workers.start(workers.deliver_all, now=world.now, lease_seconds=LEASE)


def open_messages():
    return Message.objects.filter(state__in=OPEN).count()


def everything_ended(world):
    world.rig.check()
    assert not open_messages()
    assert set(Message.objects.values_list("state", flat=True)) <= {"sent", "uncertain"}
    assert (
        not Enrollment.objects.filter(state="active")
        .exclude(pk__in=Message.objects.filter(state="uncertain").values("enrollment"))
        .exists()
    )


@pytest.mark.parametrize(
    ("crew", "mailboxes", "people", "every", "slow"),
    [
        pytest.param(4, 3, 15, 0.5, 0.03, id="4 workers"),
        pytest.param(20, 8, 150, 1.0, 0.01, id="20 workers, one killed every second", marks=pytest.mark.prove),
    ],
)
def test_workers_that_are_killed_one_after_the_other_send_everything_once(busy, crew, mailboxes, people, every, slow):
    world, chance, never = busy(mailboxes=mailboxes, people=people), random.Random(11), threading.Event()
    world.smtp.behaviour = slowly(slow)
    alive, killed = [worker(world) for _ in range(crew)], 0
    while open_messages():
        never.wait(every)
        victim = alive.pop(chance.randrange(len(alive)))
        if victim.exitcode is None:
            victim.kill()
            killed += 1
        victim.join()
        world.rig.allowed = killed * MARKS
        with standing_still(alive):
            world.rig.check()
        alive.append(worker(world))
        assert killed < 120, "they do not get on"
    for each in alive:
        each.join(60)
    assert killed > 2
    everything_ended(world)


@pytest.mark.parametrize("people", [10, pytest.param(100, marks=pytest.mark.prove)])
def test_a_power_loss_with_everything_in_flight_loses_nothing(busy, people):
    """Five mailboxes, each with a batch claimed and one message on the wire; then all workers die in one moment."""
    world, stuck = busy(mailboxes=5, people=people), threading.Event()
    took = itertools.count(1)
    world.smtp.behaviour = lambda recipient, message, stage: (
        stuck.wait(30) and None if stage is Stage.DOT and next(took) > 5 else None
    )
    crew = [workers.start(workers.deliver_all, now=world.now, lease_seconds=30) for _ in range(5)]
    until(lambda: sum(len(each.claimed) for each in MailboxRound.objects.all()) > 5 * people - 20)
    for each in crew:
        each.kill()
    for each in crew:
        each.join(10)
        assert each.exitcode == -signal.SIGKILL
    stuck.set()
    world.smtp.behaviour = None
    world.rig.allowed = 5 * MARKS
    bury()
    world.rig.check()
    world.rig.run(workers.deliver_all, now=world.now, lease_seconds=30)
    everything_ended(world)


@pytest.fixture
def eventful(running):
    """Something for every task: people to plan, a mail to hand over, answers to fetch and to apply, a merge."""
    world = running(people=8, steps=2)
    world.tick()
    for message in Message.objects.select_related("mailbox").order_by("id")[:3]:
        world.answers(mails.reply(message, sender=message.recipient, text=f"No thanks. {message.pk}"))
    for _ in range(4):
        factories.ProspectFactory()
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    merging.merge(survivor=world.prospects[6], merged=world.prospects[7], by=None, now=world.now)
    world.rig, world.now = Rig(world), timezone.now()
    return world


def arguments(task, world):
    """One mailbox's id, for a task that is about one."""
    asked = inspect.signature(workers.app.tasks[task].run).parameters
    return [world.mailbox.pk] if "mailbox_id" in asked else []


def test_every_task_that_comes_twice_at_once_has_its_effect_once(eventful):
    first = ["integrations.tasks.poll_mailbox", "campaigns.tasks.apply_inbound", "campaigns.tasks.plan"]
    tasks = [*first, "campaigns.tasks.deliver_mailbox", *sorted(facts.tasks())]
    for task in tasks:
        given = {"task": task, "arguments": arguments(task, eventful)}

        pair = [workers.start(workers.call, **given) for _ in range(2)]
        for each in pair:
            each.join(60)
            assert each.exitcode == 0, task

        eventful.rig.check()
    assert (Reply.objects.count(), Event.objects.filter(kind="replied").count()) == (3, 3)
    assert len(eventful.smtp.received) >= 12
    assert not owned()
