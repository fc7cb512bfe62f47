"""Claim and mark alone, as two workers and a stop meet in them."""

import threading
from datetime import time, timedelta

import pytest
from django.db import connection, transaction

from campaigns import gate, ledger, planning, stopping
from campaigns.models import Message, Step
from integrations import leases
from integrations.models import Mailbox
from prospects import suppression as facts
from prospects.models import Prospect
from tests.saying import said

pytestmark = pytest.mark.django_db(transaction=True)


def only_message():
    return Message.objects.select_related("prospect", "enrollment", "campaign").get()


def test_refuses_at_the_mark_what_was_stopped_after_the_claim(running):
    """A fact without the cancelling verb, as an import writes it: the gate alone has to see it."""
    world = running()
    planning.plan(now=world.now)
    token = leases.take(mailbox_id=world.mailbox.pk, owner="a")
    (pk,) = ledger.claim(mailbox_id=world.mailbox.pk, token=token, now=world.now, limit=1)
    facts.suppress(kind="address", value=world.prospects[0].email, reason="imported")
    assert not ledger.mark(said=[said(pk, now=world.now)], token=token, now=world.now)
    assert gate.refusals(message_ids=[pk])[pk] == ["suppressed"]
    ledger.release(mailbox_id=world.mailbox.pk, token=token)
    planning.plan(now=world.now)
    assert only_message().cancel_reason == "suppressed"


def test_does_not_hand_over_words_that_were_made_from_an_older_row(running):
    """Somebody else gave it another address and slot while it was composed."""
    world = running()
    planning.plan(now=world.now)
    token = leases.take(mailbox_id=world.mailbox.pk, owner="a")
    (pk,) = ledger.claim(mailbox_id=world.mailbox.pk, token=token, now=world.now, limit=1)
    words = said(pk, now=world.now)
    Message.objects.filter(pk=pk).update(send_at=world.now)
    assert not ledger.mark(said=[words], token=token, now=world.now)
    assert ledger.mark(said=[said(pk, now=world.now)], token=token, now=world.now)


def test_a_run_claims_nothing_that_it_holds(running):
    world = running(people=3)
    planning.plan(now=world.now)
    token = leases.take(mailbox_id=world.mailbox.pk, owner="a")
    claim = {"mailbox_id": world.mailbox.pk, "token": token, "now": world.now + timedelta(days=1)}
    first = ledger.claim(limit=2, **claim)
    assert len(first) == 2
    assert len(ledger.claim(limit=2, held=first, **claim)) == 1


def test_does_not_wait_at_the_mark_for_a_stop_that_is_being_committed(running):
    """After waiting, PostgreSQL would re-read the row but no other table: the mark must skip instead."""
    world = running()
    planning.plan(now=world.now)
    token = leases.take(mailbox_id=world.mailbox.pk, owner="a")
    (pk,) = ledger.claim(mailbox_id=world.mailbox.pk, token=token, now=world.now, limit=1)
    holds, go_on = threading.Event(), threading.Event()

    def stop():
        try:
            with transaction.atomic():
                stopping.stop_person(prospect=world.prospects[0], reason="asked")
                holds.set()
                assert go_on.wait(10)
        finally:
            connection.close()

    other = threading.Thread(target=stop)
    other.start()
    assert holds.wait(10)
    marked = ledger.mark(said=[said(pk, now=world.now)], token=token, now=world.now)
    go_on.set()
    other.join()
    assert not marked
    assert only_message().state == "cancelled"


def test_gives_back_claims_and_doubts_marks_of_a_worker_that_died(running):
    world = running(people=2)
    planning.plan(now=world.now)
    token = leases.take(mailbox_id=world.mailbox.pk, owner="dead")
    first, _ = ledger.claim(mailbox_id=world.mailbox.pk, token=token, now=world.now, limit=2)
    ledger.mark(said=[said(first, now=world.now)], token=token, now=world.now)
    assert not world.deliver().owned  # its lease still lives
    Mailbox.objects.update(lease_until="2020-01-01T00:00Z")
    done = world.deliver()
    assert (done.settled, done.sent) == (2, 1)
    assert Message.objects.get(pk=first).state == "uncertain"


def test_lets_an_overtaken_worker_neither_mark_nor_claim(running):
    world = running()
    planning.plan(now=world.now)
    old = leases.take(mailbox_id=world.mailbox.pk, owner="slow")
    (pk,) = ledger.claim(mailbox_id=world.mailbox.pk, token=old, now=world.now, limit=1)
    Mailbox.objects.update(lease_until="2020-01-01T00:00Z")
    assert leases.take(mailbox_id=world.mailbox.pk, owner="new") == old + 1
    assert not ledger.mark(said=[said(pk, now=world.now)], token=old, now=world.now)
    assert ledger.claim(mailbox_id=world.mailbox.pk, token=old, now=world.now, limit=1) == []


def test_whose_window_has_closed_keeps_nobody_behind_them_waiting(running):
    """Of a mailbox with a gap, which claims one at a time."""
    world = running(people=3, steps=1)
    Mailbox.objects.update(gap_seconds=60)
    planning.plan(now=world.now)
    Step.objects.update(window_start=time(9), window_end=time(17))
    *silent, last = Message.objects.order_by("id")
    Message.objects.exclude(pk=last.pk).update(send_at=world.now - timedelta(minutes=1))
    Message.objects.filter(pk=last.pk).update(send_at=world.now)
    Prospect.objects.filter(pk__in=[message.prospect_id for message in silent]).update(time_zone="Pacific/Auckland")
    assert world.deliver().sent == 1
    assert [mail.recipient for mail in world.smtp.received] == [last.recipient]
