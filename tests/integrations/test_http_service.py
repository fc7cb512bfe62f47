"""The key of a sending service: checked, kept secret, asked for where it is needed."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from integrations import sending
from integrations.adapters import http_replies
from integrations.models import Mailbox
from integrations.ports import Unreachable
from tests import factories, http_services
from tests.http_services import KEY
from tests.integrations.certificates import self_signed

MAIL = b"From: a@us.example\r\nTo: b@them.example\r\nSubject: x\r\nMessage-ID: <1@us.example>\r\n\r\nHi\r\n"
MAILBOXES = "/api/v1/mailboxes/"


@pytest.fixture
def sink(settings):
    with http_services.Services() as server:
        settings.SERVICE_URLS = server.urls
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def box(mailbox):
    Mailbox.objects.update(service="resend", service_key=KEY, smtp_host="", smtp_port=1)
    mailbox.refresh_from_db()
    return mailbox


@pytest.fixture
def page(client, db):
    client.force_login(factories.UserFactory(role="manager"))
    return client


@pytest.mark.parametrize("service", ["resend", "brevo", "postmark"])
def test_checks_the_key_and_sends_nothing(box, sink, now, service):
    box.service = service
    assert sending.check(mailbox=box, now=now) == []
    assert box.verified_at == now
    box.service_key = "wrong-word"
    (wrong,) = sending.check(mailbox=box, now=now)
    assert wrong.startswith(f"Sending: {service.capitalize()} refused the key: 401")
    assert "wrong-word" not in wrong
    assert {body for _, _, body in sink.requests} == {None}


def test_a_key_that_may_only_send_is_a_good_key(box, sink, now):
    sink.says = lambda number: (401, {}, {"name": "restricted_api_key", "message": "It may only send"})
    assert sending.check(mailbox=box, now=now) == []


def test_says_when_a_service_is_away(box, sink, now, settings):
    sink.says = lambda number: (500, {}, {"message": "Sorry"})
    assert "could not check the key: 500 Sorry." in sending.check(mailbox=box, now=now)[0]
    settings.SERVICE_URLS = {"resend": "http://127.0.0.1:1/"}
    assert sending.check(mailbox=box, now=now) == ["Sending: No connection to Resend: nothing answers there."]


@pytest.mark.parametrize("service", ["resend", "brevo", "postmark"])
def test_writes_to_an_international_address(box, sink, service):
    box.service = service
    connection = sending.transport(box)
    connection.open()
    envelope = {"envelope_from": "a@us.example", "recipient": "Bo@bücher.example"}
    assert connection.send(**envelope, data=MAIL, proceed=lambda: True).verdict == "accepted"
    connection.close()
    assert len(sink.accepted) == 1


def test_trusts_no_certificate_that_nobody_vouches_for(box, now, settings, tmp_path):
    context, _ = self_signed(tmp_path)
    with http_services.Services() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        settings.SERVICE_URLS = {"resend": f"https://127.0.0.1:{server.server_port}/"}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert "its certificate is not trusted" in sending.check(mailbox=box, now=now)[0]
        connection = sending.transport(box)
        connection.open()
        said = connection.send(
            envelope_from="a@us.example", recipient="b@them.example", data=MAIL, proceed=lambda: True
        )
        assert (said.verdict, said.phase, said.reply) == ("deferred", "connect", "its certificate is not trusted")
        assert not connection.is_open
        with pytest.raises(Unreachable):
            connection.open()
        server.shutdown()
        assert server.requests == []


def test_the_api_takes_a_key_and_never_shows_it(client_as):
    api = client_as("manager")
    new = {"name": "Ada", "from_name": "Ada", "from_address": "ada@us.example", "service": "brevo"}
    new |= {"imap_host": "imap.us.example", "imap_username": "ada", "imap_password": "x"}
    refused = api.post(MAILBOXES, new)
    assert [error["field"] for error in refused.json()["errors"]] == ["service_key"]
    for odd in ("two words", "line\n", "kéy"):
        refused = api.post(MAILBOXES, {**new, "service_key": odd})
        assert [error["field"] for error in refused.json()["errors"]] == ["service_key"]
    made = api.post(MAILBOXES, {**new, "service_key": KEY})
    assert made.status_code == 201, made.content
    address = f"{MAILBOXES}{made.json()['id']}/"
    for answer in (made, api.get(address), api.get(MAILBOXES)):
        assert KEY.encode() not in answer.content
    assert made.json()["service"] == "brevo"
    Mailbox.objects.update(verified_at="2026-01-01T00:00Z")
    assert api.patch(address, {"service_key": "another"}).json()["verified_at"] is None
    by_server = api.post(MAILBOXES, {**new, "from_address": "b@us.example", "service": "smtp"})
    assert [error["field"] for error in by_server.json()["errors"]] == ["smtp_host"]


def test_pages_ask_for_a_key_instead_of_a_mail_server(page, sink, imap):
    assert "Sends for you, with a key" in page.get(reverse("mailbox-add")).content.decode()
    asked = page.get(reverse("mailbox-add"), {"provider": "resend"}).content.decode()
    assert 'name="service_key"' in asked
    assert "smtp_host" not in asked
    imap.add_user("ada", "imap-secret")
    form = {"provider": "resend", "from_name": "Ada", "from_address": "ada@us.example", "daily_cap": 20}
    form |= {"imap_host": "127.0.0.1", "imap_port": imap.port, "imap_security": "none", "imap_folder": "INBOX"}
    form |= {"imap_username": "ada", "imap_password": "imap-secret", "gap_seconds": 60}
    assert "The service asks for a key." in page.post(reverse("mailbox-add"), form).content.decode()
    said = page.post(reverse("mailbox-add"), {**form, "service_key": KEY}, follow=True).content.decode()
    made = Mailbox.objects.get()
    assert (made.service, made.service_key, made.imap_password) == ("resend", KEY, "imap-secret")
    assert "Resend, with a key" in said
    assert KEY not in said
    made.is_demo = True
    made.save()
    edited = page.get(reverse("mailbox-edit", args=[made.public_id])).content.decode()
    assert KEY not in edited
    page.post(reverse("mailbox-edit", args=[made.public_id]), {**form, "name": "Sales", "imap_password": ""})
    made.refresh_from_db()
    assert (made.name, made.service, made.service_key, made.imap_password) == ("Sales", "resend", KEY, "imap-secret")


def test_reads_how_long_to_wait():
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    said = {
        "30": timedelta(seconds=30),
        "Wed, 04 Mar 2026 12:05:00 GMT": timedelta(minutes=5),
        "Wed, 04 Mar 2026 11:05:00 GMT": timedelta(0),
        "99999999999999": timedelta(days=1),
        "soon": timedelta(0),
        "Wed, 04 Mar 2026 12:05:00": timedelta(0),  # no zone
    }
    for words, wait in said.items():
        assert http_replies.wait_of({"Retry-After": words}, now=now) == wait
    assert http_replies.wait_of({}, now=now) == timedelta(0)
