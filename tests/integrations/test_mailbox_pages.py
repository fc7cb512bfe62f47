"""Mailboxes on pages: health in words, the check, secrets that are never shown."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations import health
from integrations.models import Mailbox
from integrations.providers import BY_SLUG
from tests import factories


@pytest.fixture
def page(client, db):
    client.force_login(factories.UserFactory(role="manager", first_name="Mia", last_name="Manager"))
    return client


def _form(smtp, imap, **fields):
    return {
        "provider": "other",
        "from_name": "Ada",
        "from_address": "ada@out.example",
        "smtp_host": "127.0.0.1",
        "smtp_port": smtp.port,
        "smtp_security": "none",
        "imap_host": "127.0.0.1",
        "imap_port": imap.port,
        "imap_security": "none",
        "imap_username": "ada@out.example",
        "imap_password": "hidden-secret",
        "imap_folder": "INBOX",
        "daily_cap": 40,
        "gap_seconds": 60,
        **fields,
    }


def _to(route, mailbox):
    return reverse(route, args=[mailbox.public_id])


def test_leads_to_the_form_by_the_provider(page):
    assert "Add a mailbox" in page.get(reverse("mailboxes")).content.decode()
    said = page.get(reverse("mailbox-add")).content.decode()
    assert "Fastmail" in said
    assert reverse("setup-practice") in said
    said = page.get(reverse("mailbox-add"), {"provider": "fastmail"}).content.decode()
    assert 'value="smtp.fastmail.com"' in said
    assert 'value="465"' in said
    assert "app password" in said
    assert 'value="Mia Manager"' in said
    assert "<details open" not in said.partition("<main")[2]


def test_adds_a_mailbox_checks_it_at_once_and_says_the_result(page, smtp, imap):
    imap.add_user("ada@out.example", "hidden-secret")
    said = page.post(reverse("mailbox-add"), _form(smtp, imap), follow=True).content.decode()
    assert "ada@out.example is here." in said
    assert "both servers answer and take the login" in said
    made = Mailbox.objects.get()
    assert (made.name, made.imap_password, made.daily_cap) == ("ada@out.example", "hidden-secret", 40)
    assert made.verified_at


def test_says_what_the_check_found_and_keeps_the_mailbox(page, smtp, imap):
    said = page.post(reverse("mailbox-add"), _form(smtp, imap, smtp_port=1), follow=True).content.decode()
    assert "Sending: No connection to 127.0.0.1 port 1" in said
    assert "Receiving: " in said
    assert "Not checked" in said
    assert Mailbox.objects.get().verified_at is None


def test_fills_in_what_a_provider_leaves_no_doubt_about(page, monkeypatch):
    monkeypatch.setattr("integrations.views.sending.check", lambda **_: [])  # the provider is far away
    provider = BY_SLUG["gmail"]
    form = {name: getattr(provider, name) for name in ("smtp_host", "smtp_port", "smtp_security")}
    form |= {name: getattr(provider, name) for name in ("imap_host", "imap_port", "imap_security")}
    form |= {"provider": "gmail", "from_name": "Ada", "from_address": "ada@gmail.com", "imap_folder": "INBOX"}
    form |= {"daily_cap": 20, "gap_seconds": 90}
    assert "Gmail asks for a password." in page.post(reverse("mailbox-add"), form).content.decode()
    page.post(reverse("mailbox-add"), {**form, "smtp_password": "app pass word"})
    made = Mailbox.objects.get()
    assert {made.smtp_username, made.imap_username} == {"ada@gmail.com"}
    assert {made.smtp_password, made.imap_password} == {"app pass word"}


def test_says_what_is_wrong_beside_the_field(page, smtp, imap):
    factories.MailboxFactory(from_address="ADA@out.example")
    said = page.post(reverse("mailbox-add"), _form(smtp, imap, smtp_port="x")).content.decode()
    assert "There is a mailbox with this address already." in said
    assert "Enter a whole number." in said
    form = _form(smtp, imap, from_address="b@out.example", smtp_host="mail.out.example")
    said = page.post(reverse("mailbox-add"), form).content.decode()
    assert "Without STARTTLS or TLS only a server on this machine can be used." in said
    assert "hidden-secret" not in said
    assert Mailbox.objects.count() == 1


def test_never_shows_a_secret_and_keeps_it_when_it_is_left_empty(page, mailbox, smtp, imap):
    mailbox.smtp_password, mailbox.verified_at = "smtp-secret", timezone.now()
    mailbox.save()
    for route in ("mailbox", "mailbox-edit"):
        said = page.get(_to(route, mailbox)).content.decode()
        assert "smtp-secret" not in said
        assert 'value="secret"' not in said
    form = _form(smtp, imap, from_address=mailbox.from_address, imap_username=mailbox.imap_username)
    page.post(_to("mailbox-edit", mailbox), {**form, "smtp_password": "", "imap_password": "", "name": "Sales"})
    mailbox.refresh_from_db()
    assert (mailbox.smtp_password, mailbox.imap_password, mailbox.name) == ("smtp-secret", "secret", "Sales")
    assert mailbox.verified_at


def test_checks_again_when_an_account_changed(page, mailbox, smtp, imap):
    form = _form(smtp, imap, from_address=mailbox.from_address, imap_username=mailbox.imap_username)
    said = page.post(_to("mailbox-edit", mailbox), {**form, "imap_password": "wrong"}, follow=True).content.decode()
    assert "Receiving: " in said
    mailbox.refresh_from_db()
    assert mailbox.verified_at is None


def test_changes_both_passwords_where_they_were_one(page, mailbox, smtp, imap):
    Mailbox.objects.filter(pk=mailbox.pk).update(smtp_password="one", imap_password="one")
    form = _form(smtp, imap, from_address=mailbox.from_address, imap_password="", smtp_password="two")
    page.post(_to("mailbox-edit", mailbox), form)
    mailbox.refresh_from_db()
    assert {mailbox.smtp_password, mailbox.imap_password} == {"two"}


def test_runs_the_check_on_request(page, mailbox):
    said = page.post(_to("mailbox-check", mailbox), follow=True).content.decode()
    assert "both servers answer and take the login" in said
    mailbox.refresh_from_db()
    assert mailbox.verified_at


def test_pauses_with_a_reason_and_resumes(page, mailbox):
    said = page.post(_to("mailbox-pause", mailbox), {"reason": "holidays"}, follow=True).content.decode()
    assert "Nothing is sent from it: holidays (Mia Manager)." in said
    assert "was not active" in page.post(_to("mailbox-pause", mailbox), follow=True).content.decode()
    assert "sends again" in page.post(_to("mailbox-resume", mailbox), follow=True).content.decode()
    assert "was not paused" in page.post(_to("mailbox-resume", mailbox), follow=True).content.decode()


def test_shows_an_operator_what_an_operator_may_do(client, mailbox):
    client.force_login(factories.UserFactory(role="operator"))
    said = client.get(_to("mailbox", mailbox)).content.decode()
    assert "Pause it" in said
    assert "Retire it" not in said
    assert "Check it now" not in said
    assert client.post(_to("mailbox-check", mailbox)).status_code == 403


@pytest.mark.parametrize(
    ("fields", "tone", "word", "words"),
    [
        ({}, "good", "Works", ""),
        ({"status": "retired", "verified_at": None}, "", "Retired", "answers are still read"),
        ({"status": "paused", "status_reason": "the server said no."}, "bad", "Paused", "the server said no."),
        ({"verified_at": None}, "warn", "Not checked", "no campaign can be launched"),
        ({"poll_error": "No connection."}, "bad", "Can't be read", "No connection."),
        ({"polled_at": None}, "warn", "Not read yet", "within a minute"),
        ({"minutes": 31}, "bad", "Not read", "follow-ups wait"),
        ({"minutes": 29}, "good", "Works", ""),
        ({"verified_at": None, "poll_error": "No."}, "bad", "Can't be read", "no campaign can be launched"),
    ],
)
def test_tells_health_in_words(now, fields, tone, word, words):
    read = now - timedelta(minutes=fields.pop("minutes", 1))
    mailbox = factories.MailboxFactory.build(**{"verified_at": now, "polled_at": read, **fields})
    found = health.of(mailbox=mailbox, now=now)
    assert (found.tone, found.word) == (tone, word)
    assert words in " ".join(found.sentences)
    assert bool(found.sentences) is (tone != "good")


def test_asks_as_often_for_many_mailboxes_as_for_one(page, django_assert_num_queries):
    factories.MailboxFactory()
    with django_assert_num_queries(7) as counted:
        page.get(reverse("mailboxes"))
    factories.MailboxFactory.create_batch(4)
    with django_assert_num_queries(len(counted)):
        page.get(reverse("mailboxes"))
