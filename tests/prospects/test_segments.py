"""Segments: rules as JSON, compiled to queries that mean what they say."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prospects import editing, segments
from prospects.models import Prospect, Segment

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
PEOPLE = {
    "anna": {"first_name": "Anna", "country": "DE", "tags": ["vip", "blog"], "custom": {"city": "Köln"}},
    "bert": {"first_name": "Bert", "country": "FR", "tags": [], "company": "50% _off\\", "website": "shop.example"},
    "cleo": {"country": "DE", "tags": ["blog"], "custom": {"city": "Paris", "isnull": "x"}, "language": "pt-br"},
    "dora": {"first_name": "anna maria", "is_demo": True, "kind": "creator"},
}


@pytest.fixture
def people(db):
    for name, fields in PEOPLE.items():
        editing.add_prospect(email=f"{name}@gmail.com", by=None, **fields)
    Prospect.objects.filter(email="anna@gmail.com").update(created_at=datetime(2020, 1, 1, tzinfo=UTC))


def found(rule):
    return sorted(person.email.partition("@")[0] for person in Prospect.objects.filter(segments.compile(rule, now=NOW)))


def leaf(field, op, value=None):
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ({}, "anna bert cleo dora"),
        ({"all": []}, "anna bert cleo dora"),
        ({"any": []}, ""),
        ({"not": {}}, ""),
        ({"not": {"any": []}}, "anna bert cleo dora"),
        ({"any": [{}, leaf("kind", "is", "creator")]}, "anna bert cleo dora"),
        (leaf("email", "is", "ANNA@gmail.com"), "anna"),
        (leaf("email", "in", ["Anna@Gmail.com", "bert@gmail.com"]), "anna bert"),
        (leaf("first_name", "is", "anna"), "anna"),
        (leaf("first_name", "is_not", "anna"), "bert cleo dora"),
        (leaf("first_name", "starts_with", "ANNA"), "anna dora"),
        (leaf("first_name", "contains", "ar"), "dora"),
        (leaf("first_name", "is_empty"), "cleo"),
        (leaf("first_name", "not_empty"), "anna bert dora"),
        (leaf("company", "contains", "% _"), "bert"),
        (leaf("company", "contains", "_o%"), ""),
        (leaf("company", "contains", "\\"), "bert"),
        (leaf("country", "is", "de"), "anna cleo"),
        (leaf("country", "in", ["de", "FR"]), "anna bert cleo"),
        (leaf("language", "is", "PT-BR"), "cleo"),
        (leaf("kind", "is_not", "person"), "dora"),
        (leaf("tags", "is", "blog"), "anna cleo"),
        (leaf("tags", "is_not", "vip"), "bert cleo dora"),
        (leaf("tags", "in", ["vip", "other"]), "anna"),
        (leaf("tags", "is_empty"), "bert dora"),
        (leaf("tags", "not_empty"), "anna cleo"),
        (leaf("site", "is", "shop.example"), "bert"),
        (leaf("site", "is_not", "shop.example"), "anna cleo dora"),
        (leaf("site", "is_empty"), "anna cleo dora"),
        (leaf("custom.city", "is", "köln"), "anna"),
        (leaf("custom.city", "is_not", "Paris"), "anna bert dora"),
        (leaf("custom.city", "in", ["paris", "KÖLN"]), "anna cleo"),
        (leaf("custom.city", "is_empty"), "bert dora"),
        (leaf("custom.isnull", "contains", "X"), "cleo"),
        (leaf("custom.nowhere", "not_empty"), ""),
        (leaf("is_demo", "is", True), "dora"),
        (leaf("is_demo", "is_not", True), "anna bert cleo"),
        (leaf("created_at", "before", "2020-01-02"), "anna"),
        (leaf("created_at", "after", "2020-01-01T01:00:00+01:00"), "anna bert cleo dora"),
        ({"all": [leaf("country", "is", "DE"), {"not": leaf("tags", "is", "vip")}]}, "cleo"),
        ({"any": [leaf("tags", "is", "vip"), leaf("site", "is", "shop.example")]}, "anna bert"),
    ],
)
def test_finds_whom_the_rule_means(people, rule, names):
    assert " ".join(found(rule)) == names


def test_finds_the_members_of_a_saved_segment(people):
    segment = Segment.objects.create(name="Germans", filter=leaf("country", "is", "DE"))
    assert segments.members(segment=segment).count() == 2


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ([], ""),
        ("x", ""),
        (None, ""),
        ({"some": []}, ""),
        ({"all": [], "any": []}, ""),
        ({"all": {}}, "all"),
        ({"not": []}, "not"),
        ({"all": [{}, leaf("email", "before", "x")]}, "all[1].op"),
        ({"all": [{"any": [leaf("shoe", "is", "x")]}]}, "all[0].any[0].field"),
        (leaf("email", "is", 3), "value"),
        (leaf("email", "is"), "value"),
        (leaf("email", "in", []), "value"),
        (leaf("email", "in", ["a", 1]), "value[1]"),
        (leaf("email", "is_empty", "x"), "value"),
        (leaf("email", "is", "nul\0"), "value"),
        (leaf("email", "is", "\ud800"), "value"),
        (leaf("email", "is", "x" * 501), "value"),
        (leaf("is_demo", "is", "true"), "value"),
        (leaf("created_at", "after", "yesterday"), "value"),
        (leaf("created_at", "after", "0001-01-01T00:00+14:00"), "value"),
        (leaf("custom.", "is", "x"), "field"),
        (leaf("custom.a b", "is", "x"), "field"),
        ({"op": "is"}, "field"),
        ({"field": "email"}, "op"),
        ({"field": "email", "op": "is", "value": "x", "extra": 1}, "extra"),
    ],
)
def test_names_the_place_that_is_wrong(rule, path):
    with pytest.raises(segments.BadFilter) as caught:
        segments.check(rule)
    assert caught.value.path == path
    assert caught.value.problems[0].field == (f"filter.{path}" if path else "filter")


def test_refuses_a_rule_without_end():
    deep = {}
    for _ in range(1_000):
        deep = {"not": deep}
    for rule in (deep, {"any": [{}] * 201}, leaf("email", "in", ["x"] * 1_001)):
        with pytest.raises(segments.BadFilter):
            segments.check(rule)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["email", "is", "tags", "custom.x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["all", "any", "not", "field", "op", "value", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(json_values)
def test_raises_nothing_but_bad_filter(rule):
    try:
        segments.check(rule)
    except segments.BadFilter:
        return


LEAVES = {
    "country": (leaf("country", "is", "DE"), {"anna", "cleo"}),
    "blog": (leaf("tags", "is", "blog"), {"anna", "cleo"}),
    "city": (leaf("custom.city", "is_not", "Paris"), {"anna", "bert", "dora"}),
    "shop": (leaf("site", "starts_with", "shop"), {"bert"}),
    "demo": (leaf("is_demo", "is", True), {"dora"}),
    "named": (leaf("first_name", "not_empty"), {"anna", "bert", "dora"}),
}
rules = st.recursive(
    st.sampled_from(sorted(LEAVES)),
    lambda inner: (
        st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, max_size=3))
    ),
    max_leaves=8,
)


def as_rule(tree):
    if isinstance(tree, str):
        return LEAVES[tree][0]
    word, inner = tree
    return {word: as_rule(inner) if word == "not" else [as_rule(item) for item in inner]}


def as_set(tree):
    everybody = set(PEOPLE)
    if isinstance(tree, str):
        return LEAVES[tree][1]
    word, inner = tree
    if word == "not":
        return everybody - as_set(inner)
    parts = [as_set(item) for item in inner]
    return everybody.intersection(*parts) if word == "all" else set().union(*parts)


@given(rules)
def test_combines_rules_as_sets_combine(people, tree):
    try:
        names = found(as_rule(tree))
    except segments.BadFilter:
        return  # nested too deeply
    assert set(names) == as_set(tree)
