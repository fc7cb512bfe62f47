"""One person by hand: the keys, the site and the zone always fit."""

import pytest

from prospects import addresses, editing, identity, suppression
from prospects.models import Address, Prospect, Site, Suppression

pytestmark = pytest.mark.django_db


def add(email="anna@blog.example", **fields):
    return editing.add_prospect(email=email, by=None, **fields)


def test_adds_a_person_with_keys_and_site(manager):
    person = editing.add_prospect(
        email=" Anna@Mail.Blog.Example",
        first_name=" Anna\n",
        website="shop.example/a",
        tags=["a", "a", " b"],
        by=manager,
    )
    person.refresh_from_db()
    assert (person.email, person.first_name, person.website) == (
        "Anna@mail.blog.example",
        "Anna",
        "https://shop.example/a",
    )
    assert person.site.domain == "shop.example"
    assert person.identity_key == identity.address_key("anna@mail.blog.example")
    assert "domain:shop.example" in person.contact_keys
    assert person.tags == ["a", "b"]


@pytest.mark.parametrize(
    ("email", "website", "domain"),
    [
        ("a@mail.blog.co.uk", "", "blog.co.uk"),
        ("a@gmail.com", "", None),
        ("a@gmail.com", "https://www.blog.example", "blog.example"),
        ("a@blog.example", "https://youtube.com/@anna", None),
    ],
)
def test_finds_the_site_unless_strangers_share_it(email, website, domain):
    person = add(email, website=website)
    assert (person.site.domain if person.site else None) == domain


@pytest.mark.parametrize(
    ("country", "zone", "stored"),
    [
        ("de", "", ("DE", "Europe/Berlin")),
        ("FR", "", ("FR", "Europe/Paris")),
        ("United States", "", ("US", "America/New_York")),
        ("Japan", "", ("JP", "Asia/Tokyo")),
        ("UK", "america/new_york", ("GB", "America/New_York")),
        ("", "UTC", ("", "UTC")),
    ],
)
def test_tells_the_zone_of_most_people_from_a_country(country, zone, stored):
    person = add(country=country, time_zone=zone)
    assert (person.country, person.time_zone) == stored


def test_says_every_field_that_is_wrong_at_once():
    wrong = {
        "country": "Narnia",
        "time_zone": "Mars/Base",
        "language": "english please",
        "website": "not a website",
        "first_name": "x" * 101,
        "kind": "robot",
        "tags": ["x" * 51],
        "custom": {"1 bad": "x"},
        "shoe_size": "44",
    }
    with pytest.raises(editing.InvalidProspect) as caught:
        add("anna@blog.test", **wrong)
    assert caught.value.errors.keys() == {"email", *wrong}
    assert all(sentence.endswith(".") for sentence in caught.value.errors.values())
    assert not Prospect.objects.exists()


def test_refuses_a_person_who_is_here_already():
    add("anna@gmail.com")
    with pytest.raises(editing.InvalidProspect, match="here already"):
        add("A.N.N.A+x@googlemail.com")


def test_needs_one_way_to_reach_a_person():
    with pytest.raises(editing.InvalidProspect):
        add("")
    assert add("", x_handle="@anna").x_handle == "anna"


def test_changes_what_is_given_and_nothing_else():
    person = add(first_name="Anna", company="Acme", custom={"city": "Köln", "empty": ""})
    Prospect.objects.filter(pk=person.pk).update(stop_reason="asked us to")
    changed = editing.change_prospect(prospect=person, by=None, company="Other", email="anna@new.example")
    changed.refresh_from_db()
    assert (changed.first_name, changed.company, changed.custom) == ("Anna", "Other", {"city": "Köln"})
    assert changed.stop_reason == "asked us to"
    assert changed.site.domain == "new.example"
    assert changed.identity_key == identity.address_key("anna@new.example")
    keys = identity.contact_keys(email="anna@new.example", site_domain="new.example", others=["anna@blog.example"])
    assert changed.contact_keys == keys


def test_keeps_the_old_address_and_what_names_it():
    person = add("anna@blog.example", x_handle="anna")
    editing.change_prospect(prospect=person, by=None, email="anna@new.example", x_handle="berta")
    old = Address.objects.get(prospect=person)
    assert (old.email, old.state) == ("anna@blog.example", Address.State.DEAD)
    suppression.suppress(kind="address", value="ANNA+x@blog.example", reason="unsubscribed")
    person.refresh_from_db()
    assert suppression.is_suppressed(person.contact_keys)
    assert {identity.key_for("x", "anna"), identity.key_for("x", "berta")} <= set(person.contact_keys)
    editing.change_prospect(prospect=person, by=None, email="anna@blog.example")
    assert Address.objects.get(prospect=person).email == "anna@new.example"


def test_refuses_a_further_address_of_somebody_else():
    anna = add("anna@a.example")
    addresses.add_address(prospect=anna, email="a@private.example", by=None)
    with pytest.raises(editing.InvalidProspect, match="here already"):
        add("A+x@private.example")
    berta = add("berta@a.example")
    with pytest.raises(editing.InvalidProspect, match="here already"):
        editing.change_prospect(prospect=berta, by=None, email="a@private.example")
    with pytest.raises(addresses.InvalidAddress):
        addresses.add_address(prospect=berta, email="anna@a.example", by=None)
    assert addresses.owner_of(email="A@private.example") == anna


def test_does_not_add_again_who_asked_to_be_forgotten():
    Suppression.objects.create(
        kind="address", key=identity.key_for("address", "anna@a.example"), value="", reason="erased"
    )
    with pytest.raises(editing.InvalidProspect, match="forgotten"):
        add("Anna+x@a.example")


def test_refuses_a_handle_that_names_no_account():
    with pytest.raises(editing.InvalidProspect) as caught:
        add("", x_handle="not a handle")
    assert caught.value.errors.keys() == {"x_handle"}


def test_knows_a_person_by_the_handle():
    add("", x_handle="@Anna")
    with pytest.raises(editing.InvalidProspect) as caught:
        add("", x_handle="anna")
    assert caught.value.errors.keys() == {"x_handle"}


def test_refuses_to_become_somebody_else():
    add("anna@a.example")
    berta = add("berta@a.example")
    with pytest.raises(editing.InvalidProspect, match="here already"):
        editing.change_prospect(prospect=berta, by=None, email="ANNA@a.example")
    berta.refresh_from_db()
    assert berta.email == "berta@a.example"


def test_shares_one_site_between_its_people():
    add("anna@blog.example")
    add("berta@www.blog.example")
    assert Site.objects.count() == 1
