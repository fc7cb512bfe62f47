import pytest
from django.urls import reverse

from integrations.models import Mailbox
from tests import factories

MAILBOXES = "/api/v1/mailboxes/"
NEW = {
    "name": "Ada",
    "from_name": "Ada",
    "from_address": "ada@outreach.example",
    "smtp_host": "smtp.outreach.example",
    "imap_host": "imap.outreach.example",
    "imap_username": "ada",
    "imap_password": " canary-imap ",
    "smtp_password": "canary-smtp",
}


@pytest.fixture
def api(client_as):
    return client_as("manager")


def test_keeps_secrets_and_never_shows_them(api):
    made = api.post(MAILBOXES, NEW)
    assert made.status_code == 201, made.content
    address = f"{MAILBOXES}{made.json()['id']}/"
    for answer in (made, api.get(address), api.get(MAILBOXES), api.patch(address, {"name": "Bob"})):
        assert b"canary" not in answer.content
    mailbox = Mailbox.objects.get()
    assert (mailbox.imap_password, mailbox.smtp_password) == (" canary-imap ", "canary-smtp")


def test_wants_a_new_check_after_a_change_of_the_connection(api, now):
    mailbox = factories.MailboxFactory(verified_at=now)
    address = f"{MAILBOXES}{mailbox.public_id}/"
    assert api.patch(address, {"name": "Bob"}).json()["verified_at"]
    assert api.patch(address, {"smtp_port": 2525}).json()["verified_at"] is None


def test_refuses_plain_text_over_a_network(api):
    answer = api.post(MAILBOXES, {**NEW, "smtp_security": "none"})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["smtp_security"]


def test_checks_a_mailbox_and_says_in_words_what_is_wrong(api, mailbox):
    fine = api.post(f"{MAILBOXES}{mailbox.public_id}/check/").json()
    assert fine == {"ok": True, "problems": []}
    broken = api.post(f"{MAILBOXES}{factories.MailboxFactory().public_id}/check/").json()
    assert broken["ok"] is False
    assert len(broken["problems"]) == 2


def test_pauses_and_resumes(api):
    address = f"{MAILBOXES}{factories.MailboxFactory().public_id}/"
    paused = api.post(f"{address}pause/", {"reason": "holidays"}).json()
    assert (paused["status"], paused["status_reason"]) == ("paused", "holidays")
    assert api.post(f"{address}resume/").json()["status"] == "active"


def test_deletes_only_what_nothing_uses(api):
    used, unused = factories.campaign(steps=0).mailbox, factories.MailboxFactory()
    assert api.delete(f"{MAILBOXES}{unused.public_id}/").status_code == 204
    answer = api.delete(f"{MAILBOXES}{used.public_id}/")
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"


def test_lists_in_a_fixed_number_of_queries(api, django_assert_num_queries):
    for _ in range(5):
        factories.MailboxFactory()
    with django_assert_num_queries(3):  # session, user, mailboxes
        assert len(api.get(reverse("api-mailboxes-list") + "?status=active").json()["results"]) == 5
