import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from prospects import addresses, counting, identity, merging
from prospects.importing import running
from prospects.models import ImportBatch, Prospect, Segment
from tests import factories

PROSPECTS, SEGMENTS, IMPORTS = "/api/v1/prospects/", "/api/v1/segments/", "/api/v1/imports/"


@pytest.fixture
def api(client_as):
    return client_as("operator")


def _ids(answer):
    assert answer.status_code == 200, answer.content
    return {row["id"] for row in answer.json()["results"]}


def test_adds_a_person_through_the_verb(api):
    answer = api.post(
        PROSPECTS, {"email": "Ada@Site.Example", "website": "https://www.blog.example/x", "country": "de"}
    )
    assert answer.status_code == 201, answer.content
    prospect = Prospect.objects.get(public_id=answer.json()["id"])
    assert prospect.identity_key == identity.address_key("ada@site.example")
    assert answer.json()["site"] == prospect.site.domain == "blog.example"


def test_names_the_fields_that_the_verb_refuses(api):
    answer = api.post(PROSPECTS, {"email": "not an address", "time_zone": "Mars/Base"})
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} >= {"email"}


def test_refuses_a_second_row_for_the_same_person(api):
    factories.ProspectFactory(email="ada@site.example")
    answer = api.post(PROSPECTS, {"email": "ADA+x@site.example"})
    assert answer.status_code == 400, answer.content
    assert Prospect.objects.count() == 1


def test_changes_only_what_was_sent(api):
    prospect = factories.ProspectFactory(first_name="Ada", company="Acme")
    answer = api.patch(f"{PROSPECTS}{prospect.public_id}/", {"company": "Blog & Co", "tags": ["vip"]})
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["first_name"], body["company"], body["tags"]) == ("Ada", "Blog & Co", ["vip"])


def test_never_deletes_a_person(api):
    prospect = factories.ProspectFactory()
    assert api.delete(f"{PROSPECTS}{prospect.public_id}/").status_code == 405


def test_finds_people(api):
    ada = factories.ProspectFactory(email="ada@site.example", first_name="Ada", country="DE", tags=["vip"])
    bob = factories.ProspectFactory(email="bob@site.example", first_name="Bob", country="FR")
    for query in ("email=ADA%2Bnews@site.example", "q=ad", "country=de", "tag=vip"):
        assert _ids(api.get(f"{PROSPECTS}?{query}")) == {str(ada.public_id)}, query
    assert _ids(api.get(f"{PROSPECTS}?created_after=2000-01-01T00:00:00Z")) == {str(ada.public_id), str(bob.public_id)}
    assert _ids(api.get(f"{PROSPECTS}?created_before=2000-01-01T00:00:00Z")) == set()


def test_finds_people_by_any_address_that_is_theirs(api, now):
    ada = factories.ProspectFactory(email="ada@site.example")
    merged = factories.ProspectFactory(email="ada@old.example")
    addresses.add_address(prospect=ada, email="info@site.example", by=None)
    addresses.add_address(prospect=merged, email="info@old.example", by=None)
    merging.merge(survivor=ada, merged=merged, by=None, now=now)
    for email in ("info@site.example", "ada@old.example", "INFO@old.example"):
        assert _ids(api.get(f"{PROSPECTS}?email={email}")) == {str(ada.public_id)}, email
    assert _ids(api.get(f"{PROSPECTS}?email=nobody@site.example")) == set()


def test_keeps_the_day_on_which_they_were_told_what_we_hold(api):
    ada = factories.ProspectFactory()
    answer = api.patch(f"{PROSPECTS}{ada.public_id}/", {"notice_date": "2026-03-01"})
    assert answer.json()["notice_date"] == "2026-03-01"
    assert api.patch(f"{PROSPECTS}{ada.public_id}/", {"notice_date": "soon"}).status_code == 400
    assert api.patch(f"{PROSPECTS}{ada.public_id}/", {"notice_date": None}).json()["notice_date"] is None


def test_says_that_an_address_in_a_filter_is_none(api):
    assert api.get(f"{PROSPECTS}?email=nonsense").status_code == 400


def test_saves_a_segment_and_lists_its_members(api):
    member = factories.ProspectFactory(country="DE")
    factories.ProspectFactory(country="FR")
    rule = {"all": [{"field": "country", "op": "is", "value": "DE"}]}
    made = api.post(SEGMENTS, {"name": "Germans", "filter": rule})
    assert made.status_code == 201, made.content
    assert _ids(api.get(f"{SEGMENTS}{made.json()['id']}/members/")) == {str(member.public_id)}


def test_names_the_place_where_a_filter_is_wrong(api):
    answer = api.post(SEGMENTS, {"name": "S", "filter": {"all": [{"field": "shoe size", "op": "is", "value": 1}]}})
    assert answer.status_code == 400
    assert "all[0]" in json.dumps(answer.json())
    assert not Segment.objects.exists()


def test_counts_who_a_filter_would_find(api):
    factories.ProspectFactory(country="DE")
    answer = api.post(f"{SEGMENTS}preview/", {"filter": {"all": [{"field": "country", "op": "is", "value": "DE"}]}})
    assert answer.json() == {"count": 1, "exact": True, "label": "1"}


def test_says_about_how_many_beyond_its_limit(api, monkeypatch):
    Prospect.objects.bulk_create(Prospect(first_name="x") for _ in range(3))
    assert api.post(f"{SEGMENTS}preview/", {"filter": {}}).json() == {"count": 3, "exact": True, "label": "3"}
    monkeypatch.setattr(counting, "LIMIT", 2)
    said = api.post(f"{SEGMENTS}preview/", {"filter": {}}).json()
    assert not said["exact"]
    assert said["label"].startswith("about ")


def _upload(api, content, **fields):
    return api.post(IMPORTS, {"file": SimpleUploadedFile("people.csv", content), **fields}, format="multipart")


def test_says_that_a_file_can_not_be_read(api):
    answer = _upload(api, b"")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("route", ["api-programs-list", "api-prospects-list", "api-segments-list", "api-imports-list"])
def test_lists_in_a_fixed_number_of_queries(api, manager, django_assert_num_queries, route):
    """Session, user, rows: whatever the rows point to comes along."""
    for number in range(5):
        factories.ProgramFactory()
        factories.ProspectFactory()
        factories.SegmentFactory()
        ImportBatch.objects.create(file_name=f"{number}.csv", created_by=manager)
    with django_assert_num_queries(3):
        assert len(api.get(reverse(route)).json()["results"]) == 5


def test_lists_members_and_rejects_in_a_fixed_number_of_queries(api, django_assert_num_queries):
    segment = factories.SegmentFactory()
    for _ in range(5):
        factories.ProspectFactory()
    with django_assert_num_queries(4):  # session, user, segment, people with their sites
        assert len(_ids(api.get(reverse("api-segments-members", args=[segment.public_id])))) == 5
    batch = _upload(api, b"email\n" + b"nonsense\n" * 5).json()["id"]
    running.run_next()
    with django_assert_num_queries(4):  # session, user, batch, rows
        assert len(api.get(reverse("api-imports-rejects", args=[batch])).json()["results"]) == 5
