from datetime import date

import pytest

from prospects import identity
from prospects.models import Prospect, Segment
from tests import factories

PAGE = "/admin/prospects/prospect/"


@pytest.fixture
def office(client, db):
    client.force_login(factories.UserFactory(role="operator", is_staff=True))
    return client


def _form(**fields):
    return {"email": "ada@site.example", "custom": "{}", **fields}


def test_adds_a_person_through_the_verb(office):
    assert office.post(f"{PAGE}add/", _form(tags="vip,berlin", country="de")).status_code == 302
    prospect = Prospect.objects.get()
    assert prospect.identity_key == identity.address_key("ada@site.example")
    assert prospect.tags == ["vip", "berlin"]


def test_says_beside_the_field_what_the_verb_refuses(office):
    page = office.post(f"{PAGE}add/", _form(email="nonsense"))
    assert "email" in page.context["adminform"].form.errors
    assert not Prospect.objects.exists()


def test_moves_the_keys_with_the_address(office):
    prospect = factories.ProspectFactory(email="ada@site.example")
    assert office.post(f"{PAGE}{prospect.pk}/change/", _form(email="bob@other.example")).status_code == 302
    assert Prospect.objects.get().identity_key == identity.address_key("bob@other.example")


def test_keeps_the_day_on_which_they_were_told_what_we_hold(office):
    prospect = factories.ProspectFactory(email="ada@site.example")
    office.post(f"{PAGE}{prospect.pk}/change/", _form(notice_date="2026-03-01"))
    assert Prospect.objects.get().notice_date == date(2026, 3, 1)


def test_refuses_the_address_of_somebody_else(office):
    factories.ProspectFactory(email="ada@site.example")
    other = factories.ProspectFactory(email="bob@site.example")
    page = office.post(f"{PAGE}{other.pk}/change/", _form(email="ADA@site.example"))
    assert page.context["adminform"].form.errors
    assert Prospect.objects.get(pk=other.pk).email == "bob@site.example"


def test_checks_the_filter_of_a_segment(office):
    bad = office.post("/admin/prospects/segment/add/", {"name": "S", "filter": '{"all": [{"field": "shoe"}]}'})
    assert "filter" in bad.context["adminform"].form.errors
    office.post("/admin/prospects/segment/add/", {"name": "S", "filter": "{}"})
    assert Segment.objects.get().created_by is not None
