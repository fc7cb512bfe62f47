"""What is too much for a request: asked for there, ended by a tick, and cut off anywhere without harm."""

import threading
from datetime import timedelta
from time import monotonic

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from campaigns import (
    doubting,
    errands,
    guards,
    planning,
    releasing,
    replaying,
    restoring,
    sending_state,
    stopping,
    tasks,
)
from campaigns.models import Errand, Message, SendingControl
from integrations.models import Mailbox
from prospects.models import Suppression

pytestmark = pytest.mark.django_db(transaction=True)


# Each table's first row so many times, with what must differ.
COPY = """INSERT INTO {table} SELECT made.* FROM generate_series(1, 100000) n, {table} first,
    jsonb_populate_record(first, jsonb_build_object('id', 1000000 + n, 'public_id', gen_random_uuid(), {changed})) made
    WHERE first.id = (SELECT min(id) FROM {table})"""
MANY = {
    "prospects_prospect": "'email', 'p' || n || '@many.example', 'identity_key', 'many' || n",
    "campaigns_enrollment": "'prospect_id', 1000000 + n",
    "campaigns_message": "'enrollment_id', 1000000 + n, 'prospect_id', 1000000 + n, 'message_id', '<many' || n || '>',"
    " 'recipient', 'p' || n || '@many.example', 'recipient_key', 'many' || n",
}


@pytest.fixture
def in_pieces(monkeypatch):
    """Everything is much for one piece."""
    for module in (restoring, releasing):
        monkeypatch.setattr(module, "PIECE", 2)
        monkeypatch.setattr(module, "SMALL_PIECE", 2)
    monkeypatch.setattr(replaying, "FEW", 1)


@pytest.fixture
def put_back(running_now):
    """Seven planned mails, and a file that knows of more ticks."""
    world = running_now(people=7, steps=1)
    guards.beat(now=world.now)
    planning.plan(now=world.now)
    guards.beat(now=world.now)
    SendingControl.objects.update(beats=1)
    assert guards.look()
    world.later(seconds=1)
    return world


def uncertain():
    return Message.objects.filter(state="uncertain").count()


def settle(world, seconds):
    return restoring.settle(restored=True, now=world.now, by=None, seconds=seconds)


def test_a_long_settling_is_begun_by_the_request_and_ended_by_a_tick(put_back, in_pieces, client_as):
    manager = client_as("manager")
    begun = settle(put_back, seconds=0)
    assert (begun.uncertain, begun.is_done) == (2, False)
    assert sending_state.is_held()
    put_back.tick()
    assert put_back.smtp.received == []
    page = manager.get(reverse("sending-settle")).content.decode()
    assert "2 mails that may have been sent" in page
    assert "It was put back, go on" not in page
    assert reverse("sending-settle-live") in page
    assert manager.get("/api/v1/sending/").json()["settling"] == {"uncertain": 2, "noes": 0, "done": False}
    tasks.run_errands()
    assert not sending_state.is_held()
    assert uncertain() == 7
    assert SendingControl.objects.get().gap_until == Errand.objects.get().asked_at
    live = manager.get(reverse("sending-settle-live")).content.decode()
    assert "sending goes on" in live
    assert "hx-get" not in live
    assert manager.get("/api/v1/sending/").json()["settling"] is None
    put_back.tick()
    assert put_back.smtp.received == []


def test_cut_off_anywhere_it_goes_on_and_comes_to_the_same(put_back, in_pieces, monkeypatch):
    for number in range(3):
        stopping.suppress(kind="domain", value=f"rival{number}.example", reason="declined")
    Suppression.objects.all().delete()
    real, asked = doubting.doubt_due, []

    def cut_off(**given):
        real(**given)
        raise ConnectionError

    monkeypatch.setattr(doubting, "doubt_due", cut_off)
    with pytest.raises(ConnectionError):
        settle(put_back, seconds=0)
    assert uncertain() == 0  # the piece and how far it is are one
    monkeypatch.setattr(doubting, "doubt_due", real)
    while sending_state.is_held():
        restoring.go_on(seconds=0)
        asked.append(dict(Errand.objects.get().done))
    assert len(asked) >= 8
    assert (asked[-1]["uncertain"], asked[-1]["noes"]) == (7, 3)
    assert Suppression.objects.count() == 3


def test_asked_twice_it_is_one_errand(put_back, in_pieces):
    settle(put_back, seconds=0)
    settle(put_back.later(minutes=5), seconds=0)
    restoring.settle(restored=True, now=put_back.now, by=None)
    assert Errand.objects.count() == 1
    assert SendingControl.objects.get().gap_until < put_back.now


def test_a_second_restore_in_the_middle_is_asked_about_anew(put_back, in_pieces):
    settle(put_back, seconds=0)
    SendingControl.objects.update(beats=1)
    tasks.run_errands()
    assert sending_state.is_held()
    assert not Errand.objects.filter(finished_at=None).exists()
    assert SendingControl.objects.get().held_because == "restored"


def test_two_workers_do_no_piece_twice(put_back, in_pieces):
    settle(put_back, seconds=0)
    threads = [threading.Thread(target=lambda: (restoring.go_on(), connection.close())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Errand.objects.get().done["uncertain"] == uncertain() == 7


@pytest.fixture
def late(running_now):
    """Seven mails that were due while nothing was sent."""
    world = running_now(people=7, steps=1)
    planning.plan(now=world.now)
    Message.objects.update(send_at=world.now - timedelta(hours=7))
    world.deliver()
    return world


def aside():
    return Message.objects.filter(overdue_at__isnull=False).count()


def test_a_long_release_is_begun_by_the_request_and_ended_by_a_tick(late, in_pieces, client_as):
    begun = releasing.release(now=late.now, by=None, seconds=0)
    assert (begun.count, begun.is_done, aside()) == (2, False, 5)
    page = client_as("operator").get(reverse("today")).content.decode()
    assert "They are being given new places." in page
    assert "Release them" not in page
    tasks.run_errands()
    assert aside() == 0
    assert Errand.objects.get().done == {"released": 7}
    assert late.later(seconds=5).deliver().sent == 7


def test_what_finds_no_slot_stays_aside_and_holds_nobody_up(late, in_pieces):
    Mailbox.objects.update(daily_cap=0)
    done = releasing.release(now=late.now, by=None)
    assert (done.count, done.is_done, aside()) == (0, True, 7)
    Mailbox.objects.update(daily_cap=100)
    late.later(minutes=5)
    assert releasing.release(now=late.now, by=None).count == 7


def test_what_is_set_aside_later_is_not_released_unseen(late, in_pieces):
    releasing.release(now=late.now, by=None, seconds=0)
    later = Message.objects.exclude(overdue_at=None).first()
    Message.objects.filter(pk=later.pk).update(overdue_at=late.now + timedelta(hours=1))
    tasks.run_errands()
    assert aside() == 1


def make_very_many():
    with connection.cursor() as cursor:
        for table, changed in MANY.items():
            cursor.execute(COPY.format(table=table, changed=changed))
        cursor.execute("ANALYZE")


@pytest.mark.prove
def test_a_release_of_very_many_holds_no_request_over_two_seconds(late, client_as):
    make_very_many()
    operator, began = client_as("operator"), monotonic()
    answer = operator.post("/api/v1/sending/release/")
    assert monotonic() - began < 2
    assert answer.json()["done"] is False
    before = aside()
    releasing.go_on(now=late.now, seconds=errands.SLICE)
    assert aside() < before


@pytest.mark.prove
def test_a_gap_of_very_many_holds_no_request_over_two_seconds(put_back, client_as):
    """100,000 messages in doubt: rows made in the database, as the planner would take minutes."""
    make_very_many()
    SendingControl.objects.update(held_at=timezone.now())
    manager, began = client_as("manager"), monotonic()
    answer = manager.post("/api/v1/sending/settle/", {"restored": True})
    assert monotonic() - began < 2
    assert answer.json()["done"] is False
    while sending_state.is_held():
        restoring.go_on(seconds=errands.SLICE)
        began = monotonic()
        manager.get(reverse("sending-settle"))
        assert monotonic() - began < 2
    assert uncertain() == 100_007
