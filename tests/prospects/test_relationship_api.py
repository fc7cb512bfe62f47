from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts import keys
from prospects import files, notes, stages
from prospects.models import File, Note, Prospect, Site, Stage
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, tzinfo=UTC)
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def api(client_as):
    return client_as("operator")


@pytest.fixture
def person():
    return factories.ProspectFactory()


def at(route, person, *more):
    return reverse(f"api-{route}", args=[person.public_id, *more])


def test_keeps_and_lists_notes(api, person):
    assert api.post(at("notes-list", person), {"text": "Likes tea"}).status_code == 201
    by = Note.objects.get().created_by
    listed = api.get(at("notes-list", person)).json()["results"]
    assert [(row["text"], row["created_by"]) for row in listed] == [("Likes tea", by.username)]
    refused = api.post(at("notes-list", person), {"text": "x" * 10_001})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "text")


def test_keeps_gives_back_and_deletes_files(api, person):
    upload = SimpleUploadedFile("deal.pdf", b"%PDF", content_type="application/pdf")
    made = api.post(at("files-list", person), {"file": upload}, format="multipart")
    assert made.status_code == 201, made.content
    id = made.json()["id"]
    assert (made.json()["name"], made.json()["size"]) == ("deal.pdf", 4)
    assert api.get(at("files-detail", person, id)).json() == made.json()
    content = api.get(at("files-content", person, id))
    assert (content.content, content["Content-Type"]) == (b"%PDF", "application/octet-stream")
    assert content["Content-Disposition"] == 'attachment; filename="deal.pdf"'
    assert api.get(at("files-content", factories.ProspectFactory(), id)).status_code == 404
    assert api.delete(at("files-detail", person, id)).status_code == 204
    empty = api.post(at("files-list", person), {"file": SimpleUploadedFile("a", b"")}, format="multipart")
    assert (empty.status_code, empty.json()["errors"][0]["field"]) == (400, "file")
    assert not File.objects.exists()


def test_moves_people_and_says_where_they_stand(api, person):
    program = factories.ProgramFactory()
    body = {"program": str(program.public_id), "stage": "negotiating", "why": "a call"}
    assert api.post(at("stages-list", person), body).json()["stage"] == "negotiating"
    listed = api.get(at("stages-list", person)).json()["results"]
    assert [(row["program"], row["stage"]) for row in listed] == [(str(program.public_id), "negotiating")]
    refused = api.post(at("stages-list", person), {**body, "stage": "best"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "stage")
    assert Stage.objects.get().name == "negotiating"


def test_sets_the_next_step_and_takes_it_off(api, person):
    said = api.post(at("prospects-next-step", person), {"text": "Call", "due": "2026-05-01"}).json()
    assert (said["next_step"], said["next_step_date"]) == ("Call", "2026-05-01")
    refused = api.post(at("prospects-next-step", person), {"text": "Call", "due": "soon"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "due")
    assert api.post(at("prospects-next-step-done", person)).json()["next_step"] == ""
    assert Note.objects.get().text == "Done: Call"


def test_says_who_looks_after_them(api, person):
    mia = factories.UserFactory(username="mia")
    assert api.post(at("prospects-owner", person), {"owner": "mia"}).json()["owner"] == "mia"
    assert api.get(f"/api/v1/prospects/{person.public_id}/").json()["owner"] == "mia"
    assert api.post(at("prospects-owner", person), {"owner": "nobody"}).status_code == 400
    assert api.post(at("prospects-owner", person), {"owner": None}).json()["owner"] is None
    mia.is_active = False
    mia.save()
    gone = api.post(at("prospects-owner", person), {"owner": "mia"})
    assert (gone.status_code, gone.json()["errors"][0]["field"]) == (400, "owner")


def test_hands_over_everybody_of_one_colleague(api, client_as):
    gone, bo = factories.UserFactory(username="gone"), factories.UserFactory(username="bo")
    people = [factories.ProspectFactory(owner=gone) for _ in range(3)]
    body = {"owner": "gone", "to": "bo"}
    assert api.post(reverse("api-owners-hand-over"), body).status_code == 403
    assert client_as("manager").post(reverse("api-owners-hand-over"), body).json() == {"people": 3}
    assert Prospect.objects.filter(owner=bo).count() == len(people)


def test_lets_a_key_lift_a_protection_only_where_its_own_role_may(client, api, person):
    manager = factories.UserFactory(role="manager")
    assert api.post(at("prospects-protect", person)).json()["protected_at"]
    assert api.post(at("prospects-unprotect", person)).status_code == 403
    for role, answer in (("operator", 403), ("manager", 200)):
        _, raw = keys.create_key(name=role, role=role, owner=manager)
        headers = {"Authorization": f"Bearer {raw}"}
        assert client.post(at("prospects-unprotect", person), headers=headers).status_code == answer


@pytest.mark.parametrize("of_the_site", [False, True])
@pytest.mark.parametrize("owned", [False, True])
def test_gives_who_is_protected_to_others_only_by_their_owner_or_a_manager(client_as, api, person, of_the_site, owned):
    whose = factories.UserFactory(role="operator", username="whose") if owned else None
    Prospect.objects.filter(pk=person.pk).update(owner=whose)
    protected = Site.objects.filter(pk=person.site_id) if of_the_site else Prospect.objects.filter(pk=person.pk)
    protected.update(protected_at=NOW)
    factories.UserFactory(username="bo")
    for owner in ("bo", None) if owned else ("bo",):
        said = api.post(at("prospects-owner", person), {"owner": owner})
        assert (said.status_code, said.json()["title"]) == (403, "Ask the owner first")
    assert Prospect.objects.get(pk=person.pk).owner == whose
    assert client_as("manager").post(at("prospects-owner", person), {"owner": "bo"}).json()["owner"] == "bo"


def test_lets_an_owner_give_away_whom_they_protected(client, person):
    mia = factories.UserFactory(role="operator", username="mia")
    factories.UserFactory(username="bo")
    Prospect.objects.filter(pk=person.pk).update(owner=mia, protected_at=NOW)
    _, raw = keys.create_key(name="k", role="operator", owner=mia)
    asked = {"data": {"owner": "bo"}, "content_type": "application/json", "headers": {"Authorization": f"Bearer {raw}"}}
    assert client.post(at("prospects-owner", person), **asked).json()["owner"] == "bo"
    assert client.post(at("prospects-owner", person), **asked).status_code == 200  # the same once more
    back = client.post(at("prospects-owner", person), **{**asked, "data": {"owner": "mia"}})
    assert (back.status_code, Prospect.objects.get(pk=person.pk).owner.username) == (403, "bo")


def test_gives_nobody_away_by_a_key_that_may_less_than_its_owner(client, person):
    Prospect.objects.filter(pk=person.pk).update(protected_at=NOW)
    for role, answer in (("operator", 403), ("manager", 200)):
        owner = factories.UserFactory(role="manager", username=role)
        _, raw = keys.create_key(name="k", role=role, owner=owner)
        asked = {"data": {"owner": role}, "content_type": "application/json"}
        headers = {"Authorization": f"Bearer {raw}"}
        assert client.post(at("prospects-owner", person), headers=headers, **asked).status_code == answer


def test_knows_no_row_of_who_was_merged_away(api, person):
    Prospect.objects.filter(pk=person.pk).update(person=factories.ProspectFactory())
    for route in ("notes-list", "files-list", "stages-list"):
        assert api.get(at(route, person)).status_code == 404


def test_lists_what_was_kept_about_a_merged_row_with_its_person(api, person):
    merged = factories.ProspectFactory()
    notes.add_note(prospect=merged, text="Likes tea", by=None)
    files.keep_file(prospect=merged, name="a", content_type="", source=SimpleUploadedFile("a", b"tea"), by=None)
    Prospect.objects.filter(pk=merged.pk).update(person=person)
    for route in ("notes-list", "files-list"):
        assert len(api.get(at(route, person)).json()["results"]) == 1


@pytest.mark.parametrize("route", ["api-notes-list", "api-files-list", "api-stages-list"])
def test_costs_the_same_queries_for_many_rows(api, person, route, django_assert_num_queries):
    for _ in range(4):
        by = factories.UserFactory()
        notes.add_note(prospect=person, text="Likes tea", by=by)
        upload = SimpleUploadedFile("a.txt", b"tea")
        files.keep_file(prospect=person, name="a.txt", content_type="", source=upload, by=by)
        program = factories.ProgramFactory()
        stages.move(prospect=person, program=program, to="joined", why="a call", by=by, now=NOW)
    with django_assert_num_queries(4):  # session, user, person, rows
        assert len(api.get(reverse(route, args=[person.public_id])).json()["results"]) == 4
