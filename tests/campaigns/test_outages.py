"""A server that takes no mail: asked ever more rarely, told where people look, and gone on with by itself."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import needs, obstacles, planning, situation
from campaigns.models import Message
from integrations import editing, health, outages, sending
from integrations.models import Mailbox
from outreach.demo.smtp_server import Stage
from outreach.lib.models import DatabaseClock
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


class Tries:
    """A server that refuses at one stage, and counts how often it was asked."""

    def __init__(self, stage, reply):
        self.stage, self.reply, self.count = stage, reply, 0

    def __call__(self, recipient, message, stage):
        if stage is not self.stage:
            return None
        self.count += 1
        return self.reply


def at_connect(world):
    world.smtp.behaviour = Tries(Stage.CONNECT, "554 No SMTP service here")
    return "554 No SMTP service here"


def at_login(world):
    world.smtp.users = {"ada": "secret"}
    Mailbox.objects.update(smtp_username="ada", smtp_password="secret")
    world.smtp.behaviour = Tries(Stage.AUTH, "454 4.7.0 Temporary authentication failure")
    return "454 4.7.0 Temporary authentication failure"


def without_tls(world):
    Mailbox.objects.update(smtp_security="starttls")
    return "does not offer STARTTLS"


def broken_tls(world):
    Mailbox.objects.update(smtp_security="tls")
    return "TLS with 127.0.0.1 failed"


def without_name(world):
    Mailbox.objects.update(smtp_host="mail.gone.invalid")
    return "No connection to mail.gone.invalid"


def port_refuses(world):
    Mailbox.objects.update(smtp_port=1)
    return "Connection refused"


def box():
    return Mailbox.objects.get()


def told():
    """What Today says of mailboxes; they are read all along."""
    Mailbox.objects.update(polled_at=DatabaseClock())
    found = needs.of(seen=situation.look(), now=timezone.now())
    return [need for need in found if need.route == "mailbox"]


@pytest.mark.parametrize("breaks", [at_connect, at_login, without_tls, broken_tls, without_name, port_refuses])
def test_tells_where_people_look_in_the_servers_words_and_goes_on_by_itself(
    running, client, manager, client_as, breaks
):
    world = running(people=2, steps=1)
    fine = Mailbox.objects.values("smtp_host", "smtp_port", "smtp_security", "smtp_username", "smtp_password").get()
    planning.plan(now=world.now)
    words = breaks(world)
    assert told() == []
    for _ in range(20):  # three tries within half an hour
        world.later(minutes=2).deliver()
    (need,) = told()
    assert words in need.text
    assert (need.id, need.tone) == (box().public_id, "bad")
    assert "Check it now" in need.hint
    client.force_login(manager)
    page = client.get(reverse("mailbox", args=[box().public_id])).content.decode()
    assert words in page
    assert "Can&#x27;t send" in page
    shown = client_as("viewer").get(f"/api/v1/mailboxes/{box().public_id}/").json()
    assert words in shown["send_error"]
    assert shown["send_failures"] >= 3
    assert words in obstacles.holding(situation.look())[0].why
    assert box().status == "active"

    world.smtp.behaviour = world.smtp.users = None
    Mailbox.objects.update(**fine)
    for _ in range(31):
        world.later(minutes=2).deliver()
    assert len(world.smtp.received) == 2
    assert told() == []
    assert (box().send_failures, box().send_error, box().send_again_at) == (0, "", None)
    assert set(Message.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_asks_ever_more_rarely_up_to_once_an_hour_also_for_what_falls_due_meanwhile(running):
    world = running(people=20, steps=1)
    Mailbox.objects.update(gap_seconds=90)
    planning.plan(now=world.now)
    at_connect(world)
    tries, counted = [], world.smtp.behaviour
    for minute in range(6 * 60):
        before = counted.count
        world.later(minutes=1).deliver()
        if counted.count > before:
            tries.append(minute)
    waits = [after - before - 1 for before, after in pairwise(tries)]  # the tick after the wait
    assert waits == [5, 10, 20, 40, 60, 60, 60, 60]


def test_several_connections_that_fail_are_one_failure(running):
    world = running(people=30, steps=1)
    Mailbox.objects.update(connections=8, daily_cap=1000)
    planning.plan(now=world.now)
    at_connect(world)
    world.later(minutes=1).deliver()
    assert box().send_failures == 1


def test_once_it_was_put_right_a_check_lets_its_mails_go_at_once(running):
    world = running(people=1, steps=1)
    planning.plan(now=world.now)
    at_connect(world)
    for _ in range(3 * 20):
        world.later(minutes=3).deliver()
    assert outages.rests(mailbox=box(), now=world.now)
    failures = box().send_failures
    assert sending.check(mailbox=box(), now=world.now)
    assert (box().send_failures, outages.is_lasting(mailbox=box())) == (failures, True)
    world.smtp.behaviour = None
    assert sending.check(mailbox=box(), now=world.now) == []
    assert world.deliver().sent == 1


@pytest.mark.parametrize("mends", ["edit", "resume"])
def test_who_mends_a_mailbox_need_not_wait(running, mends):
    world = running(people=1, steps=1)
    planning.plan(now=world.now)
    port = box().smtp_port
    port_refuses(world)
    world.later(minutes=1).deliver()
    assert box().send_failures == 1
    if mends == "edit":
        editing.change_mailbox(mailbox=box(), smtp_port=port)
    else:
        Mailbox.objects.update(smtp_port=port)
        box().pause(reason="let me see")
        box().resume()
    assert world.deliver().sent == 1


def test_a_server_that_is_restarted_is_a_remark_and_no_alarm(running):
    world = running(people=1, steps=1)
    planning.plan(now=world.now)
    at_connect(world)
    world.later(minutes=1).deliver()
    assert told() == []
    found = health.of(mailbox=box(), now=timezone.now())
    assert (found.tone, found.word) == ("warn", "Tried again")


def test_a_service_that_is_away_is_told_as_well(running, settings):
    world = running(people=1, steps=1)
    settings.SERVICE_URLS = {"resend": "http://127.0.0.1:1/"}
    Mailbox.objects.update(service="resend", service_key="re_key")
    planning.plan(now=world.now)
    for _ in range(24 * 6):
        world.later(minutes=10).deliver()
    assert "nothing answers there" in told()[0].text


def test_waits_never_longer_than_an_hour(now):
    assert [outages.wait(failures=count) for count in (1, 2, 3, 4, 5, 9_999)] == [
        *(each * MINUTE for each in (5, 10, 20, 40, 60, 60))
    ]
    assert not outages.rests(mailbox=factories.MailboxFactory.build(), now=now)
