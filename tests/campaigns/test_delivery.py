"""From a launched campaign to the receiving server's log, and what happens when things go wrong in between."""

import threading
from datetime import time
from email import message_from_bytes, policy

import pytest
from django.db import connection, transaction

from campaigns import gate, planning, reconciling, stopping
from campaigns.models import Decision, Enrollment, Message, Step
from integrations.models import Mailbox
from outreach.demo.smtp_server import Manner, Stage
from prospects import editing
from prospects.models import Prospect, Site, Suppression


def at_rcpt(reply):
    return lambda recipient, message, stage: reply if stage is Stage.RCPT else None


def silence_after_the_dot(recipient, message, stage):
    return Manner.CLOSE if stage is Stage.DOT else None


pytestmark = pytest.mark.django_db(transaction=True)


def only_message():
    return Message.objects.select_related("enrollment", "prospect", "mailbox").get()


def test_sends_each_step_once_in_one_thread(running):
    world = running(people=2)
    for _ in range(6):
        world.tick(days=1)
    assert len(world.smtp.received) == 6
    mails = [message_from_bytes(mail.raw, policy=policy.default) for mail in world.smtp.received]
    mine = [mail for mail in mails if world.prospects[0].email in mail["To"]]
    assert len({mail["Message-ID"] for mail in mails}) == 6
    assert {mail["Subject"] for mail in mine} == {"Hello Person" + world.prospects[0].first_name[6:]}
    assert mine[2]["In-Reply-To"] == mine[1]["Message-ID"]
    assert mine[2]["References"].split() == [mine[0]["Message-ID"], mine[1]["Message-ID"]]
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"finished"}


def test_keeps_the_exact_text_and_the_reason_in_the_ledger(running):
    world = running()
    world.tick()
    message = only_message()
    wire = message_from_bytes(world.smtp.received[0].raw, policy=policy.default)
    assert wire.get_body(("plain",)).get_content().replace("\r\n", "\n").strip() == message.text.strip()
    assert wire["Subject"] == message.subject
    assert wire["Message-ID"] == message.message_id
    assert wire["List-Unsubscribe"].strip("<>") in message.text
    assert wire["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.why["rule"] == "due"
    assert (message.state, message.smtp_phase, message.smtp_code) == ("sent", "accepted", 250)


def test_follows_up_only_after_the_delay(running):
    world = running(delay=2, delay_unit="days")
    world.tick()
    world.tick(days=1)
    assert len(world.smtp.received) == 1
    world.tick(days=1)
    assert len(world.smtp.received) == 2


@pytest.mark.parametrize(
    "stop",
    [
        lambda message: stopping.unsubscribe(message=message, source="test", now=message.planned_at),
        lambda message: stopping.stop_person(prospect=message.prospect, reason="asked"),
        lambda message: stopping.suppress(kind="domain", value=message.recipient.split("@")[1], reason="manual"),
        lambda message: stopping.stop_enrollments(prospect=message.prospect, reason="replied"),
    ],
)
def test_sends_nothing_after_a_stop(running, stop):
    world = running()
    planning.plan(now=world.now)
    stop(only_message())
    for _ in range(4):
        world.tick(days=1)
    assert world.smtp.received == []
    message = only_message()
    assert message.state == "cancelled"
    assert message.cancel_reason.startswith("stopped:")
    assert message.enrollment.state == "stopped"


def test_marks_nothing_while_all_sending_is_stopped_and_goes_on_after(running, manager):
    world = running()
    planning.plan(now=world.now)
    stopping.stop_all(by=manager, reason="holiday")
    world.tick(minutes=1)
    assert world.smtp.received == []
    stopping.resume_all(by=manager)
    world.tick(minutes=1)
    assert len(world.smtp.received) == 1


def test_holds_follow_ups_of_a_mailbox_that_was_not_read(running):
    world = running()
    world.tick()
    Mailbox.objects.update(polled_at=None)
    world.later(days=2)
    planning.plan(now=world.now)
    world.deliver()
    assert len(world.smtp.received) == 1
    pk = Message.objects.get(state="planned").pk
    assert gate.refusals(message_ids=[pk]) == {pk: ["mailbox_blind"]}
    world.receive()
    world.deliver()
    assert len(world.smtp.received) == 2


def test_leaves_a_message_uncertain_when_the_server_falls_silent_after_the_dot(running):
    world = running()
    world.smtp.behaviour = silence_after_the_dot
    world.tick()
    assert only_message().state == "uncertain"
    world.smtp.behaviour = None
    for _ in range(5):
        world.tick(hours=12)
    assert len(world.smtp.received) == 1  # the server took it and never said so
    assert only_message().state == "uncertain"
    for _ in range(3):
        world.tick(days=1)
    assert reconciling.abandon_old(now=world.now) == 1
    assert only_message().state == "abandoned"
    assert only_message().enrollment.stop_reason == "uncertain"


def test_retries_a_temporary_refusal_on_the_same_row(running):
    world = running()
    world.smtp.behaviour = at_rcpt("451 4.7.1 Greylisted, come back later")
    world.tick()
    message = only_message()
    assert (message.state, message.attempts, message.smtp_code) == ("planned", 1, 451)
    assert Mailbox.objects.get().status == "active"
    world.smtp.behaviour = None
    world.tick(minutes=10)
    assert world.smtp.received == []
    world.tick(minutes=21)
    again = only_message()
    assert (again.state, again.message_id) == ("sent", message.message_id)


def test_suppresses_an_address_that_does_not_exist(running):
    world = running()
    world.smtp.behaviour = at_rcpt("550 5.1.1 no such user")
    world.tick()
    message = only_message()
    assert (message.state, message.enrollment.state, message.enrollment.stop_reason) == (
        "refused",
        "stopped",
        "bounced",
    )
    assert Suppression.objects.get().reason == "bounced"


def test_pauses_the_mailbox_and_keeps_the_person_when_policy_refuses(running):
    world = running(people=2)
    world.smtp.behaviour = lambda recipient, data, stage: (
        "550 5.7.26 not authenticated" if stage is Stage.RCPT else None
    )
    done = world.tick()
    assert done.refused == 1
    assert Mailbox.objects.get().status == "paused"
    assert set(Message.objects.values_list("state", flat=True)) == {"planned"}
    assert not Suppression.objects.exists()


def test_waits_when_the_server_is_away(running):
    world = running()
    Mailbox.objects.update(smtp_port=1)
    world.tick()
    assert only_message().state == "planned"
    Mailbox.objects.update(smtp_port=world.smtp.port)
    world.tick(minutes=1)
    assert world.smtp.received == []
    world.tick(minutes=5)
    assert len(world.smtp.received) == 1


def test_never_passes_the_daily_cap(running):
    world = running(people=5, steps=1)
    Mailbox.objects.update(daily_cap=2)
    for _ in range(5):
        world.tick(minutes=30)
    assert len(world.smtp.received) == 2
    world.tick(hours=10)
    world.tick(minutes=5)
    assert len(world.smtp.received) == 4


def test_keeps_the_gap_between_two_messages(running):
    world = running(people=3, steps=1)
    Mailbox.objects.update(gap_seconds=90)
    counts = []
    for _ in range(6):
        world.tick(seconds=60)
        counts.append(len(world.smtp.received))
    assert counts == [1, 1, 2, 2, 3, 3]


def test_gives_a_message_back_whose_window_has_closed(running):
    world = running(steps=1)
    Step.objects.update(window_start=time(9), window_end=time(17))
    planning.plan(now=world.now)
    world.later(hours=5, minutes=30)
    world.deliver()
    assert world.smtp.received == []
    assert only_message().send_at.hour == 9
    world.tick(hours=16)
    assert len(world.smtp.received) == 1


def test_cancels_what_can_not_be_written_and_says_why(running):
    world = running(steps=1, says={"text": "For {{ company }}. {{ postal_address }} {{ unsubscribe_url }}"})
    done = world.tick()
    message = only_message()
    assert (done.cancelled, message.state) == (1, "cancelled")
    assert "company" in message.cancel_reason
    assert message.enrollment.stop_reason == "cannot_compose"
    assert world.smtp.received == []


def test_writes_once_to_two_rows_that_came_to_have_one_address(running):
    world = running(people=2, steps=1)
    first, second = world.prospects
    Prospect.objects.filter(pk=second.pk).update(email=first.email)
    world.tick()
    assert len(world.smtp.received) == 1
    assert set(Enrollment.objects.values_list("state", "stop_reason")) == {
        ("finished", ""),
        ("stopped", "same_recipient"),
    }


def test_a_second_planner_leaves_at_once(now):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [planning.LOCK])
        answers = []

        def other():
            try:
                answers.append(planning.plan(now=now).ran)
            finally:
                connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
    assert answers == [False]


def test_plans_with_a_fixed_number_of_queries(running, django_assert_max_num_queries):
    world = running(people=30, steps=1)
    with django_assert_max_num_queries(
        23
    ):  # sweep, guard, addresses, lock, caps, set aside, candidates, facts, ledger, doubts, enrollments, decisions
        planned = planning.plan(now=world.now)
    assert planned.messages == 30


def test_stores_a_decision_once_while_nothing_changes(running):
    world = running()
    Prospect.objects.update(held_at=world.now, hold_reason="ask Ada first")
    for _ in range(3):
        world.tick(minutes=20)
    decision = Decision.objects.get()
    assert (decision.verdict, decision.rule, decision.values) == ("hold", "person_held", {"reason": "ask Ada first"})


def test_stops_for_a_stopped_site(running):
    world = running()
    Site.objects.update(stopped_at=world.now)
    world.tick()
    assert world.smtp.received == []
    assert Enrollment.objects.get().stop_reason == "site_stopped"


def test_never_writes_to_demo_people_from_a_real_mailbox(running):
    world = running()
    Prospect.objects.update(is_demo=True)
    Mailbox.objects.update(is_demo=False)
    world.tick()
    assert world.smtp.received == []
    assert Decision.objects.get().rule == "demo_person"


def test_keeps_up_with_an_address_that_changed_after_planning(running):
    world = running()
    planning.plan(now=world.now)
    person = world.prospects[0]
    old = person.email
    editing.change_prospect(prospect=person, by=None, email="new@elsewhere.example")
    stopping.suppress(kind="address", value=old, reason="manual")
    world.tick()
    assert world.smtp.received == []
