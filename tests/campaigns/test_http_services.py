"""Mail by a sending service over HTTP: the same ledger, the same promises, whatever happens to the request."""

import json
import threading
import uuid
from datetime import timedelta

import pytest

from campaigns import planning
from campaigns.models import Enrollment, Message
from integrations.adapters import http_service
from integrations.models import Mailbox
from prospects.models import Suppression
from tests import http_services
from tests.http_services import CLOSE, HANG, KEY, keys

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.prove]

WITH_KEYS = ("resend", "brevo")


@pytest.fixture
def sink(settings):
    with http_services.Services() as server:
        settings.SERVICE_URLS = server.urls
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.released.set()
        server.shutdown()


@pytest.fixture
def by(running, sink, monkeypatch):
    """`by("resend")` is a running campaign whose mailbox sends by that service."""

    def make(service, **options):
        monkeypatch.setattr(http_service, "SECONDS", (2.0, 0.5))
        world = running(**{"steps": 1, **options})
        Mailbox.objects.update(service=service, service_key=KEY, smtp_host="")
        world.mailbox.refresh_from_db()
        return world

    return make


def only():
    return Message.objects.select_related("enrollment").get()


def always(*said):
    return lambda number: said


@pytest.mark.parametrize("service", ["resend", "brevo", "postmark"])
def test_hands_over_the_whole_mail_and_keeps_the_thread(by, sink, service):
    world = by(service, steps=2)
    planning.plan(now=world.now)
    world.tick()
    world.tick(days=1)
    first, second = Message.objects.order_by("id")
    assert (first.state, second.state, first.smtp_phase) == ("sent", "sent", "accepted")
    assert first.smtp_reply.endswith("1") or "<1@" in first.smtp_reply  # what the service calls it
    assert len(sink.accepted) == 2
    _, headers, body = sink.requests[1]
    assert KEY in str(headers)
    said = str(body)
    assert second.recipient in said
    assert second.subject in said
    assert second.text.strip().splitlines()[0] in said
    for name in ("Message-ID", "In-Reply-To", "References", "List-Unsubscribe-Post"):
        assert name in said
    assert said.count(first.message_id) == 2
    assert second.message_id in said
    assert world.smtp.received == []


@pytest.mark.parametrize("service", WITH_KEYS)
def test_a_lost_answer_is_asked_for_again_with_the_same_key(by, sink, service):
    world = by(service)
    sink.says = lambda number: CLOSE if number == 1 else None
    world.tick()
    assert (only().state, len(sink.accepted), len(sink.requests)) == ("sent", 1, 2)
    assert len(set(keys(sink))) == 1
    assert uuid.UUID(keys(sink)[0])


@pytest.mark.parametrize("service", WITH_KEYS)
def test_a_service_that_stays_silent_leaves_the_message_uncertain(by, sink, service):
    world = by(service)
    sink.says = lambda number: HANG
    world.tick()
    sink.released.set()
    assert (only().state, len(sink.requests), len(set(keys(sink)))) == ("uncertain", 3, 1)
    sink.says = lambda number: None
    world.tick(hours=25)
    assert (only().state, len(sink.accepted)) == ("uncertain", 1)


def test_without_a_key_a_lost_answer_leaves_the_message_uncertain_at_once(by, sink):
    world = by("postmark")
    sink.says = lambda number: CLOSE
    world.tick()
    sink.says = lambda number: None
    world.tick(hours=25)
    assert (only().state, len(sink.accepted), len(sink.requests)) == ("uncertain", 1, 1)
    assert keys(sink) == [""]


@pytest.mark.parametrize("then", [(429, {}, {}), (503, {}, {}), (401, {}, {}), (422, {}, {"message": "Invalid `to`"})])
def test_no_other_answer_to_the_second_request_settles_the_first(by, sink, then):
    world = by("resend")
    sink.says = lambda number: CLOSE if number == 1 else then
    world.tick()
    assert (only().state, len(sink.accepted)) == ("uncertain", 1)
    assert Mailbox.objects.get().status == "active"
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("service", ["resend", "brevo", "postmark"])
def test_waits_as_long_as_it_is_asked_to_and_uses_the_same_key_again(by, sink, service):
    world = by(service)
    sink.says = always(429, {"Retry-After": "7200"}, {"message": "Too many requests"})
    world.tick()
    assert (only().state, only().smtp_code, len(sink.requests)) == ("planned", 429, 1)
    assert only().send_at >= world.now + timedelta(hours=2)
    sink.says = lambda number: None
    world.tick(hours=1)
    assert sink.accepted == []
    world.tick(hours=1, minutes=1)
    assert (only().state, len(sink.accepted), len(set(keys(sink)))) == ("sent", 1, 1)


@pytest.mark.parametrize(
    ("service", "status", "body", "end"),
    [
        ("resend", 401, {"name": "missing_api_key", "message": "Missing API key"}, "paused"),
        ("resend", 403, {"name": "validation_error", "message": "The us.example domain is not verified"}, "paused"),
        ("brevo", 402, {"code": "not_enough_credits", "message": "You have no credits left"}, "paused"),
        ("brevo", 400, {"code": "invalid_parameter", "message": "sender is not valid"}, "paused"),
        ("resend", 422, {"name": "validation_error", "message": "Invalid `to` field"}, "suppressed"),
        ("brevo", 400, {"code": "invalid_parameter", "message": "email is not valid in to"}, "suppressed"),
        ("postmark", 422, {"ErrorCode": 406, "Message": "Found inactive addresses: {to}. Inactive recipients are"},
         "suppressed"),
        ("postmark", 200, {"ErrorCode": 0, "MessageID": "1", "To": "{to}", "Message":
         "Message OK, but will not deliver to these inactive addresses: {to}. Inactive recipients are"}, "suppressed"),
        ("resend", 422, {"name": "validation_error", "message": "The `html` is too odd"}, "refused"),
        ("resend", 413, {"message": "Payload too large"}, "refused"),
        ("resend", 503, {}, "waits"),
        ("resend", 500, {"name": "internal_server_error"}, "uncertain"),
        ("resend", 409, {"name": "invalid_idempotent_request"}, "uncertain"),
        ("resend", 200, {"nothing": "known"}, "uncertain"),
        ("brevo", 400, {"code": "duplicate_parameter", "message": "used before"}, "uncertain"),
        ("brevo", 502, "<html>", "uncertain"),
        ("postmark", 504, {}, "uncertain"),
    ],
)  # fmt: skip
def test_ends_as_over_smtp(by, sink, service, status, body, end):
    world = by(service)
    told = json.loads(json.dumps(body).replace("{to}", world.prospects[0].email))
    sink.says = always(status, {}, told)
    world.tick()
    message, paused = only(), Mailbox.objects.get().status == "paused"
    assert (message.state, paused, Suppression.objects.count(), message.enrollment.stop_reason) == {
        "paused": ("planned", True, 0, ""),
        "suppressed": ("refused", False, 1, "bounced"),
        "refused": ("refused", False, 0, "refused"),
        "waits": ("planned", False, 0, ""),
        "uncertain": ("uncertain", False, 0, ""),
    }[end]
    sink.says = lambda number: None
    Mailbox.objects.get().resume()
    for _ in range(5):  # sooner than what is overdue
        world.tick(hours=5)
    assert len(sink.accepted) == (1 if end in ("paused", "waits") else 0)


def test_refuses_one_and_takes_the_others(by, sink):
    world = by("resend", people=3)
    sink.says = lambda number: (422, {}, {"message": "Invalid `to` field"}) if number == 2 else None
    done = world.tick()
    assert (done.sent, done.refused) == (2, 1)
    assert sorted(Enrollment.objects.values_list("state", flat=True)) == ["finished", "finished", "stopped"]


def test_a_service_that_is_away_is_asked_once_and_all_wait(by, settings):
    world = by("resend", people=3)
    settings.SERVICE_URLS = {"resend": "http://127.0.0.1:1/"}
    world.tick()
    assert set(Message.objects.values_list("state", flat=True)) == {"planned"}
    assert sorted(Message.objects.values_list("attempts", flat=True)) == [0, 0, 1]
    assert set(Mailbox.objects.values_list("status", flat=True)) == {"active"}


def test_a_demo_mailbox_never_leaves_the_machine(by, settings):
    world = by("resend")
    settings.SERVICE_URLS = {"resend": "http://192.0.2.1/"}
    world.tick()
    assert (only().state, only().attempts) == ("planned", 0)
    with pytest.raises(http_service.Unreachable, match="only this machine"):
        http_service.ServiceConnection(account=http_service.ServiceAccount("resend", KEY, loopback_only=True)).open()


def test_a_message_stopped_at_the_last_moment_is_not_asked_for(by, sink):
    world = by("resend")
    account = http_service.ServiceAccount("resend", KEY)
    connection = http_service.ServiceConnection(account=account)
    connection.open()
    mail = b"From: a@us.example\r\nTo: b@them.example\r\nSubject: x\r\nMessage-ID: <1@us.example>\r\n\r\nHi\r\n"
    said = connection.send(envelope_from="a@us.example", recipient="b@them.example", data=mail, proceed=lambda: False)
    assert said.verdict == "withheld"
    with pytest.raises(ValueError, match="envelope address"):
        connection.send(envelope_from="a@us.example", recipient="b@x>", data=mail, proceed=lambda: True)
    connection.close()
    assert (sink.requests, world.smtp.received) == ([], [])
    assert not connection.is_open
