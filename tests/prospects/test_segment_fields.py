"""Every field and op of segments against the same question asked of plain Python facts."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prospects import segments, suppression
from prospects.models import Engagement, ImportBatch, Program, Prospect, Site, Stage
from prospects.segments.fields import FIELDS, field_of
from tests import factories
from tests.amounts import STORIES

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PROGRAM = "11111111-1111-4111-8111-111111111111"
BATCH = "22222222-2222-4222-8222-222222222222"
ABSENT = "33333333-3333-4333-8333-333333333333"
TEXTS = ("", "a", "A", "abc", "ABCd", "50% _x\\", "ä", "ÄBC", "'quoted\"", "_", "%")
CUSTOM = ("text", "amount", "day", "flag", "mixed")
FLAGS = ("stopped", "held", "protected")
ENGAGED = ("contacted_at", "replied_at", "clicked_at", "bounced_at")
PLAIN = (
    *("first_name", "last_name", "company", "job_title", "website", "linkedin_url", "language", "time_zone", "source"),
    *("legal_basis", "next_step", "x_handle"),
)
INSTANTS = (None, NOW, NOW - DAY, NOW + DAY, NOW - 30 * DAY, NOW - 30 * DAY - timedelta(seconds=1), NOW + 7 * DAY)
DATES = (None, NOW.date(), date(2026, 3, 3), date(2026, 3, 5), date(2026, 2, 2), date(2026, 3, 11), date(2026, 3, 12))
MIXED = (None, "", "12", 12, 12.5, -3, 0, True, False, "2026-03-04", "2026-03-11", "soon", "2026-13-99", [12], "ABC")
PEOPLE = 24


def pick(options, number, step):
    return options[(number * step + number // len(options)) % len(options)]


@pytest.fixture
def world(db):
    """People who are different in every field, and what is known of each, by key."""
    program = Program.objects.create(public_id=PROGRAM, name="One")
    other = Program.objects.create(name="Two")
    batch = ImportBatch.objects.create(public_id=BATCH, file_name="a.csv")
    owners = [None, factories.UserFactory(username="olga"), factories.UserFactory(username="Ötzi")]
    sites = [None, *(Site.objects.create(domain=f"{name}.example") for name in ("plain", "stopped", "held", "kept"))]
    for site, mark in zip(sites[2:], FLAGS, strict=True):
        Site.objects.filter(pk=site.pk).update(**{f"{mark}_at": NOW})
    known = {}
    for number in range(PEOPLE):
        person, facts = _person(number, owners, sites, batch)
        known[person.pk] = facts
        _engage(person, facts, number)
        _put_at_stages(person, facts, number, program, other)
    return known


def _person(number, owners, sites, batch):
    facts = {name: pick(TEXTS, number, place + 1) for place, name in enumerate(PLAIN)}
    facts |= {"country": pick(("", "DE", "FR"), number, 1), "kind": pick(("person", "creator"), number, 1)}
    facts |= {"address_kind": pick(("", "role", "disposable"), number, 2), "is_demo": number % 5 == 0}
    facts |= {"email": pick(("", f"P{number}@abc.example"), number, 1), "created_at": pick(INSTANTS[1:], number, 1)}
    facts |= {f"{mark}_at": pick((None, NOW), number, step) for step, mark in enumerate(FLAGS, start=1)}
    facts |= {"notice_date": pick(DATES, number, 1), "next_step_date": pick(DATES, number, 3)}
    facts |= {"contacted_elsewhere_at": pick(INSTANTS, number, 5)}
    facts |= {"tags": pick(([], ["a"], ["A", "b c"], ["b c", "ä"]), number, 1), "owner": pick(owners, number, 1)}
    facts |= {"site": pick(sites, number, 2), "import_batch": pick((None, batch), number, 3)}
    own = {name: pick(MIXED, number, place + 1) for place, name in enumerate(CUSTOM)}
    facts["custom"] = {name: value for name, value in own.items() if value is not None}
    key = f"address:{number:064x}"
    identity = f"{number:064x}" if facts["email"] else None
    person = Prospect.objects.create(**facts, contact_keys=[key], identity_key=identity)
    Prospect.objects.filter(pk=person.pk).update(created_at=facts["created_at"])
    facts["suppressed"] = number % 4 == 0
    if facts["suppressed"]:
        suppression.Suppression.objects.create(kind="address", key=key, reason="manual")
    return person, facts


def _engage(person, facts, number):
    engaged = {name: pick(INSTANTS, number, place + 2) for place, name in enumerate(ENGAGED)} if number % 3 else {}
    if engaged:
        Engagement.objects.create(prospect=person, **engaged)
    facts |= {name: engaged.get(name) for name in ENGAGED}


def _put_at_stages(person, facts, number, program, other):
    names = {
        program: pick((None, "identified", "replied", "joined"), number, 1),
        other: pick((None, "contacted", "identified"), number, 2),
    }
    for where, name in names.items():
        if name:
            Stage.objects.create(prospect=person, program=where, name=name, changed_at=NOW)
    facts["stages"] = {str(where.public_id): name for where, name in names.items() if name}


# --- What a condition means, asked of the facts ---
def fits(facts, field, op, value):
    if op.startswith("not_") and op != "not_empty":
        return not fits(facts, field, op.removeprefix("not_"), value)
    if op in ("is_not", "not_empty"):
        return not fits(facts, field, {"is_not": "is", "not_empty": "is_empty"}[op], value)
    if field.startswith("custom."):
        return _custom_fits(facts["custom"].get(field.removeprefix("custom.")), op, value)
    if field == "stage" or field.startswith("stage."):
        return _stage_fits(facts["stages"], field.partition(".")[2], value)
    if FIELDS[field].kind.value == "flag":
        return _marked(facts, field) == value
    if FIELDS[field].kind.value in ("instant", "date"):
        return _time_fits(facts[field], op, value)
    if field in ("tags", "owner", "import_batch", "address_kind"):
        return _belongs(facts[field], field, op, value)
    return _text_fits(facts["site"].domain if field == "site" and facts["site"] else facts[field] or "", op, value)


def _text_fits(text, op, value):
    text, many = text.upper(), [item.upper() for item in (value if isinstance(value, list) else [value or ""])]
    return {
        "is": text == many[0],
        "contains": many[0] in text,
        "starts_with": text.startswith(many[0]),
        "in": text in many,
        "is_empty": text == "",
    }[op]


def _belongs(fact, field, op, value):
    if field == "tags":
        has = set(fact)
    elif field == "address_kind":
        has = {fact or "personal"}
    else:
        has = set() if fact is None else {fact.username if field == "owner" else str(fact.public_id)}
    wanted = set(value if isinstance(value, list) else [value])
    return not has if op == "is_empty" else bool(has & wanted)


def _marked(facts, field):
    if field in ("suppressed", "is_demo"):
        return facts[field]
    if field.startswith("site_"):
        mark = {"stopped": "stopped", "held": "held", "kept": "protected"}
        domain = facts["site"].domain.partition(".")[0] if facts["site"] else ""
        return mark.get(domain) == field.removeprefix("site_")
    return facts[f"{field}_at"] is not None


def _stage_fits(stages, program, value):
    wanted = set(value if isinstance(value, list) else [value])
    names = {name for where, name in stages.items() if program in ("", where)}
    return bool(names & wanted) or ("identified" in wanted and not names - {"identified"})


def _time_fits(fact, op, value):
    if op == "is_empty":
        return fact is None
    if fact is None:
        return False
    days = not isinstance(fact, datetime)
    now = NOW.date() if days else NOW
    if op in ("before", "after", "on"):
        at = date.fromisoformat(value) if days else datetime.fromisoformat(value).replace(tzinfo=UTC)
        return {"before": fact < at, "after": fact >= at, "on": at <= fact < at + DAY}[op]
    span = int(value.split()[0]) * DAY
    return {
        "in_last": now - span <= fact <= now,
        "longer_ago": fact < now - span,
        "in_next": now <= fact <= now + span,
    }[op]


def _custom_fits(fact, op, value):
    if isinstance(value, bool):
        return fact is value
    if isinstance(value, int | float):
        numbers = [item for item in (fact if isinstance(fact, list) else [fact]) if type(item) in (int, float)]
        compare = {"is": "__eq__", "lt": "__lt__", "lte": "__le__", "gt": "__gt__", "gte": "__ge__"}[op]
        return any(getattr(float(item), compare)(float(value)) for item in numbers)
    if op in ("before", "after", "on", "in_last", "longer_ago", "in_next"):
        return isinstance(fact, str) and len(fact) == 10 and fact[4] == "-" and _day_fits(fact, op, value)
    text = {True: "true", False: "false", None: ""}[fact] if fact is None or isinstance(fact, bool) else fact
    return _text_fits(text if isinstance(text, str) else json.dumps(text), op, value)


def _day_fits(fact, op, value):
    """As texts, which is how dates are stored: one that is none is compared all the same."""
    today = NOW.date()
    if op in ("before", "after", "on"):
        return {"before": fact < value, "after": fact >= value, "on": fact == value}[op]
    span = int(value.split()[0]) * DAY
    return {
        "in_last": str(today - span) <= fact <= str(today),
        "longer_ago": fact < str(today - span),
        "in_next": str(today) <= fact <= str(today + span),
    }[op]


# --- Questions ---
SPANS = st.sampled_from(["1 day", "29 days", "30 days", "7 days", "1 days"])
NUMBERS = st.sampled_from([12, 12.0, 12.5, -3, 0, 100]) | st.integers(-20, 20)
TEXT = st.sampled_from(TEXTS[1:]) | st.text(alphabet="aAbBcCdDäÄ%_\\' 5x", max_size=4)
WORDS = {
    "tags": st.sampled_from(["a", "A", "b c", "ä", "z"]),
    "owner": st.sampled_from(["olga", "Ötzi", "OLGA", "nobody"]),
    "import_batch": st.sampled_from([BATCH, ABSENT]),
    "address_kind": st.sampled_from(["personal", "role", "disposable"]),
    "country": st.sampled_from(["DE", "de", "FR", "", "xx"]),
    "kind": st.sampled_from(["person", "Creator", "x"]),
    "site": st.sampled_from(["plain.example", "PLAIN", "example", "", "held"]),
    "email": st.sampled_from(["p1@abc.example", "ABC", "P", "", "@abc.exa", "%"]),
}
STAGES = st.sampled_from(Stage.Name.values)
NAMES = [*FIELDS, f"stage.{PROGRAM}", f"stage.{ABSENT}", *(f"custom.{name}" for name in CUSTOM), "custom.absent"]


def values(name, op):
    kind = field_of(name, "").kind.value
    if op in ("is_empty", "not_empty"):
        return st.none()
    if op in ("in_last", "not_in_last", "longer_ago", "in_next"):
        return SPANS
    if op in ("before", "after", "on"):
        return st.sampled_from([str(day) for day in DATES[1:]])
    if op in ("lt", "lte", "gt", "gte"):
        return NUMBERS
    if kind == "flag":
        return st.booleans()
    one = STAGES if name.startswith("stage") else WORDS.get(name, TEXT)
    if op in ("in", "not_in"):
        return st.lists(one, min_size=1, max_size=3)
    return one | NUMBERS | st.booleans() if kind == "custom" and op in ("is", "is_not") else one


@pytest.mark.parametrize("name", NAMES)
@STORIES
@given(data=st.data())
def test_means_of_every_field_and_op_what_the_facts_say(world, name, data):
    op = data.draw(st.sampled_from(sorted(field_of(name, "").ops)))
    value = data.draw(values(name, op))
    if name == "tags" and op == "contains":
        op = "is"
    leaf = {"field": name, "op": op} | ({} if value is None else {"value": value})
    for rule, expected in ((leaf, True), ({"not": leaf}, False)):
        found = set(Prospect.objects.filter(segments.compile(rule, now=NOW)).values_list("pk", flat=True))
        assert found == {pk for pk, facts in world.items() if fits(facts, name, op, value) is expected}


def test_leaves_out_who_was_merged_or_erased(db):
    one, two, three = (factories.ProspectFactory() for _ in range(3))
    Prospect.objects.filter(pk=two.pk).update(person=one)
    Prospect.objects.filter(pk=three.pk).update(erased_at=NOW)
    everybody = factories.SegmentFactory(filter={})
    nobody_else = factories.SegmentFactory(filter={"not": {"any": []}})
    for segment in (everybody, nobody_else):
        assert list(segments.members(segment=segment, now=NOW)) == [one]


@pytest.mark.parametrize(
    ("field", "op", "value", "message"),
    [
        ("created_at", "in_last", "soon", "12 hours, 30 days"),
        ("created_at", "in_last", "0 days", "12 hours, 30 days"),
        ("created_at", "in_last", "99999 years", "12 hours, 30 days"),
        ("next_step_date", "in_next", "12 hours", "holds days"),
        ("next_step_date", "before", "2026-05-01T09:00", "a date such as"),
        ("custom.x", "lt", "12", "is a number"),
        ("custom.x", "lt", True, "is a number"),
        ("custom.x", "gt", float("nan"), "is a number"),
        ("custom.x", "gt", 10**400, "too large"),
        ("custom.x", "is", 1e300, "too large"),
        ("stage", "is", "famous", "one of identified"),
        ("stage.nonsense", "is", "joined", "no field"),
        ("address_kind", "is", "office", "one of personal"),
        ("import_batch", "is", "x", "id of an import"),
        ("owner", "starts_with", "x", "one of is"),
    ],
)
def test_says_what_is_wrong_with_a_value(field, op, value, message):
    with pytest.raises(segments.BadFilter, match=message):
        segments.check({"field": field, "op": op, "value": value})


def test_takes_hours_weeks_months_and_years(db):
    person = factories.ProspectFactory()
    Prospect.objects.filter(pk=person.pk).update(created_at=NOW - timedelta(hours=13))

    def is_in(span):
        rule = {"field": "created_at", "op": "in_last", "value": span}
        return Prospect.objects.filter(segments.compile(rule, now=NOW)).exists()

    assert [is_in(span) for span in ("12 hours", "13 hours", "1 week", "2 Months", "1 year")] == [False, *[True] * 4]
