"""Programs on pages: made, changed, refused in words."""

import pytest
from django.urls import reverse

from prospects.models import Program
from tests import factories

FORM = {"name": "Tea club", "merchant": "Leaf Ltd", "website": "leaf.example", "postal_address": "1 High St, London"}


@pytest.fixture
def page(client, db):
    client.force_login(factories.UserFactory(role="operator"))
    return client


def test_adds_a_program_and_lists_it(page):
    assert "No program yet" in page.get(reverse("programs")).content.decode()
    said = page.post(reverse("program-add"), FORM, follow=True).content.decode()
    assert "Tea club is here." in said
    made = Program.objects.get()
    assert (made.website, made.merchant) == ("https://leaf.example", "Leaf Ltd")


def test_goes_back_to_where_it_was_asked_from(page):
    answer = page.post(reverse("program-add"), {**FORM, "next": "/setup/"})
    assert answer.url == "/setup/"


def test_says_what_is_wrong_beside_the_field(page):
    factories.ProgramFactory(name="Tea club")
    said = page.post(reverse("program-add"), {**FORM, "website": "no address"}).content.decode()
    assert "This is no web address." in said
    said = page.post(reverse("program-add"), FORM).content.decode()
    assert "already exists" in said
    assert "where its sender can be reached" in page.post(reverse("program-add"), {"name": "x"}).content.decode()
    assert Program.objects.count() == 1


def test_changes_a_program(page):
    program = factories.ProgramFactory(name="Old")
    address = reverse("program-edit", args=[program.public_id])
    assert 'value="Old"' in page.get(address).content.decode()
    page.post(address, FORM)
    program.refresh_from_db()
    assert (program.name, program.postal_address) == ("Tea club", "1 High St, London")


def test_marks_a_program_without_a_postal_address(page):
    factories.ProgramFactory(postal_address="")
    assert "no campaign can be launched" in page.get(reverse("programs")).content.decode()


def test_asks_as_often_for_many_programs_as_for_one(page, django_assert_num_queries):
    factories.ProgramFactory()
    with django_assert_num_queries(7) as counted:
        page.get(reverse("programs"))
    factories.ProgramFactory.create_batch(4)
    with django_assert_num_queries(len(counted)):
        page.get(reverse("programs"))


def test_lets_a_viewer_read_and_no_more(client, db):
    client.force_login(factories.UserFactory(role="viewer"))
    program = factories.ProgramFactory()
    said = client.get(reverse("programs")).content.decode()
    assert program.name in said
    assert "Add a program" not in said
    assert client.get(reverse("program-edit", args=[program.public_id])).status_code == 403
