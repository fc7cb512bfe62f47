"""What must not stop everybody else, lose a no, or bend a cap, a gap or a window."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from campaigns import delivery, inbound, lanes, lifecycle, planning, stopping
from campaigns.models import Decision, Enrollment, Message, Reply
from integrations import polling
from integrations.models import InboundEvent, Mailbox
from outreach.demo.smtp_server import Manner, Stage
from outreach.lib.retrying import retried
from prospects import editing
from prospects.models import Program, Prospect
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(running):
    world = running()
    world.tick()
    world.message = Message.objects.select_related("mailbox").get()
    world.person = world.message.recipient
    return world


def at_rcpt(reply):
    return lambda recipient, message, stage: reply if stage is Stage.RCPT else None


def in_threads(*works):
    """Starts each work once the one before had time to reach its lock; returns what they raised."""
    raised, threads = [], []

    def run(work):
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            raised.append(error)
        finally:
            connection.close()

    for work in works:
        threads.append(threading.Thread(target=run, args=(work,)))
        threads[-1].start()
        threads[-1].join(0.3)
    return threads, raised


def test_an_answer_that_meets_the_planner_in_two_campaigns_stops_both(sent):
    other = factories.campaign(mailbox=sent.mailbox)
    sent.mailbox.refresh_from_db()
    lifecycle.launch(campaign=other, now=sent.now, by=None)
    sent.later(hours=2)
    lifecycle.pause(campaign=sent.campaign, by=None)
    Enrollment.objects.update(look_at=sent.now, due_at=sent.now)
    sent.answers(mails.reply(sent.message, sender=sent.person, text="No thanks, please stop"))
    polling.poll(mailbox=sent.mailbox)
    last = Enrollment.objects.order_by("id").last()
    with transaction.atomic():
        Enrollment.objects.select_for_update().get(pk=last.pk)
        threads, raised = in_threads(lambda: planning.plan(now=sent.now), lambda: inbound.apply_waiting(now=sent.now))
    for thread in threads:
        thread.join(20)
    assert raised == []
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"stopped"}
    assert InboundEvent.objects.get().error == ""


def test_a_database_that_breaks_off_is_not_the_mails_fault(sent):
    sent.answers(mails.reply(sent.message, sender=sent.person))
    polling.poll(mailbox=sent.mailbox)
    with transaction.atomic():
        Enrollment.objects.select_for_update().get()

        def impatient():
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
            inbound.apply_waiting(now=sent.now)

        threads, raised = in_threads(impatient)
        threads[0].join(10)
    assert [type(error) for error in raised] == [OperationalError]
    waiting = InboundEvent.objects.get()
    assert (waiting.applied_at, waiting.attempts) == (None, 0)
    assert inbound.apply_waiting(now=sent.now) == 1
    assert Enrollment.objects.get().state != "active"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Type: text/plain; charset=utf-7\r\n",
        b"References: <a\x00b@c.example>\r\n",
        b"Subject: =?utf-7?q?+2AA-?=\r\n",
    ],
)
def test_odd_characters_do_not_take_the_effect_from_an_answer(sent, headers):
    raw = (
        f"From: {sent.person}\r\nMessage-ID: <q\x00@z.example>\r\nIn-Reply-To: {sent.message.message_id}\r\n".encode()
        + headers
        + b"\r\nNo thanks +2AA-\r\n"
    )
    InboundEvent.objects.create(source="imap", mailbox=sent.mailbox, uid=1, uidvalidity=1, digest="d", raw=raw)
    inbound.apply_waiting(now=sent.now)
    assert InboundEvent.objects.get().error == ""
    assert Enrollment.objects.get().state != "active"


def test_a_reader_that_dies_every_time_is_not_asked_for_ever(sent):
    sent.answers(mails.reply(sent.message, sender=sent.person))
    polling.poll(mailbox=sent.mailbox)
    InboundEvent.objects.update(attempts=inbound.MOST_ATTEMPTS)
    assert inbound.apply_waiting(now=sent.now) == 1
    assert "Given up" in InboundEvent.objects.get().error


def test_one_mailbox_with_an_unreadable_secret_stops_nobody_else(sent):
    other = factories.MailboxFactory()
    InboundEvent.objects.create(
        source="imap", mailbox=other, uid=1, uidvalidity=1, digest="x", raw=b"From: a@b.example\r\n\r\nhi"
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE integrations_mailbox SET imap_password = 'garbage' WHERE id = %s", [other.pk])
    sent.answers(mails.reply(sent.message, sender=sent.person))
    sent.receive()
    assert Enrollment.objects.get().state != "active"


def test_a_stop_of_the_old_address_ends_the_way_of_a_person_who_has_a_new_one(running):
    world = running()
    planning.plan(now=world.now)
    old = world.prospects[0].email
    editing.change_prospect(prospect=world.prospects[0], by=None, email="new@elsewhere.example")
    stopping.suppress(kind="address", value=old, reason="manual")
    assert Enrollment.objects.get().state != "active"


def test_a_planned_message_follows_its_person_to_a_corrected_address(running):
    world = running(steps=1)
    planning.plan(now=world.now)
    editing.change_prospect(prospect=world.prospects[0], by=None, email="new@elsewhere.example")
    world.deliver()
    assert world.smtp.received == []
    world.tick()
    assert [mail.recipient for mail in world.smtp.received] == ["new@elsewhere.example"]


def test_an_address_that_was_taken_away_cancels_what_was_planned(running):
    world = running()
    planning.plan(now=world.now)
    Prospect.objects.update(email="", identity_key=None, contact_keys=[])
    world.tick()
    assert world.smtp.received == []
    assert Enrollment.objects.get().stop_reason == "no_address"


def test_keeps_the_gap_across_midnight_and_within_a_run(running):
    world = running(people=3, steps=1)
    Mailbox.objects.update(gap_seconds=90)
    world.now = world.now.replace(hour=23, minute=59, second=55)
    planning.plan(now=world.now)
    Message.objects.update(send_at=world.now)  # a backlog
    assert world.deliver().sent == 1
    world.later(seconds=5)
    assert world.deliver().sent == 0
    Mailbox.objects.update(gap_seconds=1)
    world.later(minutes=2)
    assert world.deliver().sent == 1


def test_business_time_goes_on_while_a_slow_server_takes_its_time(running):
    world = running(people=3, steps=1)
    world.smtp.behaviour = lambda recipient, message, stage: threading.Event().wait(0.2) or None
    world.now = world.now.replace(hour=23, minute=59, second=59)
    planning.plan(now=world.now)
    Message.objects.update(send_at=world.now)
    world.deliver()
    first, *_, last = Message.objects.order_by("handed_over_at").values_list("handed_over_at", flat=True)
    assert last - first > timedelta(seconds=0.4)
    assert last.date() > first.date()


def test_a_run_ends_by_itself_and_the_next_goes_on(running, monkeypatch):
    world = running(people=3, steps=1)
    monkeypatch.setattr(delivery, "RUN_SECONDS", 0.3)
    world.smtp.behaviour = lambda recipient, message, stage: threading.Event().wait(0.1) or None
    planning.plan(now=world.now)
    assert 0 < world.deliver().sent < 3
    for _ in range(3):
        world.later(seconds=5).deliver()
    assert len(world.smtp.received) == 3


def test_a_mark_that_grew_old_before_data_waits_like_a_temporary_refusal(running, monkeypatch):
    world = running(steps=1)
    monkeypatch.setattr(lanes, "MARK_SECONDS", 0)
    done = world.tick()
    message = Message.objects.get()
    assert (done.withheld, message.state, message.attempts) == (1, "planned", 1)
    assert message.send_at > world.now + timedelta(minutes=29)


def test_what_the_sender_lacks_pauses_the_campaign_and_ends_nobodys_way(running):
    world = running(people=2, steps=1)
    planning.plan(now=world.now)
    Program.objects.update(postal_address="")
    world.tick()
    world.campaign.refresh_from_db()
    assert (world.campaign.state, set(Enrollment.objects.values_list("state", flat=True))) == ("paused", {"active"})
    assert "postal_address" in world.campaign.state_reason
    Program.objects.update(postal_address="1 High Street")
    lifecycle.resume(campaign=world.campaign, by=None)
    world.tick()
    assert len(world.smtp.received) == 2


def test_a_nul_in_a_servers_words_does_not_keep_the_mailbox_from_pausing(running):
    world = running(steps=1)
    world.smtp.behaviour = at_rcpt("550 5.7.26 not\x00 authenticated")
    world.tick()
    assert Mailbox.objects.get().status == "paused"


def test_a_policy_refusal_of_one_person_pauses_the_mailbox_once_not_for_ever(running):
    world = running(people=2, steps=1)
    bad = world.prospects[0].email
    world.smtp.behaviour = lambda recipient, message, stage: (
        "550 5.7.1 rejected by policy" if stage is Stage.RCPT and recipient == bad else None
    )
    for _ in range(4):
        world.tick(hours=25)
        Mailbox.objects.get().resume()
    assert sorted(Message.objects.values_list("state", flat=True)) == ["refused", "sent"]
    assert Enrollment.objects.get(prospect=world.prospects[0]).stop_reason == "refused"


def test_a_mail_that_names_no_message_id_proves_nothing(sent):
    sent.smtp.behaviour = lambda recipient, message, stage: Manner.CLOSE if stage is Stage.DOT else None
    sent.tick(days=1)
    assert list(Message.objects.order_by("id").values_list("state", flat=True)) == ["sent", "uncertain"]
    sent.message.message_id = ""
    sent.answers(mails.reply(sent.message, sender=sent.person))
    sent.receive()
    assert list(Message.objects.order_by("id").values_list("state", flat=True)) == ["sent", "uncertain"]
    assert Enrollment.objects.get().state != "active"


def test_two_people_whose_programs_use_one_message_id_both_count(running):
    world = running(people=2)
    world.tick()
    for message in Message.objects.select_related("mailbox"):
        world.answers(mails.reply(message, sender=message.recipient, message_id="<constant@client.example>"))
    world.receive()
    assert Reply.objects.count() == 2


def test_one_person_whose_facts_make_no_sense_is_held_and_the_others_are_written_to(running):
    world = running(people=2, steps=1)
    Prospect.objects.filter(pk=world.prospects[0].pk).update(time_zone="Mars/Base")
    world.tick()
    assert [mail.recipient for mail in world.smtp.received] == [world.prospects[1].email]
    assert Decision.objects.get().rule == "undecidable"


def test_an_old_letter_in_a_full_mailbox_stops_nobody(sent):
    sent.message.message_id = ""
    raw = mails.reply(sent.message, sender=sent.person).replace(b"04 Mar 2026", b"04 Mar 2016")
    sent.answers(raw)
    sent.receive()
    assert Enrollment.objects.get().state == "active"


def test_a_verb_is_tried_again_after_a_deadlock_and_not_inside_a_transaction():
    calls = []

    @retried
    def verb():
        calls.append(1)
        if len(calls) < 3:
            raise OperationalError("deadlock detected")
        return "done"

    assert verb() == "done"
    calls.clear()
    with pytest.raises(OperationalError), transaction.atomic():
        verb()
    assert len(calls) == 1
