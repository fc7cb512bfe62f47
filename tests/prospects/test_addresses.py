"""A person's further addresses: only of somebody who is here, and never of who asked to be forgotten."""

import pytest
from django.urls import reverse

from campaigns import privacy
from prospects import editing, identity, merging, suppression
from prospects.models import Address, Prospect, Suppression
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna():
    return editing.add_prospect(email="anna@a.example", by=None)


@pytest.fixture
def add(client):
    client.force_login(factories.UserFactory(role="operator"))

    def post(person, email):
        address = reverse("prospect-address-add", args=[person.public_id])
        return client.post(address, {"email": email}, follow=True).content.decode()

    return post


def forget(email):
    Suppression.objects.create(kind="address", key=identity.key_for("address", email), value="", reason="erased")


def test_gives_none_to_a_row_that_was_merged_away_while_its_page_was_open(anna, add, now):
    berta = editing.add_prospect(email="berta@b.example", by=None)
    merging.merge(survivor=anna, merged=berta, by=None, now=now)
    assert "merged into another person" in add(berta, "new@c.example")
    assert not Address.objects.filter(email="new@c.example").exists()
    assert "A no to it is a no to all" in add(anna, "new@c.example")
    suppression.suppress(kind="address", value="new@c.example", reason="unsubscribed")
    anna.refresh_from_db()
    assert suppression.is_suppressed(anna.contact_keys)


def test_gives_none_to_who_was_erased(anna, add, now):
    privacy.erase(prospect=anna, reason="asked", by=None, now=now)
    add(anna, "new@c.example")
    assert not Address.objects.exists()
    assert Prospect.objects.get().contact_keys == []


def test_takes_none_of_who_asked_to_be_forgotten(anna, add):
    forget("gone@b.example")
    assert "asked to be forgotten" in add(anna, "Gone+x@b.example")
    assert not Address.objects.exists()
    anna.refresh_from_db()
    assert not suppression.is_suppressed(anna.contact_keys)


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        ("address", "gone@b.example", "email"),
        ("x", "gone", "x_handle"),
        ("linkedin", "linkedin.com/in/gone", "linkedin_url"),
    ],
)
def test_makes_nobody_of_who_asked_to_be_forgotten(anna, client_as, kind, value, field):
    Suppression.objects.create(kind=kind, key=identity.key_for(kind, value), value="", reason="erased")
    api, address = client_as("operator"), reverse("api-prospects-detail", args=[anna.public_id])
    answer = api.patch(address, {field: value}, format="json")
    assert answer.status_code == 400
    [problem] = answer.json()["errors"]
    assert (problem["field"], "forgotten" in str(problem)) == (field, True)
    anna.refresh_from_db()
    assert (anna.email, suppression.is_suppressed(anna.contact_keys)) == ("anna@a.example", False)
    assert api.patch(address, {"company": "Acme"}, format="json").status_code == 200
