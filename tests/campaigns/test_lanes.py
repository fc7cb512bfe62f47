"""A relay: several connections at once, ten messages marked ahead, and the same promises as one at a time."""

import threading
from collections import Counter
from email import message_from_bytes

import pytest
from django.db import connection

from campaigns import ledger, pacing, planning, stopping
from campaigns.ledger import Ended
from campaigns.models import Enrollment, Message
from campaigns.pacing import Pace
from integrations import leases
from integrations.models import Mailbox
from integrations.ports import Outcome, Phase, Verdict
from outreach.demo.smtp_server import Manner, Stage
from prospects import suppression
from tests.racing import meanwhile
from tests.saying import said

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 45
RELAY = Pace(connections=4, ahead=10)
TAKEN = Outcome(Verdict.ACCEPTED, Phase.ACCEPTED, code=250)


@pytest.fixture
def relay(running):
    """A launched campaign of one step whose mailbox is a relay, planned."""

    def launch(people=PEOPLE, **facts):
        world = running(people=people, steps=1)
        Mailbox.objects.update(gap_seconds=0, daily_cap=1_000, connections=4, **facts)
        planning.plan(now=world.now)
        world.later(seconds=1)
        return world

    return launch


def states():
    return Counter(Message.objects.values_list("state", flat=True))


def behave(world, stage, *, after):
    """The server answers as usual so often; then it says what is given back."""
    count, lock = Counter(), threading.Lock()

    def decide(recipient, message, at):
        with lock:
            count[at] += at is stage
            return after if at is stage and count[at] > count["usual"] else None

    world.smtp.behaviour = decide
    return count


def test_a_relay_sends_each_message_once_and_everybody_goes_on(relay):
    world = relay()
    done = world.deliver()
    assert done.sent == len(world.smtp.received) == PEOPLE
    assert states() == {"sent": PEOPLE}
    assert {mail.recipient for mail in world.smtp.received} == {person.email for person in world.prospects}
    assert set(Enrollment.objects.values_list("state", "steps_handed_over")) == {("finished", 1)}
    assert set(Message.objects.values_list("attempts", "smtp_code", "smtp_phase")) == {(1, 250, "accepted")}


def test_a_relay_keeps_the_words_it_said(relay):
    world = relay(people=12)
    world.deliver()
    for mail in world.smtp.received:
        wire = message_from_bytes(mail.raw)
        kept = Message.objects.get(message_id=wire["Message-ID"])
        assert (kept.recipient, kept.subject) == (mail.recipient, wire["Subject"])


def test_a_relay_takes_more_connections_the_longer_its_server_takes():
    assert pacing.wanted(waited=0.010, worked=0.0005, most=64) == 21
    assert pacing.wanted(waited=0, worked=0.0005, most=64) == 1
    assert pacing.wanted(waited=1.0, worked=0.0005, most=8) == 8


def test_a_relay_talks_over_several_connections_at_once(relay):
    world = relay()
    count, lock = Counter(), threading.Lock()

    def greeted(recipient, message, stage):
        with lock:
            count[stage] += 1
        return

    world.smtp.behaviour = greeted
    assert world.deliver(pace=RELAY).sent == PEOPLE
    assert 2 <= count[Stage.CONNECT] <= 4


def test_a_relay_never_exceeds_its_cap(relay):
    world = relay()
    Mailbox.objects.update(daily_cap=17)
    assert world.deliver(pace=Pace(connections=4, ahead=1)).sent == 17
    assert world.deliver(pace=RELAY).sent == 0
    assert len(world.smtp.received) == 17


def test_what_was_marked_and_not_begun_is_sent_later_when_the_server_goes_away(relay):
    world = relay()
    count = behave(world, Stage.MAIL, after="421 4.3.2 closing down")
    count["usual"] = 13
    world.deliver(pace=Pace(connections=1, ahead=10))
    left = PEOPLE - 13
    assert len(world.smtp.received) == 13
    assert states() == {"sent": 13, "planned": left}
    world.smtp.behaviour = None
    for _ in range(12):
        world.later(minutes=31).deliver()
    assert states() == {"sent": PEOPLE}
    assert max(Counter(mail.message_id for mail in world.smtp.received).values()) == 1


def test_one_lost_reply_leaves_one_message_in_doubt_and_the_others_go_on(relay):
    world = relay()
    first = world.prospects[4].email

    def silent_once(recipient, message, stage):
        return Manner.CLOSE if stage is Stage.DOT and recipient == first else None

    world.smtp.behaviour = silent_once
    done = world.deliver(pace=RELAY)
    assert (done.sent, done.uncertain) == (PEOPLE - 1, 1)
    assert states() == {"sent": PEOPLE - 1, "uncertain": 1}
    assert len(world.smtp.received) == PEOPLE


def test_refused_credentials_pause_a_relay_and_lose_nothing(relay):
    world = relay()
    world.smtp.behaviour = lambda recipient, message, stage: "535 5.7.8 no" if stage is Stage.MAIL else None
    world.deliver(pace=RELAY)
    assert Mailbox.objects.get().status == "paused"
    assert states() == {"planned": PEOPLE}
    assert world.smtp.received == []


def test_a_stop_that_was_committed_before_the_mark_is_seen_whatever_the_mark_waited_for(relay):
    """The end of the message before waits for a row; what is committed meanwhile counts for the next mark."""
    world = relay(people=2)
    token = leases.take(mailbox_id=world.mailbox.pk, owner="a")
    before, after = ledger.claim(mailbox_id=world.mailbox.pk, token=token, now=world.now, limit=2)
    ledger.mark(said=[said(before, now=world.now)], token=token, now=world.now)
    theirs = Message.objects.get(pk=before).enrollment_id
    ended = [Ended(before, TAKEN, "", None, None)]

    def stop():
        """A fact alone, without the verb that cancels: the gate has to see it."""
        list(Enrollment.objects.select_for_update().filter(pk=theirs))
        suppression.suppress(kind="address", value=Message.objects.get(pk=after).recipient, reason="imported")

    begun = meanwhile(
        lambda: ledger.mark(said=[said(after, now=world.now)], token=token, now=world.now, ended=ended), under_way=stop
    )
    assert begun == set()
    assert Message.objects.get(pk=before).state == "sent"
    assert Message.objects.get(pk=after).state == "planned"


def test_a_stop_in_the_middle_of_a_run_is_passed_by_what_is_marked_alone(relay, manager):
    world = relay()
    stopped = threading.Event()

    def stop_at_the_first(recipient, message, stage):
        """The first message is being handed over while all sending is stopped."""
        if stage is Stage.DOT and not stopped.is_set():
            stopped.set()
            stopping_it = threading.Thread(target=stop)
            stopping_it.start()
            stopping_it.join(20)
        return

    def stop():
        try:
            stopping.stop_all(by=manager, reason="a trial")
        finally:
            connection.close()

    world.smtp.behaviour = stop_at_the_first
    done = world.deliver(pace=Pace(connections=1, ahead=10))
    assert (done.sent, len(world.smtp.received)) == (10, 10)
    assert states() == {"sent": 10, "planned": PEOPLE - 10}
    stopping.resume_all(by=manager)
    assert world.deliver(pace=RELAY).sent == PEOPLE - 10


def test_a_mailbox_with_a_gap_sends_one_at_a_time_however_many_connections_it_may_take():
    assert pacing.of(Mailbox(gap_seconds=60, connections=8)) == Pace(1, 1)
    assert pacing.of(Mailbox(gap_seconds=0, connections=1)) == Pace(1, 1)
    assert pacing.of(Mailbox(gap_seconds=0, connections=8)) == Pace(8, pacing.AHEAD)
