from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from prospects import stages
from prospects.models import Prospect, Stage, StageChange
from prospects.stages import Choice, Fact
from tests import factories

START = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = st.sampled_from(Stage.Name.values)
MOMENTS = st.integers(0, 9).map(lambda hours: START + timedelta(hours=hours))
FACTS = st.lists(st.builds(Fact, st.sampled_from(["contacted", "replied", "declined", "unreachable"]), MOMENTS))
TOLD = """SELECT (f->>'prospect')::bigint AS prospect_id, (f->>'program')::bigint AS program_id, f->>'stage' AS name,
                 'it happened' AS why, (f->>'at')::timestamptz AS at FROM jsonb_array_elements(%(facts)s::jsonb) f"""


@pytest.fixture
def person(db):
    return factories.ProspectFactory()


@pytest.fixture
def program(db):
    return factories.ProgramFactory()


def tell(person, program, *facts):
    """The system's way, in SQL."""
    rows = ",".join(
        f'{{"prospect": {person.pk}, "program": {program.pk}, "stage": "{fact.stage}", "at": "{fact.at.isoformat()}"}}'
        for fact in facts
    )
    return stages.advance(facts=TOLD, values={"facts": f"[{rows}]"})


def stage(person, program):
    found = Stage.objects.filter(prospect=person, program=program).first()
    return found.name if found else "identified"


def folded(name, chosen, facts):
    for fact in facts:
        name = stages.after(stage=name, chosen=chosen, fact=fact)
    return name


@given(NAMES, st.none() | st.builds(Choice, NAMES, MOMENTS), FACTS, st.randoms())
def test_ends_where_it_ends_whatever_the_order_and_however_often(name, chosen, facts, random):
    assume(chosen is None or stages.RANKS[name] >= stages.RANKS[chosen.stage])  # nothing led back since
    again = facts + random.choices(facts, k=3) if facts else []
    random.shuffle(again)
    once = folded(name, chosen, facts)
    assert folded(name, chosen, again) == once
    assert stages.RANKS[once] >= stages.RANKS[name]
    if chosen and chosen.stage == name in stages.ENDS:
        assert once == name


@pytest.mark.django_db
@given(st.none() | st.builds(Choice, NAMES.filter(lambda name: name != "identified"), MOMENTS), FACTS)
def test_does_in_sets_what_the_rule_says(chosen, facts):
    person, program = factories.ProspectFactory(), factories.ProgramFactory()
    if chosen:
        by = factories.UserFactory()
        stages.move(prospect=person, program=program, to=chosen.stage, why="a call", by=by, now=chosen.at)
    begun = chosen.stage if chosen else "identified"
    tell(person, program, *facts)
    assert stage(person, program) == folded(begun, chosen, facts)
    assert tell(person, program, *facts) == 0


def test_keeps_who_when_and_why_of_every_change(person, program):
    mia = factories.UserFactory(username="mia")
    tell(person, program, Fact("contacted", START))
    assert stages.move(prospect=person, program=program, to="negotiating", why="a call", by=mia, now=START)
    assert not stages.move(prospect=person, program=program, to="negotiating", why="again", by=mia, now=START)
    changes = StageChange.objects.order_by("id").values_list("old", "new", "why", "changed_at", "changed_by")
    assert list(changes) == [
        ("identified", "contacted", "it happened", START, None),
        ("contacted", "negotiating", "a call", START, mia.pk),
    ]
    assert [(each.name, each.program) for each in stages.of(prospect=person)] == [("negotiating", program)]


def test_moves_many_in_a_fixed_number_of_statements(program, db, django_assert_num_queries):
    people = [factories.ProspectFactory() for _ in range(5)]
    Prospect.objects.filter(pk=people[0].pk).update(person=people[1])
    ids = [person.pk for person in people]
    stages.move_all(prospect_ids=ids[:2], program=program, to="joined", why="signed", by=None, now=START)
    with django_assert_num_queries(5):  # savepoint, lock, move, look again, release
        moved = stages.move_all(prospect_ids=ids, program=program, to="joined", why="signed", by=None, now=START)
    assert moved == ids[2:]  # the first is a tombstone, the second had joined
    assert StageChange.objects.count() == 4


@pytest.mark.parametrize(
    ("to", "why", "field"), [("best", "a call", "stage"), ("joined", " ", "why"), ("joined", "x" * 201, "why")]
)
def test_refuses_what_is_no_move_and_names_the_field(person, program, to, why, field):
    with pytest.raises(stages.InvalidMove) as refused:
        stages.move(prospect=person, program=program, to=to, why=why, by=None, now=START)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert not StageChange.objects.exists()


def test_tells_the_survivor_and_says_nothing_of_the_erased(person, program):
    tombstone, erased = factories.ProspectFactory(), factories.ProspectFactory()
    Prospect.objects.filter(pk=tombstone.pk).update(person=person)
    Prospect.objects.filter(pk=erased.pk).update(erased_at=START)
    assert tell(tombstone, program, Fact("replied", START)) == 1
    assert tell(erased, program, Fact("replied", START)) == 0
    assert stage(person, program) == "replied"


def test_gives_the_survivor_the_further_stage(person, program):
    other, second = factories.ProspectFactory(), factories.ProgramFactory()
    tell(person, program, Fact("replied", START))
    tell(other, program, Fact("contacted", START))
    tell(other, second, Fact("declined", START))
    stages.take_over(survivor=person, merged=other)
    assert (stage(person, program), stage(person, second)) == ("replied", "declined")
    assert StageChange.objects.filter(prospect=person, program=second).get().old == "identified"
