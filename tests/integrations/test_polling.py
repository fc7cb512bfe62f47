"""New mail is stored once, and the cursor never runs ahead of it."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections

from integrations import polling, sending
from integrations.adapters import imap as adapter
from integrations.models import InboundEvent, Mailbox
from outreach.lib.models import DatabaseClock


def mail(number):
    return f"Subject: {number}\r\n\r\nMail {number}\r\n".encode()


@pytest.fixture
def box(mailbox, imap):
    imap.add_user(mailbox.imap_username, mailbox.imap_password)
    Mailbox.objects.update(polled_at=None)
    mailbox.refresh_from_db()
    return mailbox


def stored():
    return [bytes(raw) for raw in InboundEvent.objects.order_by("id").values_list("raw", flat=True)]


def test_stores_each_mail_once_and_moves_the_cursor(box, imap):
    uids = [imap.deliver(box.imap_username, mail(n)) for n in range(3)]
    assert polling.poll(mailbox=box) == 3
    assert polling.poll(mailbox=box) == 0
    assert stored() == [mail(n) for n in range(3)]
    box.refresh_from_db()
    assert box.imap_last_uid == uids[-1]
    assert box.polled_at is not None
    event = InboundEvent.objects.first()
    assert (event.source, event.mailbox, event.uid, event.applied_at) == ("imap", box, uids[0], None)
    assert len(event.digest) == 64


def test_stores_nothing_twice_when_the_cursor_was_lost(box, imap):
    imap.deliver(box.imap_username, mail(1))
    polling.poll(mailbox=box)
    Mailbox.objects.update(imap_last_uid=0)
    polling.poll(mailbox=box)
    assert stored() == [mail(1)]


def test_reads_the_folder_again_when_its_numbering_changed(box, imap):
    imap.deliver(box.imap_username, mail(1))
    polling.poll(mailbox=box)
    before = Mailbox.objects.get().imap_uidvalidity
    imap.renumber(box.imap_username)
    late = imap.deliver(box.imap_username, mail(2))
    polling.poll(mailbox=box)
    assert mail(2) in stored()
    box.refresh_from_db()
    assert box.imap_uidvalidity != before
    assert box.imap_last_uid == late


def test_tells_the_numbering_even_of_an_empty_folder(box):
    polling.poll(mailbox=box)
    box.refresh_from_db()
    assert box.imap_uidvalidity is not None
    assert box.polled_at is not None


def test_keeps_what_it_has_and_says_what_went_wrong(box, imap):
    polling.poll(mailbox=box)
    polled_at = Mailbox.objects.get().polled_at
    Mailbox.objects.update(imap_password="wrong")
    assert polling.poll(mailbox=box) == 0
    box.refresh_from_db()
    assert "refused the login" in box.poll_error
    assert "wrong" not in box.poll_error
    assert box.polled_at == polled_at
    box.imap_password = "secret"
    box.save(update_fields=["imap_password"])
    polling.poll(mailbox=box)
    box.refresh_from_db()
    assert box.poll_error == ""
    assert box.polled_at > polled_at


def test_does_not_call_a_poll_complete_that_broke_off(box, imap, monkeypatch):
    for n in range(4):
        imap.deliver(box.imap_username, mail(n))
    whole = adapter.fetch_new

    def breaks_off(account, **cursor):
        for number, batch in enumerate(whole(account, **cursor, batch=2)):
            if number == 2:
                imap.stop()
            yield batch

    monkeypatch.setattr(adapter, "fetch_new", breaks_off)
    polling.poll(mailbox=box)
    box.refresh_from_db()
    assert len(stored()) in (2, 4)
    assert InboundEvent.objects.filter(uid=box.imap_last_uid).exists()


@pytest.mark.django_db(transaction=True)
def test_lets_one_poller_at_a_mailbox_and_holds_no_transaction_meanwhile(mailbox, imap, monkeypatch):
    imap.add_user(mailbox.imap_username, mailbox.imap_password)
    imap.deliver(mailbox.imap_username, mail(1))
    whole, inside, go_on = adapter.fetch_new, threading.Event(), threading.Event()
    transactions = []

    def slow(account, **cursor):
        transactions.append(connection.in_atomic_block)
        inside.set()
        go_on.wait(10)
        yield from whole(account, **cursor)

    def first():
        try:
            polling.poll(mailbox=Mailbox.objects.get())
        finally:
            connections.close_all()

    monkeypatch.setattr(adapter, "fetch_new", slow)
    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    assert polling.poll(mailbox=mailbox) == 0
    assert InboundEvent.objects.count() == 0
    go_on.set()
    thread.join(10)
    assert InboundEvent.objects.count() == 1
    assert transactions == [False]
    assert polling.poll(mailbox=mailbox) == 0
    assert len(transactions) == 2


def test_names_the_mailboxes_to_poll(box):
    assert polling.due() == [box.pk]
    Mailbox.objects.update(is_demo=False, polled_at=DatabaseClock())
    assert polling.due() == []
    Mailbox.objects.update(polled_at=DatabaseClock() - timedelta(minutes=2), status="retired")
    assert polling.due() == [box.pk]
    Mailbox.objects.update(imap_host="")
    assert polling.due() == []


def test_a_late_wake_up_does_not_look_again(box, imap):
    Mailbox.objects.update(is_demo=False, polled_at=DatabaseClock())
    imap.deliver(box.imap_username, mail(1))
    assert polling.poll_if_due(mailbox_id=box.pk) == 0
    Mailbox.objects.update(polled_at=DatabaseClock() - timedelta(minutes=2))
    assert polling.poll_if_due(mailbox_id=box.pk) == 1


def test_lets_a_mailbox_rest_whose_login_was_refused(box):
    Mailbox.objects.update(is_demo=False, imap_password="wrong")
    polling.poll(mailbox=box)
    assert polling.due() == []


def test_checks_both_servers_and_says_what_is_wrong(box, now, smtp, imap):
    assert sending.check(mailbox=box, now=now) == []
    box.refresh_from_db()
    assert box.verified_at == now
    smtp.stop()
    imap.stop()
    wrong = sending.check(mailbox=box, now=now)
    assert [sentence.split(":")[0] for sentence in wrong] == ["Sending", "Receiving"]
    assert all(sentence.endswith(".") for sentence in wrong)
