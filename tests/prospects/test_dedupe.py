"""Pairs of rows that look like one person, over everybody."""

import pytest

from prospects import addresses, dedupe, editing
from prospects.models import Duplicate, Prospect
from tests import factories

pytestmark = pytest.mark.django_db


def person(**fields):
    return factories.ProspectFactory(**fields)


def pairs():
    dedupe.find()
    return [(pair.first, pair.second, pair.reason) for pair in dedupe.open_pairs()]


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ({"x_handle": "anna"}, {"x_handle": "https://x.com/Anna"}, "The same X handle"),
        (
            {"linkedin_url": "linkedin.com/in/anna"},
            {"linkedin_url": "https://de.linkedin.com/in/Anna/"},
            "The same page",
        ),
        (
            {"first_name": "Anna", "last_name": "Smith", "website": "blog.example"},
            {"first_name": "ANNA", "last_name": "smith", "website": "www.blog.example/about"},
            "The same name at the same site",
        ),
        (
            {"first_name": "Anna", "last_name": "Smith", "company": "Acme"},
            {"first_name": "Smith", "last_name": "Anna", "company": "acme"},
            "The same name at the same company, first and last name swapped",
        ),
        (
            {"email": "anna@acme.example", "company": "Acme"},
            {"email": "anna@acme-group.example", "company": "Acme"},
            "The same address at another domain of the company",
        ),
        (
            {"email": "anna@acme.com"},
            {"email": "Anna+x@acme.de"},
            "The same address at a domain of the same name",
        ),
    ],
)
def test_finds_two_rows_of_one_person_and_says_why(one, other, reason):
    first, second = person(**one), person(**other)
    person(first_name="Berta", last_name="Brown")
    assert pairs() == [(first, second, reason)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"email": "info@acme.com"}, {"email": "info@acme.de"}),
        ({"email": "anna@yahoo.com"}, {"email": "anna@yahoo.de"}),
        ({"first_name": "Anna", "last_name": ""}, {"first_name": "Anna", "last_name": ""}),
        ({"first_name": "Anna", "last_name": "Smith"}, {"first_name": "Anna", "last_name": "Smith"}),
        (
            {"first_name": "", "last_name": "", "company": "Acme"},
            {"first_name": "", "last_name": "", "company": "Acme"},
        ),
    ],
)
def test_leaves_two_people_alone(one, other):
    person(**one)
    person(**other)
    assert pairs() == []


def test_finds_an_address_that_two_share():
    first, second = person(), person(email="anna@b.example")
    addresses.add_address(prospect=first, email="anna@c.example", by=None)
    first.refresh_from_db()
    Prospect.objects.filter(pk=second.pk).update(contact_keys=first.contact_keys[-1:])
    assert pairs() == [(first, second, "The same address")]


def test_pairs_each_with_the_oldest_so_that_many_make_few():
    rows = [person(x_handle="shared") for _ in range(5)]
    assert [pair[:2] for pair in pairs()] == [(rows[0], row) for row in rows[1:]]


def test_a_key_of_a_crowd_says_nothing(monkeypatch):
    monkeypatch.setattr(dedupe, "LARGEST_GROUP", 3)
    for _ in range(4):
        person(first_name="Support", last_name="Team", company="Acme")
    assert pairs() == []


def test_keeps_what_was_decided_and_the_better_reason(manager, now):
    person(first_name="Anna", last_name="Smith", company="Acme", x_handle="anna")
    other = person(first_name="Anna", last_name="Smith", company="Acme", x_handle="anna")
    assert dedupe.find() == 1
    pair = Duplicate.objects.get()
    assert (pair.reason, pair.score) == ("The same X handle", 0.95)
    assert dedupe.find() == 0
    assert dedupe.dismiss(duplicate=pair, by=manager, now=now)
    assert not dedupe.dismiss(duplicate=pair, by=None, now=now)
    assert pairs() == []
    assert dedupe.bring_back(duplicate=pair)
    Prospect.objects.filter(pk=other.pk).update(erased_at=now)
    assert pairs() == []
    assert not Duplicate.objects.exists()


def test_forgets_nothing_that_an_import_found():
    first, second = person(), person()
    Duplicate.objects.create(first=first, second=second, reason="As the import found", score=0.5)
    editing.change_prospect(prospect=first, by=None, first_name="Bo")
    assert pairs() == [(first, second, "As the import found")]
