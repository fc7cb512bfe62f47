"""Which step comes next: one rule, as a table and over any two lists of steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import onward

# old order, where they stand ("" is behind everything), what they got, new order, what they get from then on
TABLE = [
    ("ABC", "A", "", "ABC", "ABC"),  # nothing changes
    ("ABC", "B", "A", "ABC", "BC"),
    ("ABC", "", "ABC", "ABC", ""),
    ("ABC", "A", "", "XABC", "XABC"),  # nobody has got anything: the new order as it is
    ("ABC", "A", "", "BCA", "BCA"),
    ("ABC", "B", "A", "XABC", "BC"),  # what is added before a step they got is not for them
    ("ABC", "B", "A", "AXBC", "XBC"),
    ("ABC", "C", "AB", "AXBC", "C"),
    ("ABC", "B", "A", "ABCX", "BCX"),
    ("ABC", "", "ABC", "ABCX", "X"),  # whoever had finished, if they are asked for
    ("ABC", "", "ABC", "AXBC", ""),
    ("ABC", "B", "A", "AC", "C"),  # the step that came next was removed
    ("ABC", "C", "AB", "AC", "C"),
    ("ABC", "B", "A", "A", ""),
    ("ABC", "B", "A", "BC", "BC"),  # the step that they got was removed
    ("ABC", "B", "A", "XBC", "BC"),  # and another one put in its place: they had theirs
    ("ABC", "C", "AB", "AXC", "C"),
    ("ABC", "C", "AB", "AX", "X"),  # all that was left was replaced
    ("ABC", "B", "A", "XY", "XY"),  # nothing of it is left
    ("ABC", "B", "A", "ACB", "CB"),  # reordered: nothing is lost and nothing comes twice
    ("ABC", "B", "A", "BAC", "BC"),
    ("ABCD", "C", "AB", "BCAD", "CD"),
    ("ABCD", "C", "AB", "DABC", "DC"),
    ("ABC", "C", "A", "ACB", "CB"),  # B was left out by its condition; it stands behind what is ahead now
    ("ABC", "C", "A", "ABC", "C"),  # what was passed does not come back
    ("ABC", "Z", "A", "ABC", "BC"),  # a step that nobody knows: behind what they got
]


@pytest.mark.parametrize(("old", "at", "got", "new", "gets"), TABLE)
def test_goes_on_where_somebody_stood(old, at, got, new, gets):
    first = onward.first_in(new, old=old, at=at, got=got)
    assert "".join(onward.rest(new, first=first, got=got)) == gets


@st.composite
def edits(draw):
    old = draw(st.permutations("ABCDE"))[: draw(st.integers(1, 5))]
    new = draw(st.permutations("ABCDEXYZ"))[: draw(st.integers(1, 8))]
    place = draw(st.integers(0, len(old)))
    skipped = draw(st.sets(st.sampled_from(old))) if draw(st.booleans()) else set()
    return old, new, place, [key for key in old[:place] if key not in skipped]


@given(edits())
def test_gives_nobody_a_step_twice_and_everybody_what_was_ahead(edit):
    old, new, place, got = edit
    at = old[place] if place < len(old) else ""
    gets = onward.rest(new, first=onward.first_in(new, old=old, at=at, got=got), got=got)
    assert not set(gets) & set(got)
    assert {key for key in old[place:] if key in new} <= set(gets)
    assert list(gets) == [key for key in new if key in gets]  # in the new order
    if not got and place == 0:
        assert list(gets) == list(new)
