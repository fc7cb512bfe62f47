"""Reading a real IMAP server."""

import pytest

from integrations.adapters import imap
from integrations.ports import CredentialsRefused, ImapAccount, Unreachable
from outreach.demo.imap_server import ImapServer
from tests.integrations.certificates import self_signed

USER = "ada@us.example"


@pytest.fixture
def server():
    with ImapServer() as server:
        server.add_user(USER, "sécret")
        yield server


def account(server, **more):
    fields = {"host": "127.0.0.1", "port": server.port, "security": "none", "username": USER, "password": "sécret"}
    return ImapAccount(**{**fields, **more})


def mail(number):
    return f"Subject: {number}\r\n\r\nMail {number}\r\n".encode()


def read(server, **cursor):
    batches = list(imap.fetch_new(account(server), **{"uidvalidity": None, "last_uid": 0, **cursor}))
    return batches[0].uidvalidity, [each for batch in batches for each in batch.mails]


def test_reads_everything_once_in_order(server):
    uids = [server.deliver(USER, mail(n)) for n in range(7)]
    validity, mails = read(server, batch=3)
    assert mails == [(uid, mail(n)) for n, uid in enumerate(uids)]
    assert read(server, uidvalidity=validity, last_uid=uids[-1]) == (validity, [])
    late = server.deliver(USER, mail(8))
    assert read(server, uidvalidity=validity, last_uid=uids[-1]) == (validity, [(late, mail(8))])


def test_tells_the_numbering_of_an_empty_folder(server):
    validity, mails = read(server)
    assert validity > 0
    assert mails == []


def test_starts_over_when_the_numbering_changed(server):
    for n in range(3):
        server.deliver(USER, mail(n))
    validity, mails = read(server)
    server.renumber(USER)
    again, mails_again = read(server, uidvalidity=validity, last_uid=mails[-1][0])
    assert again != validity
    assert [raw for _, raw in mails_again] == [raw for _, raw in mails]


def test_begins_near_the_end_of_a_folder_it_does_not_know(server, monkeypatch):
    monkeypatch.setattr(imap, "FIRST_LOOK", 2)
    uids = [server.deliver(USER, mail(n)) for n in range(5)]
    validity, mails = read(server)
    assert [uid for uid, _ in mails] == uids[-2:]
    assert [uid for uid, _ in read(server, uidvalidity=validity, last_uid=uids[0])[1]] == uids[1:]


def test_skips_what_was_expunged(server):
    uids = [server.deliver(USER, mail(n)) for n in range(3)]
    server.expunge(USER, uids[1])
    _, mails = read(server)
    assert [uid for uid, _ in mails] == [uids[0], uids[2]]


def test_cuts_a_mail_that_is_too_large(server, monkeypatch):
    monkeypatch.setattr(imap, "LARGEST", 2000)
    monkeypatch.setattr(imap, "EXCERPT", 100)
    for raw in (mail(1), mail(2) + b"x" * 5000, mail(3) + b"y" * 1500, mail(4) + b"z" * 1500):
        server.deliver(USER, raw)
    _, mails = read(server)
    assert [len(raw) for _, raw in mails] == [len(mail(1)), 100, len(mail(3)) + 1500, len(mail(4)) + 1500]


def test_tells_a_refused_login_from_an_unreachable_server(server):
    with pytest.raises(CredentialsRefused, match="refused the login") as refused:
        imap.check(account(server, password="wrong-word"))
    assert "wrong-word" not in str(refused.value)
    with pytest.raises(CredentialsRefused):
        imap.check(account(server, username="nobody"))
    with pytest.raises(Unreachable, match="no folder"):
        imap.check(account(server, folder="Elsewhere"))
    imap.check(account(server))
    server.stop()
    with pytest.raises(Unreachable, match="No connection"):
        imap.check(account(server))


def test_takes_a_demo_mailbox_nowhere_but_to_loopback(server):
    with pytest.raises(Unreachable, match="only this machine"):
        imap.check(account(server, host="192.0.2.1", loopback_only=True))
    imap.check(account(server, loopback_only=True))


def test_verifies_the_certificate(tmp_path, monkeypatch):
    context, authority = self_signed(tmp_path)
    with ImapServer(tls=context) as server:
        server.add_user(USER, "sécret")
        with pytest.raises(Unreachable, match="not trusted"):
            imap.check(account(server, security="tls"))
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        imap.check(account(server, security="tls"))


def test_never_falls_back_to_clear_text(server):
    with pytest.raises(Unreachable, match="does not offer STARTTLS"):
        imap.check(account(server, security="starttls"))
