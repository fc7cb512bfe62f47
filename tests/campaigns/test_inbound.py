"""What comes back: stored once, told apart, with the right consequence."""

from itertools import permutations

import pytest

from campaigns import inbound, planning
from campaigns.models import Enrollment, Event, Message, Reply
from integrations import polling
from integrations.models import InboundEvent, Mailbox
from outreach.demo.smtp_server import Manner, Stage
from prospects.models import Suppression
from tests import factories
from tests.campaigns import mails


def silence_after_the_dot(recipient, message, stage):
    return Manner.CLOSE if stage is Stage.DOT else None


QUOTING = "Yes, tell me more!\n\nOn Wed, 4 Mar 2026 at 12:00, Ada Sender <ada@outreach.example> wrote:\n> Hello\n"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(running):
    """A campaign whose first step is out."""
    world = running()
    world.tick()
    world.message = Message.objects.select_related("mailbox").get()
    world.person = world.message.recipient
    return world


def test_a_persons_answer_stops_the_sequence_and_is_kept_in_their_words(sent):
    sent.answers(mails.reply(sent.message, sender=sent.person, text=QUOTING))
    sent.tick(days=1)
    reply = Reply.objects.get()
    assert reply.text.strip() == "Yes, tell me more!"
    assert (reply.message, reply.reply_class) == (sent.message, "positive")
    assert Enrollment.objects.get().stop_reason == "positive_reply"
    for _ in range(3):
        sent.tick(days=1)
    assert len(sent.smtp.received) == 1
    assert not Suppression.objects.exists()


def test_an_out_of_office_does_not_stop_it(sent):
    sent.answers(mails.out_of_office(sent.message, sender=sent.person))
    sent.tick(days=1)
    event = Event.objects.get()
    assert (event.kind, event.detail["return_date"]) == ("auto_replied", "2026-03-20")
    assert len(sent.smtp.received) == 2


@pytest.mark.parametrize(
    "text", ["Please take me off your list.", "unsubscribe", "Bitte nehmen Sie mich aus dem Verteiler."]
)
def test_a_request_to_be_left_alone_suppresses(sent, text):
    sent.answers(mails.reply(sent.message, sender=sent.person, text=text))
    sent.tick(days=1)
    assert Suppression.objects.get().reason == "unsubscribed"
    assert Enrollment.objects.get().state == "stopped"
    assert len(sent.smtp.received) == 1


def test_a_hard_bounce_suppresses_and_a_second_report_changes_nothing(sent):
    for message_id in (sent.message.message_id, sent.message.message_id):
        sent.answers(mails.bounce(message_id, recipient=sent.person))
    sent.tick(days=1)
    assert Event.objects.get().kind == "bounced"
    assert Message.objects.get().outcome == "bounced"
    assert Suppression.objects.get().reason == "bounced"
    assert len(sent.smtp.received) == 1


@pytest.mark.parametrize(("status", "action"), [("4.2.2", "failed"), ("4.4.1", "delayed"), ("2.0.0", "delivered")])
def test_a_report_that_is_not_final_never_suppresses(sent, status, action):
    sent.answers(
        mails.bounce(sent.message.message_id, recipient=sent.person, status=status, action=action, code="later")
    )
    sent.tick(days=1)
    assert not Suppression.objects.exists()
    assert Enrollment.objects.get().state == "active"


def test_a_forged_bounce_has_no_effect(sent):
    sent.answers(mails.bounce("<made-up@outreach.example>", recipient=sent.person))
    sent.tick(days=1)
    assert not Suppression.objects.exists()
    assert not Event.objects.exists()
    assert InboundEvent.objects.get().applied_at is not None


def test_the_answer_of_another_program_that_quotes_nothing_still_stops(sent):
    sent.message.message_id = ""
    sent.answers(mails.reply(sent.message, sender=sent.person, subject="About your offer"))
    sent.tick(days=1)
    assert Enrollment.objects.get().stop_reason == "positive_reply"


def test_an_answer_settles_what_was_uncertain(running):
    world = running()
    world.smtp.behaviour = silence_after_the_dot
    world.tick()
    message = Message.objects.select_related("mailbox").get()
    assert message.state == "uncertain"
    world.smtp.behaviour = None
    world.answers(mails.out_of_office(message, sender=message.recipient))
    world.tick(hours=1)
    assert Message.objects.get(pk=message.pk).state == "sent"
    world.tick(days=1)
    assert len(world.smtp.received) == 2  # the second step: the first was never repeated
    assert len({mail.message_id for mail in world.smtp.received}) == 2
    assert Message.objects.count() == 2


def test_stores_a_mail_once_however_often_it_polls(sent):
    sent.answers(mails.reply(sent.message, sender=sent.person))
    for _ in range(3):
        polling.poll(mailbox=sent.mailbox)
    assert InboundEvent.objects.count() == 1


def test_counts_the_same_answer_in_two_mailboxes_once(sent):
    other = factories.mailbox_on(sent.smtp, sent.imap)
    raw = mails.reply(sent.message, sender=sent.person)
    sent.answers(raw)
    sent.imap.deliver(other.imap_username, raw)
    polling.poll(mailbox=other)
    sent.tick(days=1)
    assert InboundEvent.objects.count() == 2
    assert Reply.objects.count() == 1


def test_parks_what_it_can_not_apply_and_goes_on(sent, monkeypatch):
    sent.answers(b"\x00\xff garbage \r\n\r\n" + b"\x00" * 100)
    sent.answers(mails.reply(sent.message, sender=sent.person))
    sent.tick(days=1)
    assert InboundEvent.objects.filter(applied_at=None).count() == 0
    assert Reply.objects.count() == 1


def test_holds_follow_ups_while_answers_wait_to_be_applied(sent):
    sent.answers(mails.reply(sent.message, sender=sent.person))
    polling.poll(mailbox=sent.mailbox)
    InboundEvent.objects.update(stored_at="2020-01-01T00:00Z")
    sent.later(days=1)
    planning.plan(now=sent.now)
    sent.deliver()
    assert len(sent.smtp.received) == 1
    assert inbound.apply_waiting(now=sent.now) == 1
    assert Message.objects.filter(state="cancelled").count() == 1


def test_keeps_a_failed_login_in_words_and_does_not_count_it_as_a_poll(sent):
    Mailbox.objects.update(polled_at=None, imap_port=1)
    polling.poll(mailbox=sent.mailbox)
    mailbox = Mailbox.objects.get()
    assert mailbox.polled_at is None
    assert mailbox.poll_error


def test_the_outcome_is_the_same_in_whatever_order_reports_come(sent):
    results = set()
    outcomes = [
        Message.Outcome.DELIVERED,
        Message.Outcome.BOUNCED,
        Message.Outcome.BOUNCED_SOFT,
        Message.Outcome.COMPLAINED,
    ]
    for order in permutations(outcomes):
        Message.objects.update(outcome="")
        for outcome in order:
            inbound.raise_outcome(sent.message, outcome)
        results.add(Message.objects.get().outcome)
    assert results == {"complained"}
