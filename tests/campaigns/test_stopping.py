"""A no to a person is a no to all rows of theirs, also to those that a merge under way makes theirs."""

import pytest

from campaigns import merging, planning, stopping
from campaigns.models import Enrollment
from prospects import merging as people
from prospects.models import Prospect
from tests import racing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair(running):
    world = running(people=2)
    planning.plan(now=world.now)
    world.survivor, world.merged = world.prospects
    world.merge = lambda: people.merge(survivor=world.survivor, merged=world.merged, by=None, now=world.now)
    return world


@pytest.mark.parametrize("said_to", ["survivor", "merged"])
def test_stops_both_when_it_meets_their_merge(pair, said_to):
    racing.meanwhile(lambda: stopping.stop_person(prospect=getattr(pair, said_to), reason="rude"), under_way=pair.merge)
    assert not Prospect.objects.filter(stopped_at=None).exists()
    assert set(Enrollment.objects.values_list("state", "stop_reason")) == {("stopped", "person_stopped")}


def test_ends_what_both_are_in_when_an_answer_meets_their_merge(pair):
    racing.meanwhile(lambda: stopping.stop_enrollments(prospect=pair.merged, reason="replied"), under_way=pair.merge)
    assert set(Enrollment.objects.values_list("state", "stop_reason")) == {("stopped", "replied")}
    merging.apply_waiting()
    assert not Enrollment.objects.filter(state="active").exists()


def test_stops_the_survivor_for_who_read_the_row_before_it_was_merged(pair):
    pair.merge()  # the rows in hand know nothing of it
    stopping.stop_person(prospect=pair.merged, reason="rude")
    assert not Prospect.objects.filter(stopped_at=None).exists()
