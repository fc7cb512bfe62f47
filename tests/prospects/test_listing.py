from datetime import UTC, datetime

import pytest

from campaigns import standing
from prospects import holding, listing, notes, protecting, segments, suppression, tagging
from prospects.listing import Facets
from prospects.models import ImportBatch, Prospect, Segment
from prospects.segments import saving, wording
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def people():
    make = factories.ProspectFactory
    return {
        "ada": make(email="ada@north.example", first_name="Ada", last_name="Øst", country="DE", tags=["tea", "vip"]),
        "bo": make(email="bo@south.example", first_name="Bo", company="North Pole", source="a list", is_demo=True),
        "cy": make(email="", first_name="Cy", company="Straße 7", x_handle="cyclist"),
    }


def found(people, **facets):
    rows = listing.people(Facets(**facets), now=NOW)
    return {name for name, person in people.items() if person in rows}


@pytest.mark.parametrize(
    ("facets", "names"),
    [
        ({}, {"ada", "bo", "cy"}),
        ({"q": "north"}, {"ada", "bo"}),
        ({"q": "øst ADA"}, {"ada"}),
        ({"q": "north ada bo"}, set()),
        ({"q": "cyclist"}, {"cy"}),
        ({"q": "100%"}, set()),
        ({"q": "straße"}, {"cy"}),
        ({"source": "A LIST"}, {"bo"}),
        ({"stage": "identified"}, {"ada", "bo", "cy"}),
        ({"stage": "joined"}, set()),
        ({"stage": "nonsense"}, set()),
        ({"batch": "nonsense"}, set()),
        ({"tag": "tea"}, {"ada"}),
        ({"country": "DE"}, {"ada"}),
        ({"source": "a list"}, {"bo"}),
        ({"reach": "yes"}, {"ada", "bo"}),
        ({"reach": "none"}, {"cy"}),
        ({"site": "north.example"}, {"ada"}),
        ({"demo": "yes"}, {"bo"}),
        ({"demo": "no"}, {"ada", "cy"}),
        ({"segment": "nonsense"}, set()),
        ({"owner": "nobody"}, set()),
    ],
)
def test_finds_whom_the_facets_name(people, facets, names):
    assert found(people, **facets) == names


def test_finds_by_owner_and_segment(people):
    user = factories.UserFactory(username="olga")
    Prospect.objects.filter(pk=people["cy"].pk).update(owner=user)
    segment = factories.SegmentFactory(filter={"field": "tags", "op": "is", "value": "vip"})
    assert found(people, owner="olga") == {"cy"}
    assert found(people, segment=str(segment.public_id)) == {"ada"}


def test_bounds_a_list_without_losing_anybody(people):
    user, batch = factories.UserFactory(username="olga"), ImportBatch.objects.create(file_name="a.csv")
    Prospect.objects.filter(pk__in=[people["ada"].pk, people["bo"].pk]).update(owner=user, import_batch=batch)
    for facets in (Facets(owner="olga"), Facets(batch=str(batch.public_id)), Facets(owner="olga", q="ada"), Facets()):
        found = listing.people(facets, now=NOW)
        assert set(listing.bounded(found, facets)) == set(found)
    assert found.count() == 3
    for nobody in (Facets(owner="x"), Facets(batch="x"), Facets(batch=str(people["ada"].public_id))):
        assert not listing.bounded(listing.people(nobody, now=NOW), nobody).exists()


def test_tells_who_is_held_protected_stopped_or_suppressed(people, now):
    holding.hold(prospect_ids=[people["ada"].pk], reason="asked for time", by=None)
    Prospect.objects.filter(pk=people["cy"].pk).update(stopped_at=now)
    protecting.protect(prospect_ids=[people["bo"].pk])
    suppression.suppress(kind="domain", value="south.example", reason="manual")
    assert [found(people, state=state) for state in listing.HERE] == [{"ada"}, {"bo"}, {"cy"}, {"bo"}]


def test_reads_facets_from_any_query_string():
    facets = listing.read({"q": "  a\x00b\n" + "c" * 500, "state": "held", "other": "x"})
    assert facets.q.startswith("ab c")
    assert len(facets.q) == listing.LONGEST
    assert facets.given().keys() == {"q", "state"}


def test_offers_the_values_that_are_there(people):
    choices = listing.choices()
    assert choices.tags == ["tea", "vip"]
    assert choices.countries == [("DE", "Germany")]
    assert choices.sources == ["a list"]


@pytest.mark.parametrize(
    "facets",
    [
        {},
        {"q": "north"},
        {"q": "ada north"},
        {"tag": "tea", "country": "DE"},
        {"reach": "none"},
        {"demo": "yes", "source": "a list"},
        {"site": "north.example"},
        {"owner": "olga"},
        {"stage": "identified"},
        {"state": "held"},
        {"state": "protected"},
    ],
)
def test_saves_a_segment_that_finds_the_same_people(people, facets):
    saved = saving.add_segment(name="Saved", rule=listing.as_rule(Facets(**facets)), by=None)
    assert set(segments.members(segment=saved)) == set(listing.people(Facets(**facets), now=NOW))


def test_saves_a_segment_inside_a_segment(people):
    inner = factories.SegmentFactory(filter={"field": "tags", "op": "is", "value": "vip"})
    facets = Facets(segment=str(inner.public_id), country="DE")
    saved = saving.add_segment(name="Both", rule=listing.as_rule(facets), by=None)
    assert list(segments.members(segment=saved)) == [people["ada"]]


@pytest.mark.parametrize("state", sorted(standing.STATES))
def test_saves_every_state(people, state):
    assert segments.check(listing.as_rule(Facets(state=state))) is None
    assert listing.as_rule(Facets(state=state)) != {}


def test_refuses_a_second_segment_of_the_same_name(people):
    first = saving.add_segment(name="Tea", rule={}, by=None)
    other = saving.add_segment(name="Coffee", rule={}, by=None)
    with pytest.raises(saving.InvalidSegment, match="already"):
        saving.add_segment(name=" Tea", rule={}, by=None)
    with pytest.raises(saving.InvalidSegment, match="already"):
        saving.change_segment(segment=other, name="Tea")
    for wrong in ("", " \n", "x" * 101):
        with pytest.raises(saving.InvalidSegment, match="1 to 100"):
            saving.change_segment(segment=first, name=wrong)
    with pytest.raises(segments.BadFilter):
        saving.change_segment(segment=first, rule={"field": "shoe", "op": "is"})


def test_renames_a_segment_and_changes_its_rule(people):
    segment = saving.add_segment(name="Tea", rule={}, by=None)
    saving.change_segment(segment=segment, rule=listing.as_rule(Facets(tag="tea")))
    saving.change_segment(segment=segment, name="Tea lovers")
    segment.refresh_from_db()
    assert (segment.name, list(segments.members(segment=segment))) == ("Tea lovers", [people["ada"]])


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "everybody"),
        (listing.as_rule(Facets(q="tea")), "“tea” in name, company or address"),
        (listing.as_rule(Facets(tag="a", country="DE")), "tag is “a” and country is Germany"),
        (listing.as_rule(Facets(reach="none", demo="no")), "address is empty and not of the demo world"),
        ({"not": {"field": "custom.shop_size", "op": "in", "value": ["s"]}}, "not (shop size is one of “s”)"),
        ({"all": [{"any": [{}, {"field": "site", "op": "is", "value": "a.b"}]}]}, "(everybody or site is “a.b”)"),
        ({"any": []}, "nobody"),
        ({"any": 7}, "a rule that can't be read"),
        ([1], "a rule that can't be read"),
    ],
)
def test_says_a_rule_in_words(rule, words):
    assert wording.words(rule) == words


def test_holds_and_releases_once_and_says_whom(people):
    ids = [person.pk for person in people.values()]
    olga = factories.UserFactory(username="olga")
    assert holding.hold(prospect_ids=ids[:1], reason="on leave", by=olga) == ids[:1]
    assert holding.hold(prospect_ids=ids, reason="later", by=None) == ids[1:]
    assert Prospect.objects.get(pk=ids[0]).hold_reason == "on leave (olga)"
    assert holding.release(prospect_ids=ids) == ids
    assert holding.release(prospect_ids=ids) == []


def test_refuses_a_hold_without_a_reason(people):
    with pytest.raises(holding.NoReason, match="Say why"):
        holding.hold(prospect_ids=[people["ada"].pk], reason=" \n", by=None)


def test_tags_and_untags_once_and_says_whom(people):
    ids = sorted(person.pk for person in people.values())
    assert tagging.add_tag(prospect_ids=ids, tag=" tea ") == ids[1:]
    assert tagging.remove_tag(prospect_ids=ids, tag="tea") == ids
    assert Prospect.objects.get(pk=people["ada"].pk).tags == ["vip"]


def test_gives_no_more_tags_than_a_person_may_have(people):
    Prospect.objects.filter(pk=people["bo"].pk).update(tags=[str(n) for n in range(50)])
    assert tagging.add_tag(prospect_ids=[people["bo"].pk], tag="tea") == []


@pytest.mark.parametrize("tag", ["", " ", "x" * 51])
def test_refuses_what_is_no_tag(people, tag):
    with pytest.raises(tagging.InvalidTag):
        tagging.add_tag(prospect_ids=[], tag=tag)


def test_keeps_a_note_and_refuses_an_empty_one(people):
    assert notes.add_note(prospect=people["ada"], text="Likes\r\ntea\0", by=None).text == "Likes\ntea"
    for wrong in ("", " \n ", "x" * 10_001):
        with pytest.raises(notes.InvalidNote):
            notes.add_note(prospect=people["ada"], text=wrong, by=None)


def test_reads_a_segment_that_is_gone_as_nobody(people):
    segment = factories.SegmentFactory()
    gone = Facets(segment=str(segment.public_id))
    Segment.objects.all().delete()
    assert not listing.people(gone, now=NOW).exists()
