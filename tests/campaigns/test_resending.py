"""A mail we are not sure about, and a person who knows that it was not sent: one new hand-over of the same row."""

import threading
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.urls import reverse

from campaigns import ledger, planning, reconciling, resending, stopping
from campaigns.models import Enrollment, Message
from campaigns.resending import NoteNeeded
from integrations import leases
from integrations.models import Mailbox
from outreach.demo.smtp_server import Manner, Stage
from outreach.lib.models import DatabaseClock
from tests import factories, saying
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)

NOTE = "their log does not have it"


@pytest.fixture
def unsure(running):
    """People whose first mail was lost after the final dot, a while ago; the server never kept it."""

    def make(people=1, **options):
        world = running(people=people, **options)
        world.smtp.behaviour = lambda recipient, message, stage: Manner.CLOSE if stage is Stage.DOT else None
        world.tick()
        world.smtp.behaviour = None
        world.smtp.received.clear()
        assert set(states()) == {"uncertain"}
        a_while_later()
        return world

    return make


def a_while_later():
    Message.objects.update(marked_at=DatabaseClock() - timedelta(minutes=21))


def states():
    return list(Message.objects.order_by("id").values_list("state", flat=True))


def again(world, by=None, note=NOTE):
    ids = list(Message.objects.order_by("id").values_list("id", flat=True))
    return resending.send_again(message_ids=ids, note=note, by=by, now=world.now)


def test_hands_the_same_row_over_once_more_and_the_sequence_goes_on(unsure, manager):
    world = unsure()
    before = Message.objects.get()
    assert list(again(world, by=manager).slots) == [before.pk]
    world.tick()
    message = Message.objects.get()
    assert (message.pk, message.message_id, message.state) == (before.pk, before.message_id, "sent")
    assert (message.attempts, message.subject) == (2, before.subject)
    said = message.why["again"]
    assert (said["by"], said["note"]) == (str(manager), NOTE)
    for _ in range(3):
        world.tick(days=1)
    assert set(Counter(mail.message_id for mail in world.smtp.received).values()) == {1}
    assert len(world.smtp.received) == 3


def test_two_who_say_so_at_once_make_one_hand_over(unsure):
    world = unsure(people=3, steps=1)
    found = []

    def say():
        found.append(len(again(world).slots))
        connection.close()

    threads = [threading.Thread(target=say) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 0, 0, 3]
    world.tick()
    assert set(again(world).kept.values()) == {"settled"}
    world.tick()
    assert len(world.smtp.received) == 3


def test_asks_how_they_know(unsure):
    with pytest.raises(NoteNeeded):
        again(unsure(), note="  ")
    assert states() == ["uncertain"]


@pytest.mark.parametrize(
    ("happens", "rule"),
    [
        (
            lambda world, person: stopping.suppress(kind="address", value=person.email, reason="manual"),
            "enrollment_ended",
        ),
        (lambda world, person: stopping.stop_all(by=None), "sending_stopped"),
        (lambda world, person: Mailbox.objects.get().pause(reason="no"), "mailbox_not_active"),
        (lambda world, person: Mailbox.objects.update(polled_at=None), "mailbox_blind"),
        (lambda world, person: Message.objects.update(marked_at=DatabaseClock()), "too_soon"),
    ],
)
def test_what_the_gate_refuses_stays_uncertain(unsure, happens, rule):
    world = unsure()
    happens(world, world.prospects[0])
    done = again(world)
    assert (done.slots, list(done.kept.values())) == ({}, [rule])
    assert states() == ["uncertain"]
    assert "again" not in Message.objects.get().why


def test_waits_while_answers_are_unread_even_if_it_is_a_first_mail(unsure):
    world = unsure()
    again(world)
    Mailbox.objects.update(polled_at=DatabaseClock() - timedelta(hours=1))
    assert world.later(seconds=1).deliver().sent == 0
    Mailbox.objects.update(polled_at=DatabaseClock())
    assert world.deliver().sent == 1


def test_an_answer_to_the_first_takes_the_place_of_the_second(unsure):
    world = unsure()
    message = Message.objects.get()
    again(world)
    world.answers(mails.reply(message, sender=message.recipient, text="Interesting, tell me more"))
    world.tick(minutes=1)
    assert world.smtp.received == []
    assert (states(), Enrollment.objects.get().stop_reason) == (["sent"], "positive_reply")


def test_a_proof_that_comes_while_it_is_in_a_workers_hand_wins(unsure):
    world = unsure()
    again(world)
    token = leases.take(mailbox_id=world.mailbox.pk, owner="a")
    (pk,) = ledger.claim(mailbox_id=world.mailbox.pk, token=token, now=world.now, limit=1)
    words = saying.said(pk, now=world.now)
    assert reconciling.proven_sent(
        message=Message.objects.select_related("enrollment", "prospect", "campaign", "step").get()
    )
    assert not ledger.mark(said=[words], token=token, now=world.now)
    assert (states(), Enrollment.objects.get().steps_handed_over) == (["sent"], 1)


def test_a_proof_that_comes_after_a_stop_still_counts(unsure):
    world = unsure()
    message = Message.objects.get()
    again(world)
    stopping.stop_person(prospect=world.prospects[0], reason="asked")
    assert states() == ["cancelled"]
    world.answers(mails.reply(message, sender="secretary@elsewhere.example", text="Wrong person"))
    world.receive()
    assert states() == ["sent"]


def test_the_first_workers_late_word_changes_nothing_of_the_second(unsure):
    world = unsure()
    token = Message.objects.get().lease_token
    again(world)
    ledger.unmark(message_ids=[Message.objects.get().pk], token=token)
    assert not ledger.give_back(message_id=Message.objects.get().pk, token=token, send_at=world.now)
    world.tick()
    assert (len(world.smtp.received), Message.objects.get().attempts) == (1, 2)


def test_one_that_is_lost_again_is_uncertain_again(unsure):
    world = unsure(steps=1)
    again(world)
    world.smtp.behaviour = lambda recipient, message, stage: Manner.CLOSE if stage is Stage.DOT else None
    world.tick()
    world.smtp.behaviour = None
    assert states() == ["uncertain"]
    assert list(again(world).kept.values()) == ["too_soon"]
    a_while_later()
    world.tick()
    assert len(again(world).slots) == 1
    world.tick(minutes=1)
    assert states() == ["sent"]


def test_many_are_spread_over_free_places_within_cap_and_gap(unsure):
    world = unsure(people=12, steps=1)
    Mailbox.objects.update(gap_seconds=600, daily_cap=20)
    slots = sorted(again(world).slots.values())
    assert len(slots) == 12
    assert all(later - earlier >= timedelta(minutes=10) for earlier, later in pairwise(slots))
    planning.plan(now=world.now)
    for _ in range(9):
        world.later(minutes=11).deliver()
    assert len(world.smtp.received) == 8  # 12 of the cap were used up by the first time


def test_a_manager_sends_one_and_several_from_the_page(unsure, client, manager):
    unsure(people=3, steps=1)
    first = Message.objects.order_by("id").first()
    client.force_login(manager)
    shown = client.get(reverse("messages-uncertain")).content.decode()
    assert "It was not sent: send it" in shown
    asked = {"sent": "again", "note": ""}
    assert (
        "Say how you know"
        in client.post(reverse("message-settle", args=[first.public_id]), asked, follow=True).content.decode()
    )
    said = client.post(reverse("message-settle", args=[first.public_id]), {**asked, "note": NOTE}, follow=True)
    assert "1 mail is sent in the next free places" in said.content.decode()
    many = {"note": NOTE, "message": [each.public_id for each in Message.objects.order_by("id")]}
    Mailbox.objects.update(polled_at=DatabaseClock())
    said = client.post(reverse("messages-send-again"), many, follow=True).content.decode()
    assert "2 mails are sent in the next free places" in said
    assert states() == ["planned"] * 3
    assert client.post(reverse("messages-send-again"), {"message": "x"}).status_code == 400
    client.force_login(factories.UserFactory(role="operator"))
    assert client.post(reverse("messages-send-again"), many).status_code == 403


def test_the_api_settles_one_and_sends_many_again(unsure, client_as):
    unsure(people=3, steps=1)
    first, second, third = (str(message.public_id) for message in Message.objects.order_by("id"))
    api = client_as("manager")

    def settle(message, verdict, note=NOTE):
        return api.post(f"/api/v1/messages/{message}/settle/", {"verdict": verdict, "note": note}, format="json")

    assert settle(first, "send_again", note="").status_code == 400
    given = settle(first, "send_again")
    assert (given.status_code, given.json()["state"], given.json()["why"]["again"]["note"]) == (200, "planned", NOTE)
    assert settle(first, "send_again").status_code == 409
    assert settle(second, "sent").json()["state"] == "sent"
    assert settle(second, "not_sent").status_code == 409
    asked = {"messages": [first, second, third], "note": NOTE}
    many = api.post("/api/v1/messages/send-again/", asked, format="json").json()
    assert many["sent_again"] == 1
    assert [(each["rule"], each["count"]) for each in many["kept"]] == [("settled", 2)]
    refused = client_as("operator").post("/api/v1/messages/send-again/", asked, format="json")
    assert refused.status_code == 403
