import threading
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, transaction
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory
from rest_framework.test import APIClient

from accounts import idempotency, keys
from accounts.models import IdempotentAnswer
from prospects.models import ImportBatch, Program
from tests import factories

PROGRAMS = "/api/v1/programs/"


def _key_client(user=None):
    _, raw = keys.create_key(name="k", role="manager", owner=user or factories.UserFactory(role="manager"))
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {raw}")


@pytest.fixture
def api(db):
    return _key_client()


def test_gives_the_first_answer_again_and_has_one_effect(api):
    first = api.post(PROGRAMS, {"name": "A"}, headers={"Idempotency-Key": "one"})
    again = api.post(PROGRAMS, {"name": "A"}, headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Program.objects.count() == 1


def test_remembers_a_refusal_too(api):
    first = api.post(PROGRAMS, {}, headers={"Idempotency-Key": "one"})
    again = api.post(PROGRAMS, {}, headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (400, 400)
    assert again.json() == first.json()
    assert again["Content-Type"] == first["Content-Type"] == "application/problem+json"


def test_refuses_the_same_key_for_another_body(api):
    api.post(PROGRAMS, {"name": "A"}, headers={"Idempotency-Key": "one"})
    other = api.post(PROGRAMS, {"name": "B"}, headers={"Idempotency-Key": "one"})
    assert other.status_code == 422
    assert other["Content-Type"] == "application/problem+json"
    assert not Program.objects.filter(name="B").exists()


def test_keeps_the_keys_of_two_callers_apart(api):
    other = _key_client()
    api.post(PROGRAMS, {"name": "A"}, headers={"Idempotency-Key": "one"})
    assert other.post(PROGRAMS, {"name": "B"}, headers={"Idempotency-Key": "one"}).status_code == 201


def test_works_with_a_session(client_as):
    client = client_as("operator")
    for _ in range(2):
        assert client.post(PROGRAMS, {"name": "A"}, headers={"Idempotency-Key": "one"}).status_code == 201
    assert Program.objects.count() == 1


def test_knows_an_upload_by_its_content_whatever_the_boundary(api):
    def upload(content):
        file = SimpleUploadedFile("people.csv", content)
        return api.post("/api/v1/imports/", {"file": file}, format="multipart", headers={"Idempotency-Key": "one"})

    first, again = upload(b"email\nada@site.example\n"), upload(b"email\nada@site.example\n")
    assert (first.status_code, again.status_code) == (201, 201), first.content
    assert again["Idempotency-Replayed"] == "true"
    assert ImportBatch.objects.count() == 1
    assert upload(b"email\nbob@site.example\n").status_code == 422


def test_stores_nothing_for_strangers_and_for_what_was_not_allowed(db):
    viewer = factories.UserFactory(role="viewer")
    _, raw = keys.create_key(name="k", role="viewer", owner=viewer)
    for client, status in ((APIClient(), 401), (APIClient(HTTP_AUTHORIZATION=f"Bearer {raw}"), 403)):
        assert client.post(PROGRAMS, {"name": "A"}, headers={"Idempotency-Key": "one"}).status_code == status
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_refuses_a_key_of_impossible_length(api, key):
    assert api.post(PROGRAMS, {"name": "A"}, headers={"Idempotency-Key": key}).status_code == 400


def _through(user, view, address=PROGRAMS):
    """Sends one POST through the middleware to a view of the test's own."""
    request = RequestFactory().post(address, "{}", content_type="application/json", headers={"Idempotency-Key": "one"})
    request.user = user
    return idempotency.IdempotencyMiddleware(view)(request)


def test_leaves_no_effect_and_no_answer_behind_a_crash(manager):
    def create_then_crash(request):
        Program.objects.create(name="A")
        return HttpResponse(status=500)

    assert _through(manager, create_then_crash).status_code == 500
    assert not Program.objects.exists()
    assert _through(manager, lambda request: JsonResponse({}, status=201)).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_says_409_while_the_first_is_still_running():
    api = _key_client()
    holding, release = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            key = keys.ApiKey.objects.get()
            assert idempotency._lock(f"key:{key.pk} one")
            holding.set()
            release.wait(10)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert holding.wait(10)
        busy = api.post(PROGRAMS, {"name": "A"}, headers={"Idempotency-Key": "one"})
    finally:
        release.set()
        thread.join()
    assert busy.status_code == 409
    assert api.post(PROGRAMS, {"name": "A"}, headers={"Idempotency-Key": "one"}).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("end", "atomic"), [("pause/", True), ("check/", False)])
def test_holds_no_transaction_around_a_view_that_talks_to_servers(end, atomic):
    def view(request):
        return JsonResponse({"atomic": connection.in_atomic_block})

    address = f"/api/v1/mailboxes/{factories.MailboxFactory().public_id}/{end}"
    answer = _through(factories.UserFactory(role="manager"), view, address)
    assert answer.content == JsonResponse({"atomic": atomic}).content


def test_forgets_old_answers(api):
    api.post(PROGRAMS, {"name": "A"}, headers={"Idempotency-Key": "one"})
    stored = IdempotentAnswer.objects.get().created_at
    assert IdempotentAnswer.forget(before=stored) == 0
    assert IdempotentAnswer.forget(before=stored + timedelta(seconds=1)) == 1
