import pytest
from django.urls import reverse

from templates.models import Template
from tests import factories

TEMPLATES = "/api/v1/templates/"
CONTENT = {"subject": "Hello", "text": factories.TEXT}


@pytest.fixture
def api(client_as):
    return client_as("operator")


def test_creates_a_template_with_its_first_version(api):
    answer = api.post(TEMPLATES, {"name": "First", **CONTENT})
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["name"], body["channel"]) == ("First", "email")
    assert (body["version"]["number"], body["version"]["text"]) == (1, factories.TEXT)


def test_names_every_unknown_variable_at_once(api):
    answer = api.post(TEMPLATES, {"name": "First", "subject": "{{ frist_name }}", "text": "{{ compnay }}"})
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {"subject", "text"}
    assert not Template.objects.exists()


def test_refuses_a_name_that_is_taken(api):
    factories.template(name="First")
    answer = api.post(TEMPLATES, {"name": "First", **CONTENT})
    assert [error["field"] for error in answer.json()["errors"]] == ["name"]


def test_publishes_a_new_version_and_keeps_the_old_one(api):
    template = factories.template()
    address = f"{TEMPLATES}{template.public_id}/"
    assert api.post(f"{address}versions/", {**CONTENT, "subject": "Hello again"}).status_code == 201
    assert [version["number"] for version in api.get(f"{address}versions/").json()["results"]] == [2, 1]
    assert api.get(address).json()["version"]["subject"] == "Hello again"


def test_renames_a_template_but_never_changes_what_it_says(api):
    address = f"{TEMPLATES}{factories.template().public_id}/"
    assert api.patch(address, {"name": "Other"}).json()["name"] == "Other"
    assert api.patch(address, {"text": "Other"}).status_code == 400


def test_lists_in_a_fixed_number_of_queries(api, django_assert_num_queries):
    made = [factories.template() for _ in range(5)]
    with django_assert_num_queries(4):  # session, user, templates, their newest versions
        assert len(api.get(reverse("api-templates-list")).json()["results"]) == 5
    with django_assert_num_queries(5):  # session, user, template, its newest version, all versions
        assert len(api.get(reverse("api-templates-versions", args=[made[0].public_id])).json()["results"]) == 1
