import pytest
from django.db import connection
from rest_framework.test import APIClient

from outreach.lib.endpoints import ApiViewSet
from outreach.lib.errors import DomainError, Problem
from outreach.lib.problems import problem_response
from prospects.models import Program
from tests import factories

PROGRAMS = "/api/v1/programs/"


def _is_problem(answer, status):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


def test_answers_pages_from_the_newest_back_without_a_gap_or_a_double(client_as):
    made = [str(factories.ProgramFactory().public_id) for _ in range(7)]
    client, seen, address = client_as("viewer"), [], PROGRAMS + "?page_size=3"
    while address:
        page = client.get(address).json()
        assert set(page) == {"results", "next", "previous"}
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert seen == made[::-1]


def test_keeps_its_place_while_new_rows_arrive(client_as):
    made = [str(factories.ProgramFactory().public_id) for _ in range(4)]
    client = client_as("viewer")
    first = client.get(PROGRAMS + "?page_size=2").json()
    factories.ProgramFactory()
    second = client.get(first["next"]).json()
    assert [row["id"] for row in first["results"] + second["results"]] == made[::-1]


def test_gives_at_most_five_hundred_rows(client_as):
    Program.objects.bulk_create(Program(name=f"P{n}") for n in range(501))
    assert len(client_as("viewer").get(PROGRAMS + "?page_size=100000").json()["results"]) == 500


def test_names_every_field_that_is_wrong(client_as):
    body = _is_problem(client_as("operator").post(PROGRAMS, {"name": "", "website": "no"}), 400)
    assert {error["field"] for error in body["errors"]} == {"name", "website"}


@pytest.mark.parametrize(("field", "message"), [("nmae", "no such field"), ("created_at", "can't be set")])
def test_refuses_a_field_that_it_would_ignore(client_as, field, message):
    body = _is_problem(client_as("operator").post(PROGRAMS, {"name": "A", field: "x"}), 400)
    assert [error["field"] for error in body["errors"]] == [field]
    assert message in body["errors"][0]["message"]
    assert not Program.objects.exists()


def test_refuses_a_filter_that_it_would_ignore(client_as):
    body = _is_problem(client_as("viewer").get("/api/v1/prospects/?emial=a@site.example"), 400)
    assert [error["field"] for error in body["errors"]] == ["emial"]


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api/v1/programs/00000000-0000-0000-0000-000000000007/", 404),
        ("GET", "/api/v1/programs/7/", 404),
        ("GET", "/api/v1/nothing/", 404),
        ("DELETE", "/api/v1/programs/", 405),
        ("GET", "/api/v1/programs/?cursor=x", 404),
        ("GET", "/api/v1/messages/?campaign=x", 400),
    ],
)
def test_answers_every_error_as_a_problem_document(client_as, method, address, status):
    _is_problem(client_as("administrator").generic(method, address), status)


def test_says_that_a_body_is_not_json(client_as):
    answer = client_as("operator").generic("POST", PROGRAMS, '{"name": ', content_type="application/json")
    _is_problem(answer, 400)


def test_says_that_a_media_type_is_not_read(client_as):
    answer = client_as("operator").generic("POST", PROGRAMS, "<x/>", content_type="text/xml")
    _is_problem(answer, 415)


def test_answers_a_stranger_with_a_problem_document(db):
    _is_problem(APIClient().get(PROGRAMS), 401)


def test_wants_a_csrf_token_of_a_session(db):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(factories.UserFactory(role="manager"))
    _is_problem(client.post(PROGRAMS, {"name": "A"}), 403)


class HalfReady(DomainError):
    status = 409
    title = "Not yet"


def test_maps_a_verbs_refusal_with_all_its_problems():
    answer = problem_response(HalfReady("", [Problem("a.b", "One."), Problem("", "Two.")]), {})
    assert answer.status_code == 409
    assert answer.data == {
        "type": "urn:outreach:problem:half-ready",
        "title": "Not yet",
        "status": 409,
        "detail": "One. Two.",
        "errors": [{"field": "a.b", "message": "One."}, {"field": "", "message": "Two."}],
    }


def test_leaves_what_nobody_anticipated_to_the_log():
    assert problem_response(RuntimeError("?"), {}) is None


def test_never_answers_a_number_that_the_database_counts_by(client_as):
    row = factories.ProgramFactory()
    assert client_as("viewer").get(PROGRAMS).json()["results"][0]["id"] == str(row.public_id)
    assert ApiViewSet.lookup_field == "public_id"


def test_sends_a_strict_content_security_policy(client_as):
    policy = client_as("viewer").get(PROGRAMS)["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_loosens_the_policy_for_the_browsable_page_by_inline_styles_only(client, db):
    policy = client.get("/api/v1/docs/")["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "script-src 'self';" in policy + ";"


def test_speaks_json_alone_and_survives_what_is_nested_without_end(client_as):
    client = client_as("manager")
    deep = client.post("/api/v1/prospects/", "[" * 100_000, content_type="application/json")
    assert (deep.status_code, deep["Content-Type"]) == (400, "application/problem+json")
    form = client.post("/api/v1/prospects/", {"email": "a@b.example"}, format="multipart")
    assert form.status_code == 415


@pytest.mark.django_db(transaction=True)
def test_says_when_to_ask_again_while_the_database_is_away(monkeypatch, client_as):
    office, gone = client_as("viewer"), {**connection.get_connection_params(), "host": "127.0.0.1", "port": 1}
    office.raise_request_exception = False
    connection.close()
    with monkeypatch.context() as away:
        away.setattr(connection, "get_connection_params", lambda: gone)
        answer, page = office.get(PROGRAMS), office.get("/")
        connection.close()
    _is_problem(answer, 503)
    assert page.status_code == 503
    assert "try again in a moment" in page.content.decode()
    assert answer["Retry-After"] == page["Retry-After"] == "30"
    assert office.get(PROGRAMS).status_code == 200
