"""Imports over HTTP: a file is stored, looked at if one likes, and brought in by a worker."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from prospects import editing
from prospects.importing import running
from prospects.models import ImportBatch, Prospect, SavedMapping, Stage
from tests import factories
from tests.prospects.sheets import MESSY, messy, workbook

IMPORTS = "/api/v1/imports/"


@pytest.fixture
def api(client_as):
    return client_as("operator")


def upload(api, content, name="people.csv", **fields):
    return api.post(IMPORTS, {"file": SimpleUploadedFile(name, content), **fields}, format="multipart")


def done(api, answer):
    assert answer.status_code == 201, answer.content
    while running.run_next():
        pass
    return api.get(f"{IMPORTS}{answer.json()['id']}/").json()


def test_imports_a_file_and_lists_what_it_rejected(api):
    answer = upload(api, b"Email,Name\nada@site.example,Ada\nnonsense,Bob\n")
    assert answer.json()["status"] == "queued"
    body = done(api, answer)
    assert (body["status"], body["added"], body["rejected"]) == ("done", 1, 1)
    rejects = api.get(f"{IMPORTS}{body['id']}/rejects/").json()["results"]
    assert [(row["sheet"], row["line"]) for row in rejects] == [("", 3)]
    assert rejects[0]["reason"]


def test_imports_with_a_mapping_a_source_and_tags(api):
    content = b"Kontakt,Firm,Plan\nada@site.example,New,7\n"
    editing.add_prospect(email="ada@site.example", by=None, company="Old")
    done(
        api,
        upload(
            api,
            content,
            mapping=json.dumps({"Kontakt": "email", "firm": "company", "Plan": "custom.plan:number"}),
            source_name="fair",
            tags=["berlin", "vip"],
            replace=["company"],
            save_as="fairs",
        ),
    )
    prospect = Prospect.objects.get()
    assert (prospect.company, prospect.custom, prospect.tags[:2]) == ("New", {"plan": 7}, ["berlin", "vip"])
    saved = api.get("/api/v1/saved-mappings/").json()["results"]
    assert [row["name"] for row in saved] == ["fairs"]
    assert api.delete(f"/api/v1/saved-mappings/{saved[0]['id']}/").status_code == 204
    assert not SavedMapping.objects.exists()


def test_shows_columns_and_preview_before_it_starts(api):
    program = factories.ProgramFactory()
    factories.ProgramFactory()
    batch = upload(api, messy(), MESSY, start="false", program=program.public_id).json()
    assert batch["status"] == "uploaded"
    sheets = api.get(f"{IMPORTS}{batch['id']}/columns/").json()
    assert [(sheet["name"], sheet["use"]) for sheet in sheets][:2] == [("Bloggers", True), ("Twitter people", True)]
    assert sheets[0]["columns"][2]["target"] == "email"
    answer = api.post(
        f"{IMPORTS}{batch['id']}/columns/", {"mapping": {"Blog": ""}, "program": program.public_id}, format="json"
    )
    assert answer.json()[0]["columns"][0]["target"] == ""
    preview = api.get(f"{IMPORTS}{batch['id']}/preview/").json()
    assert preview["totals"]["added"] == 6
    assert Prospect.objects.count() == 0
    assert api.post(f"{IMPORTS}{batch['id']}/start/").json()["status"] == "queued"
    while running.run_next():
        pass
    assert api.get(f"{IMPORTS}{batch['id']}/").json()["added"] == 6
    assert Stage.objects.filter(program=program).count() == 2
    assert api.post(f"{IMPORTS}{batch['id']}/start/").status_code == 409
    assert api.get(f"{IMPORTS}{batch['id']}/preview/").status_code == 409


@pytest.mark.parametrize(
    ("content", "fields", "words"),
    [
        (b"", {}, "empty"),
        (b"Name\nAda\n", {}, "Say which column holds the email address"),
        (b"Email\nada@a.example\n", {"mapping": '{"Mail": "email"}'}, "There is no column 'Mail'"),
        (b"Email\nada@a.example\n", {"mapping": '{"Email": "shoe"}'}, "There is no field 'shoe'"),
        (b"Email\nada@a.example\n", {"mapping": "[1]"}, "An object of column names"),
        (b"Email\nada@a.example\n", {"replace": "shoe"}, "not a valid choice"),
        (b"Email,Status\nada@a.example,Replied\n", {}, "Choose the program"),
    ],
)
def test_says_what_is_wrong_with_a_file_and_keeps_nothing(api, content, fields, words):
    answer = upload(api, content, **fields)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert words in answer.content.decode()
    assert not ImportBatch.objects.exists()


def test_takes_a_workbook_with_characters_that_are_none(api):
    names = ["Email", "_xD83D_ Company", "_x0000_Job title"]
    book = workbook({"People": [names, ["ada@a.example", "A_xDE00_cme", "Edit_x0000_or"]]})
    body = done(api, upload(api, book, name="people.xlsx"))
    assert (body["status"], body["added"]) == ("done", 1)
    assert Prospect.objects.values_list("company", "job_title").get() == ("Acme", "Editor")


def test_lists_in_a_fixed_number_of_queries(api, django_assert_num_queries):
    for number in range(5):
        SavedMapping.objects.create(name=f"{number}", mapping={"a": "email"})
    with django_assert_num_queries(3):  # session, user, rows
        assert len(api.get(reverse("api-saved-mappings-list")).json()["results"]) == 5


def test_lets_a_viewer_read_and_no_more(api, client_as):
    batch = upload(api, b"Email\nada@a.example\n", start="false").json()["id"]
    viewer = client_as("viewer")
    assert viewer.get(f"{IMPORTS}{batch}/columns/").status_code == 200
    assert viewer.post(f"{IMPORTS}{batch}/start/").status_code == 403
    assert viewer.post(f"{IMPORTS}{batch}/columns/", {}, format="json").status_code == 403
    assert upload(viewer, b"Email\nada@a.example\n").status_code == 403
