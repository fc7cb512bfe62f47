"""The page that makes a segment: rows and back, errors beside the row, the text, and who is in it."""

import json

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from prospects import custom_fields, segments
from prospects.models import Segment
from prospects.segments import composing, saving
from prospects.segments.composing import Group, Row, Sheet
from prospects.segments.fields import FIELDS, field_of
from tests import factories

KINDS = {"size": "number", "since": "date", "likes": "boolean"}


@pytest.fixture
def operator(client, db):
    client.force_login(factories.UserFactory(role="operator", username="olga"))
    return client


@pytest.fixture
def people(db):
    make = factories.ProspectFactory
    return [make(country="DE", tags=["tea"]), make(country="FR", tags=["tea"]), make(country="DE")]


def rows(*conditions, **more):
    """The form of one group, as a browser sends it."""
    said = {"name": "Mine", "mode": "rows", "join": "all", "g0-join": "all", "do": "save", **more}
    for number, (field, op, value) in enumerate(conditions):
        said |= {f"g0-r{number}-field": field, f"g0-r{number}-op": op}
        said |= {} if value is None else {f"g0-r{number}-value": value}
    return said


def saved(operator, said):
    response = operator.post(reverse("segment-add"), said)
    assert response.status_code == 302, response.content.decode()
    return Segment.objects.get().filter


def leaf(field, op, value=None):
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


@pytest.mark.parametrize(
    ("condition", "rule"),
    [
        (("email", "contains", " gmail "), leaf("email", "contains", "gmail")),
        (("company", "in", "a, b,, c"), leaf("company", "in", ["a", "b", "c"])),
        (("country", "in", ["DE", "FR"]), leaf("country", "in", ["DE", "FR"])),
        (("stopped", "is", "no"), leaf("stopped", "is", False)),
        (("contacted_at", "is_empty", None), leaf("contacted_at", "is_empty")),
        (("next_step_date", "before", "2026-05-01"), leaf("next_step_date", "before", "2026-05-01")),
        (("custom.size", "gte", "12.5"), leaf("custom.size", "gte", 12.5)),
        (("custom.size", "is", "12"), leaf("custom.size", "is", 12)),
        (("custom.likes", "is", "yes"), leaf("custom.likes", "is", True)),
        (("custom.other", "is", "12"), leaf("custom.other", "is", "12")),
        (("address_kind", "is", "role"), leaf("address_kind", "is", "role")),
    ],
)
def test_saves_what_a_row_says(operator, condition, rule):
    custom_fields.set_kinds(kinds=KINDS, by=None)
    assert saved(operator, rows(condition)) == rule


def test_saves_a_span_of_time_and_groups(operator):
    said = rows(("replied_at", "in_last", "2"), ("", "", None), **{"g0-r0-unit": "weeks"})
    said |= {"g2-join": "none", "g2-r0-field": "tags", "g2-r0-op": "is", "g2-r0-value": "tea"}
    said |= {"g2-r1-field": "country", "g2-r1-op": "is", "g2-r1-value": "DE"}
    none = {"not": {"any": [leaf("tags", "is", "tea"), leaf("country", "is", "DE")]}}
    assert saved(operator, said) == {"all": [leaf("replied_at", "in_last", "2 weeks"), none]}


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (("email", "contains", ""), "Say what it is compared with"),
        (("custom.size", "gte", "many"), "This is a number"),
        (("created_at", "in_last", "0"), "This is a time such as"),
        (("country", "in", []), "Say what it is compared with"),
        (("shoe", "is", "x"), "There is no field"),
        (("stage", "is", "famous"), "This is one of identified"),
    ],
)
def test_says_beside_the_row_what_is_wrong(operator, condition, sentence):
    custom_fields.set_kinds(kinds=KINDS, by=None)
    response = operator.post(reverse("segment-add"), rows(("tags", "is", "tea"), condition))
    page = response.content.decode()
    assert response.status_code == 400
    assert sentence in page
    assert 'id="g0-r1-error"' in page
    assert "g0-r0-error" not in page
    assert not Segment.objects.exists()


def test_shows_who_is_in_it_while_it_is_made(operator, people):
    part = operator.post(reverse("segment-try"), rows(("country", "is", "DE"))).content.decode()
    assert "2 people now" in part
    assert people[0].email in part
    assert people[1].email not in part
    unfinished = operator.post(reverse("segment-try"), rows(("country", "is", ""))).content.decode()
    assert "Finish the conditions" in unfinished


def test_works_without_javascript(operator):
    """Buttons add and take out rows and groups, and a field that was chosen brings its ops and its input."""
    address = reverse("segment-add")
    page = operator.post(address, {**rows(("next_step_date", "", None)), "do": "update"}).content.decode()
    assert 'name="g0-r0-unit"' in page
    page = operator.post(address, {**rows(("tags", "is", "tea")), "do": "add:0"})
    assert len(page.context["groups"][0]["rows"]) == 2
    page = operator.post(address, {**rows(("tags", "is", "tea")), "do": "group"})
    assert len(page.context["groups"]) == 2
    page = operator.post(address, {**rows(("tags", "is", "tea"), ("country", "is", "DE")), "do": "remove:0:0"})
    assert [line["row"].field for line in page.context["groups"][0]["rows"]] == ["country"]
    page = operator.post(address, {**rows(("tags", "is", "tea")), "do": "remove:0:0"})
    assert page.context["groups"][0]["rows"][0]["row"] == Row()
    for nonsense in ("remove:9:9", "remove:x", "add:99", "dance", "add:-1"):
        assert operator.post(address, {**rows(("tags", "is", "tea")), "do": nonsense}).status_code == 200


def test_forgets_a_value_when_another_field_is_chosen(operator):
    said = rows(("stopped", "contains", "tea"), **{"g0-r0-was": "company", "do": "update"})
    row = operator.post(reverse("segment-add"), said).context["groups"][0]["rows"][0]["row"]
    assert row == Row("stopped", "is", ("yes",), "days")


def test_answers_a_part_with_its_rows_alone(operator):
    said = {**rows(("tags", "is", "tea")), "do": "add:0"}
    part = operator.post(reverse("segment-add"), said, headers={"HX-Request": "true"}).content.decode()
    assert part.count("-field") >= 2
    assert "<html" not in part


def test_edits_a_segment(operator, people):
    segment = saving.add_segment(name="Tea", rule=leaf("tags", "is", "tea"), by=None)
    address = reverse("segment-edit", args=[segment.public_id])
    assert "2 people now" in operator.get(address).content.decode()
    said = rows(("tags", "is", "tea"), ("country", "is", "DE"), name="German tea")
    assert operator.post(address, said).status_code == 302
    segment.refresh_from_db()
    assert segment.name == "German tea"
    assert segment.filter == {"all": [leaf("tags", "is", "tea"), leaf("country", "is", "DE")]}


DEEP = {"any": [{"all": [{"not": {"not": leaf("tags", "is", "tea")}}, leaf("country", "is", "DE")]}]}


def test_takes_the_rule_as_a_text_and_shows_it_as_rows_where_it_can(operator):
    address = reverse("segment-add")
    text = json.dumps({"any": [leaf("tags", "is", "tea"), leaf("country", "is", "DE")]})
    page = operator.post(address, {"name": "x", "mode": "rows", "do": "text", "text": text})
    assert [group["join"] for group in page.context["groups"]] == ["any"]
    page = operator.post(address, {"name": "x", "mode": "rows", "do": "text", "text": json.dumps(DEEP)})
    assert page.context["draft"].sheet is None
    assert "deeper than rows can show" in page.content.decode()
    assert saved(operator, {"name": "x", "mode": "text", "do": "save", "text": json.dumps(DEEP)}) == DEEP


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"field": "shoe"}', "[" * 50_000, '{"all": [{"op": 1}]}', "\x00"])
def test_says_where_the_text_is_wrong(operator, text):
    response = operator.post(reverse("segment-add"), {"name": "x", "mode": "text", "do": "save", "text": text})
    assert response.status_code == 400
    assert 'id="text-error"' in response.content.decode()
    part = operator.post(reverse("segment-try"), {"mode": "text", "text": text}).content.decode()
    assert "Finish the conditions" in part


def test_offers_fields_of_ones_own_programs_and_imports(operator):
    factories.ProspectFactory(custom={"shop_size": "12"})
    custom_fields.set_kinds(kinds={"rating": "number"}, by=None)
    program = factories.ProgramFactory(name="Tea club")
    page = operator.get(reverse("segment-add")).content.decode()
    for words in ("custom.shop_size", "custom.rating", f"stage.{program.public_id}", "stage in Tea club"):
        assert words in page


def test_counts_the_queries_of_the_builder(operator, people, django_assert_max_num_queries):
    segment = saving.add_segment(name="Tea", rule=leaf("tags", "is", "tea"), by=None)
    address = reverse("segment-edit", args=[segment.public_id])
    with django_assert_max_num_queries(25) as one:
        operator.get(address)
    for _ in range(5):
        factories.ProspectFactory(tags=["tea"], custom={"a": "b"})
        factories.ProgramFactory()
    with django_assert_max_num_queries(len(one)):
        operator.get(address)


@pytest.mark.parametrize("query", ["?q=a%00b", "?segment=x", "?state=x&reach=x", "?stage=joined&owner=%27&batch=x"])
def test_begins_with_any_list(operator, query):
    assert operator.get(reverse("segment-add") + query).status_code == 200


# --- Rows and rules ---
texts = st.text(alphabet="abÄ ,'\"", min_size=1, max_size=5).map(str.strip).filter(bool)


@st.composite
def leaves(draw):
    name = draw(st.sampled_from([*FIELDS, "custom.size", "custom.since", "custom.likes", "custom.other"]))
    op = draw(st.sampled_from(sorted(composing.ops(field_of(name, ""), KINDS))))
    values = {
        "none": st.none(),
        "span": st.sampled_from(["1 days", "30 days", "2 weeks", "3 months"]),
        "date": st.sampled_from(["2026-05-01", "1999-12-31"]),
        "number": st.integers(-5, 5) | st.sampled_from([1.5]),
        "flag": st.booleans(),
        "choice": st.sampled_from(["joined", "role"]) if name != "import_batch" else st.uuids().map(str),
        "choices": st.lists(st.sampled_from(["joined", "replied"]), min_size=1, max_size=2),
        "text": st.lists(texts.filter(lambda t: "," not in t), min_size=1, max_size=3) if "in" in op[-3:] else texts,
    }
    return leaf(name, op, draw(values[composing.widget(Row(name, op), KINDS)]))


groups = st.one_of(
    leaves(),
    st.builds(lambda some: {"any": some}, st.lists(leaves(), min_size=2, max_size=3)),
    st.builds(lambda some: {"not": {"any": some}}, st.lists(leaves(), min_size=2, max_size=3)),
    st.builds(lambda one: {"not": one}, leaves()),
)
rules = st.one_of(
    groups, *(st.builds(lambda some, w=w: {w: some}, st.lists(groups, min_size=2)) for w in ("all", "any"))
)


@given(rules)
def test_shows_a_rule_as_rows_that_say_the_same_or_not_at_all(rule):
    sheet = composing.rows_of(rule, KINDS)
    if sheet is not None:
        assert composing.rule_of(sheet, KINDS) == rule
        assert composing.problems(sheet, KINDS) == {}


@given(leaves(), leaves(), st.sampled_from(["all", "any"]))
def test_shows_every_plain_rule_as_rows(one, two, word):
    for leaf_ in (one, two):
        try:
            segments.check(leaf_)
        except segments.BadFilter:
            return
    for rule in (one, {word: [one, two]}, {"not": one}, {"all": [one, {"any": [two, one]}]}):
        assert composing.rows_of(rule, KINDS) is not None, rule


def test_makes_nothing_of_rows_without_a_field():
    assert composing.rule_of(Sheet("any", (Group("none", (Row(),)),)), {}) == {}
