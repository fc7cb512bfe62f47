"""A worker killed in every gap between two commits: nobody gets a step twice, nothing is lost, no stop is forgotten."""

import ast
import random
from collections import Counter
from datetime import time

import pytest

from campaigns import pacing
from campaigns.models import Enrollment, Message, Step
from integrations.models import Mailbox
from prospects.models import Prospect
from tests.architecture import facts
from tests.factories import TEXT
from tests.faults import rig, workers
from tests.faults.points import POINTS
from tests.faults.rig import Rig

TEN = (
    *("after_claim", "before_connect", "after_mark", "before_data", "after_dot"),
    *("in_outcome", "in_plan", "in_store", "in_apply", "in_stop"),
)

RELAY = ("after_mark", "before_data", "before_dot", "after_dot", "before_outcome")
CONNECTIONS = 3

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def killed(running):
    """A campaign whose windows close at night, whose mailbox has a cap, and whose text needs a company."""

    def launch(people):
        world = running(people=people, says={"text": "For {{ company }}\n" + TEXT})
        Prospect.objects.update(company="Acme")
        Step.objects.update(window_start=time(6), window_end=time(22))
        world.mailbox.daily_cap = 70
        world.mailbox.save(update_fields=["daily_cap"])
        world.rig, world.said_no = Rig(world), set()
        world.rig.run(workers.tick, mailbox_id=world.mailbox.pk, now=world.now, limit=10)  # who can answer
        return world

    return launch


def next_hour(world):
    """The next full hour inside the windows, with a day's new cap when this one is over."""
    for _ in range(1 if world.now.hour < 20 else 33 - world.now.hour):
        world.later(hours=1).deliver(limit=0)  # the queue is looked at all night, or it would be overdue in the morning


def in_doubt():
    return Message.objects.filter(state__in=("sending", "uncertain")).count()


def kill_at(world, name, passes):
    next_hour(world)
    before, point = in_doubt(), POINTS[name]
    with point.leads(world) as (job, given):
        world.rig.killed_at(f"{name}:{passes}", job, **given)
    in_hand = in_doubt() - before
    assert in_hand <= world.rig.marks, f"{in_hand} in doubt at {name}"
    assert in_hand or not point.marked, f"nothing was marked at {name}"
    world.rig.check()


def ends_well(world):
    """What the kills left behind is worked off: everybody finished, or stopped, or waits for one that is uncertain."""
    for _ in range(200):
        next_hour(world)
        world.tick()
        waiting = Enrollment.objects.filter(state="active")
        doubtful = Message.objects.filter(state="uncertain").values("enrollment")
        if not waiting.exclude(pk__in=doubtful).exists():
            break
    world.rig.check()
    assert not waiting.exclude(pk__in=doubtful).exists()
    assert not rig.owned()
    assert not Enrollment.objects.filter(prospect__in=world.said_no).exclude(state="stopped").exists()
    assert Counter(Message.objects.values_list("state", flat=True)).keys() <= {
        "sent",
        "refused",
        "uncertain",
        "cancelled",
    }


@pytest.mark.parametrize(
    ("people", "points", "rounds"),
    [
        pytest.param(24, TEN, 1, id="10 kills"),
        pytest.param(400, POINTS, 8, id="304 kills", marks=pytest.mark.prove),
    ],
)
def test_a_kill_between_any_two_commits_loses_nothing_and_repeats_nothing(killed, people, points, rounds):
    world, chance = killed(people), random.Random(20260304)
    kills = [(name, 1 + each % POINTS[name].passes) for name in points for each in range(rounds)]
    chance.shuffle(kills)
    for name, passes in kills:
        kill_at(world, name, passes)
    ends_well(world)


@pytest.mark.prove
def test_a_killed_relay_leaves_no_more_in_doubt_than_its_connections_had_marked(killed):
    world, chance = killed(370), random.Random(20260305)
    Mailbox.objects.update(connections=CONNECTIONS, gap_seconds=0, daily_cap=100_000)
    world.rig.marks = CONNECTIONS * pacing.AHEAD
    for number in range(24):
        next_hour(world)
        before = in_doubt()
        point = RELAY[number % len(RELAY)]
        given = {"mailbox_id": world.mailbox.pk, "now": world.now, "limit": 60}
        world.rig.killed_at(f"{point}:{chance.randint(1, 12 if point != 'after_mark' else 2)}", workers.tick, **given)
        assert in_doubt() - before <= world.rig.marks
        world.rig.check()
    ends_well(world)


def test_every_point_of_the_code_is_known_here():
    calls = [
        node.args[0].value
        for path, text in facts.sources(*facts.PACKAGES).items()
        if "fault(" in text and path != "outreach/lib/faults.py"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "fault"
    ]
    assert sorted(calls) == sorted(POINTS)  # each stands in one place
