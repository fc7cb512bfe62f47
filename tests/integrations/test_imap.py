"""Reading a real IMAP server."""

import socket
import threading

import pytest

from integrations.adapters import imap, imap_folders
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


@pytest.mark.parametrize(
    ("listed", "sent"),
    [
        ([rb'(\HasNoChildren \Sent) "/" "[Gmail]/Gesendet"', rb'(\HasNoChildren) "/" "Sent"'], '"[Gmail]/Gesendet"'),
        ([rb'(\HasNoChildren) "." INBOX.Sent', rb'(\HasNoChildren) "." INBOX'], '"INBOX.Sent"'),
        ([rb'(\Marked) "/" "Sent Items"', rb'(\sent) NIL Outbox'], '"Outbox"'),
        ([rb'(\HasNoChildren) "/" "Gel&APY-schte Elemente"', rb'() "/" "&AMk-l&AOk-ments envoy&AOk-s"'],
         '"&AMk-l&AOk-ments envoy&AOk-s"'),
        ([rb'(\Noselect \Sent) "/" "Sent"', rb'() "/" "Not Sent"', rb'() "/" "Sentinel"'], None),
        ([(rb'(\Sent) "/" {4}', b"Mine"), b""], '"Mine"'),
        ([None, b"nonsense", rb'(\Sent) "/" "' + "é".encode() + b'"', rb'() "/" "&broken"'], None),
    ],
)  # fmt: skip
def test_knows_the_folder_of_what_was_sent(listed, sent):
    assert imap_folders.sent(listed) == sent


def speaking(listener, heard):
    """A server that tells the use of a folder only when it is asked for (RFC 6154 section 2), and finds one mail."""
    peer, _ = listener.accept()
    lines = peer.makefile("rwb", buffering=0)
    lines.write(b"* OK [CAPABILITY IMAP4rev1 LIST-EXTENDED SPECIAL-USE] ready\r\n")
    header = b"Message-ID:\r\n <1@us.example>\r\n\r\n"
    for line in lines:
        tag, command = line.strip().split(b" ", 1)
        heard.append(command.decode())
        told = {
            b"CAPABILITY": b"* CAPABILITY IMAP4rev1 LIST-EXTENDED SPECIAL-USE\r\n",
            b'LIST "" "*" RETURN (SPECIAL-USE)': b'* LIST (\\Sent) "/" "Work/Away"\r\n* LIST () "/" "Sent"\r\n',
            b'EXAMINE "Work/Away"': b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] fine\r\n",
        }.get(command, b"")
        if b"SEARCH" in command:
            told = b"* SEARCH 7\r\n"
        if b"FETCH" in command:
            told = b"* 1 FETCH (UID 7 BODY[HEADER.FIELDS (MESSAGE-ID)] {%d}\r\n%b)\r\n" % (len(header), header)
        lines.write(told + tag + b" OK done\r\n")
        if command == b"LOGOUT":
            return


def test_asks_a_server_for_the_use_of_its_folders_and_reads_only_headers():
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=speaking, args=(listener, heard))
        thread.start()
        server = ImapAccount("127.0.0.1", listener.getsockname()[1], "none", USER, "secret")
        found = imap.copies(server, ["<1@us.example>", "<2@us.example>", 'a"b'])
        thread.join(5)
    assert found == {"<1@us.example>"}
    asked = [line for line in heard if line.startswith("UID")]
    assert asked == [
        'UID SEARCH OR HEADER Message-ID "<1@us.example>" HEADER Message-ID "<2@us.example>"',
        "UID FETCH 7 (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
    ]
    assert not any(line.startswith("SELECT") for line in heard)
