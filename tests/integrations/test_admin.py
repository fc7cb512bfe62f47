import pytest

from integrations.models import Mailbox
from tests import factories

PAGE = "/admin/integrations/mailbox/"


@pytest.fixture
def office(client, db):
    client.force_login(factories.UserFactory(role="manager", is_staff=True))
    return client


def _form(mailbox, **changes):
    names = "name from_name from_address daily_cap gap_seconds connections service smtp_host smtp_port smtp_security "
    names += "smtp_username imap_host imap_port imap_security imap_username imap_folder"
    return {name: getattr(mailbox, name) for name in names.split()} | changes


def _act(office, action, *mailboxes):
    form = {"action": action, "_selected_action": [mailbox.pk for mailbox in mailboxes]}
    return office.post(PAGE, form, follow=True).content.decode()


def test_never_shows_a_secret_and_keeps_it_when_left_blank(office, now):
    mailbox = factories.MailboxFactory(imap_password="canary", verified_at=now)
    address = f"{PAGE}{mailbox.pk}/change/"
    assert b"canary" not in office.get(address).content
    assert office.post(address, _form(mailbox, name="Other")).status_code == 302
    stored = Mailbox.objects.get()
    assert (stored.name, stored.imap_password, stored.verified_at) == ("Other", "canary", now)


def test_takes_a_new_secret_and_wants_a_new_check(office, now):
    mailbox = factories.MailboxFactory(imap_password="old", verified_at=now)
    office.post(f"{PAGE}{mailbox.pk}/change/", _form(mailbox, imap_password="new"))
    stored = Mailbox.objects.get()
    assert (stored.imap_password, stored.verified_at) == ("new", None)


def test_adds_a_mailbox(office):
    fields = _form(factories.MailboxFactory.build(from_address="new@outreach.example"), imap_password="x")
    assert office.post(f"{PAGE}add/", fields).status_code == 302
    assert Mailbox.objects.get().from_address == "new@outreach.example"


def test_says_beside_the_field_what_the_verb_refuses(office):
    fields = _form(factories.MailboxFactory.build(), smtp_host="smtp.outreach.example")
    page = office.post(f"{PAGE}add/", fields)
    assert "smtp_security" in page.context["adminform"].form.errors
    assert not Mailbox.objects.exists()


def test_pauses_and_resumes_and_says_how_many(office):
    one, two = factories.MailboxFactory(), factories.MailboxFactory(status="paused")
    assert "1 paused." in (page := _act(office, "pause", one, two))
    assert "1 not active." in page
    assert "2 resumed." in _act(office, "resume", one, two)


def test_checks_mailboxes_and_says_what_is_wrong(office, mailbox):
    page = _act(office, "check_now", mailbox, factories.MailboxFactory())
    assert "1 of 2 checked and fine." in page
    assert "Sending:" in page


def test_lets_a_viewer_look_only(client, db):
    client.force_login(factories.UserFactory(role="viewer", is_staff=True))
    mailbox = factories.MailboxFactory()
    _act(client, "pause", mailbox)
    assert Mailbox.objects.get().status == "active"
    assert client.post(f"{PAGE}{mailbox.pk}/change/", _form(mailbox, name="X")).status_code == 403
