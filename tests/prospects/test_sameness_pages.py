"""Duplicates on pages, in the API and in the back office."""

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import merging as consequences
from prospects import addresses, dedupe, merging, sameness
from prospects.models import Address, Duplicate, Merge, Prospect
from prospects.tasks import find_duplicates
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    client.force_login(factories.UserFactory(role="operator", is_staff=True))
    return client


@pytest.fixture
def pair():
    first = factories.ProspectFactory(first_name="Anna", last_name="Smith", x_handle="anna", country="DE")
    second = factories.ProspectFactory(first_name="Anne", last_name="Smith", x_handle="anna", company="Acme")
    find_duplicates()
    return Duplicate.objects.get(first=first, second=second)


def test_lists_what_is_to_decide(operator, pair):
    page = operator.get(reverse("duplicates")).text
    assert "The same X handle" in page
    assert "very likely" in page
    assert reverse("prospect-compare", args=[pair.first.public_id, pair.second.public_id]) in page


def test_says_when_there_is_nothing(operator):
    assert "Nothing to decide" in operator.get(reverse("duplicates")).text


def test_counts_the_queries_of_the_list(operator, pair, django_assert_max_num_queries):
    with django_assert_max_num_queries(20) as one:
        operator.get(reverse("duplicates"))
    for _ in range(5):
        factories.ProspectFactory(x_handle="anna")
    dedupe.find()
    with django_assert_max_num_queries(len(one)):
        operator.get(reverse("duplicates"))


def test_shows_two_side_by_side_and_merges_them(operator, pair):
    url = reverse("prospect-compare", args=[pair.first.public_id, pair.second.public_id])
    page = operator.get(url).text
    assert "Germany" in page
    assert "Keep this one" in page
    answer = operator.post(url, {"keep": "second"}, follow=True)
    assert "is now the same person as" in answer.text
    pair.first.refresh_from_db()
    assert pair.first.person == pair.second
    assert "can't be decided any more" in operator.get(url).text


def test_one_person_has_one_page_with_an_undo(operator, pair):
    made = merging.merge(survivor=pair.first, merged=pair.second, by=None, now=timezone.now())
    consequences.apply_waiting()
    gone = operator.get(reverse("prospect", args=[pair.second.public_id]))
    assert gone.url == reverse("prospect", args=[pair.first.public_id])
    page = operator.get(gone.url).text
    assert reverse("merge-undo", args=[made.public_id]) in page
    assert "two people again" in operator.post(reverse("merge-undo", args=[made.public_id]), follow=True).text
    assert Prospect.objects.present().count() == 2


def test_says_why_a_merge_cannot_be_undone(operator, pair):
    made = merging.merge(survivor=pair.first, merged=pair.second, by=None, now=timezone.now())
    Merge.objects.update(created_at="2020-01-01T00:00Z")
    assert "30 days" in operator.post(reverse("merge-undo", args=[made.public_id]), follow=True).text


def test_leaves_two_people_and_offers_them_again_on_undo(operator, pair):
    operator.post(reverse("duplicate-dismiss", args=[pair.public_id]))
    assert not dedupe.open_pairs().exists()
    operator.post(reverse("duplicate-return", args=[pair.public_id]))
    assert dedupe.open_pairs().exists()


def test_looks_again_where_that_takes_seconds(operator, pair, monkeypatch):
    Duplicate.objects.all().delete()
    assert "1 new pair found" in operator.post(reverse("duplicates-find"), follow=True).text
    monkeypatch.setattr(sameness, "AT_ONCE", -2)
    assert "once a day" in operator.post(reverse("duplicates-find"), follow=True).text


@pytest.mark.parametrize("said", ["@anne", "https://x.com/Anne", "linkedin.com/in/anne", "Anne+x@b.example"])
def test_finds_the_other_row_by_whatever_names_it(operator, said):
    anna = factories.ProspectFactory()
    anne = factories.ProspectFactory(email="anne@b.example", x_handle="anne", linkedin_url="linkedin.com/in/anne")
    answer = operator.post(reverse("prospect-same", args=[anna.public_id]), {"other": said})
    assert answer.url == reverse("prospect-compare", args=[anna.public_id, anne.public_id])


def test_says_when_nobody_is_named(operator):
    anna = factories.ProspectFactory()
    for said in ("nobody@b.example", "", anna.email):
        answer = operator.post(reverse("prospect-same", args=[anna.public_id]), {"other": said}, follow=True)
        assert "Type the address" in answer.text


def test_adds_an_address_and_writes_to_it_from_then_on(operator):
    anna = factories.ProspectFactory(email="anna@a.example")
    add = reverse("prospect-address-add", args=[anna.public_id])
    assert "A no to it is a no to all" in operator.post(add, {"email": "anna@b.example"}, follow=True).text
    address = Address.objects.get(prospect=anna)
    operator.post(reverse("prospect-address-use", args=[anna.public_id]), {"address": address.pk})
    anna.refresh_from_db()
    assert anna.email == "anna@b.example"
    assert [row.email for row, _ in addresses.listed(prospect=anna)] == ["anna@a.example"]


def test_refuses_a_further_address_of_somebody_else(operator):
    anna, anne = factories.ProspectFactory(), factories.ProspectFactory()
    add = reverse("prospect-address-add", args=[anna.public_id])
    assert "here already" in operator.post(add, {"email": anne.email}, follow=True).text


def test_merges_and_undoes_over_http(client_as, pair):
    api = client_as("operator")
    body = {"survivor": str(pair.first.public_id), "merged": str(pair.second.public_id)}
    made = api.post(reverse("api-merges-list"), body, format="json")
    assert made.status_code == 201
    assert made.json()["survivor"] == body["survivor"]
    again = api.post(reverse("api-merges-list"), body, format="json")
    assert (again.status_code, again.json()["errors"][0]["field"]) == (409, "merged")
    undone = api.post(reverse("api-merges-undo", args=[made.json()["id"]]))
    assert undone.json()["undone_at"]


def test_dismisses_over_http(client_as, pair):
    api = client_as("operator")
    row = api.get(reverse("api-duplicates-list")).json()["results"][0]
    assert (row["reason"], row["first"]["id"]) == ("The same X handle", str(pair.first.public_id))
    api.post(reverse("api-duplicates-dismiss", args=[row["id"]]))
    assert api.get(reverse("api-duplicates-list")).json()["results"] == []


@pytest.mark.parametrize("route", ["api-duplicates-list", "api-merges-list"])
def test_lists_over_http_in_a_fixed_number_of_queries(client_as, pair, route, django_assert_num_queries):
    api = client_as("viewer")
    merging.merge(survivor=factories.ProspectFactory(), merged=factories.ProspectFactory(), by=None, now=timezone.now())
    for _ in range(2):
        with django_assert_num_queries(3):  # session, user, rows with both people
            assert api.get(reverse(route)).json()["results"]


@pytest.mark.parametrize("model", ["address", "duplicate", "merge"])
def test_is_seen_in_the_back_office(operator, pair, model):
    assert operator.get(reverse(f"admin:prospects_{model}_changelist")).status_code == 200


def test_dismisses_in_the_back_office(operator, pair):
    form = {"action": "dismiss", "_selected_action": [pair.pk]}
    operator.post(reverse("admin:prospects_duplicate_changelist"), form)
    assert not dedupe.open_pairs().exists()
