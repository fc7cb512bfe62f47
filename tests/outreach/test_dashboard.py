"""Today, through the browser's door."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns import counting, drafting, lifecycle, planning, stopping
from campaigns.forecast import foretelling
from campaigns.models import Campaign, Message, Reply, SendingControl
from outreach.lib.models import DatabaseClock
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now():
    """Today shows the present, so this world lives in it."""
    return timezone.now()


@pytest.fixture
def world(running):
    world = running(people=3, name="Spring partners")
    SendingControl.objects.create(pk=1, ticked_at=DatabaseClock())
    world.tick()
    planning.plan(now=world.later(seconds=5).now)
    counting.rebuild(now=world.now)
    return world


def text(client, route="today"):
    answer = client.get(reverse(route))
    assert answer.status_code == 200
    return answer.content.decode()


def test_invites_to_the_set_up_when_there_is_nothing(client_as):
    page = text(client_as("operator"))
    assert reverse("setup") in page
    assert "Answers waiting" not in page


def test_says_what_to_do_next_while_nothing_was_launched(client_as):
    draft = factories.campaign(name="Spring", steps=2)
    client = client_as("operator")
    for route in ("today", "today-live"):
        page = text(client, route)
        assert "Finish “Spring”" in page
        assert "2 steps written, not launched" in page
        assert reverse("campaign-edit", args=[draft.public_id]) in page
        assert "Connect a mailbox" in page
        assert "Last seven days" not in page
    step = drafting.add_step(campaign=draft, by=None)
    assert "2 of 3 steps written" in text(client)
    drafting.remove_step(step=step)
    assert "2 steps written" in text(client)


def test_asks_as_often_for_many_drafts_as_for_one(client_as):
    client = client_as("operator")
    counts = []
    for _ in range(3):
        factories.campaign(steps=2)
        with CaptureQueriesContext(connection) as queries:
            text(client)
        counts.append(len(queries))
    assert len(set(counts)) == 1


def test_says_the_day_in_one_line(world, client_as):
    assert "done " not in text(client_as("viewer"))  # which asks for a forecast
    foretelling.make_asked(now=timezone.now())
    page = text(client_as("viewer"))
    assert "Sending on" in page
    assert "Nothing is broken." in page
    assert "3 sent today" in page
    assert "Spring partners" in page
    assert "done " in page


def test_tells_where_the_next_mail_goes(world, client_as):
    message = Message.objects.filter(state="planned").order_by("send_at", "id").first()
    type(message.prospect).objects.filter(pk=message.prospect_id).update(time_zone="America/New_York")
    assert "to New York" in text(client_as("viewer"), "today-live")


def test_says_when_sending_is_stopped_and_offers_the_cure_to_who_may(world, client_as, manager):
    stopping.stop_all(reason="wrong price", by=manager)
    page = text(client_as("manager"), "today-live")
    assert "Sending is stopped" in page
    assert "wrong price" in page
    assert reverse("sending-resume") in page
    assert text(client_as("manager"), "today-live").count("stopped") == 2  # the head line and "Goes out next"
    assert "next" not in page.partition("Needs you now")[0]
    assert reverse("sending-resume") not in text(client_as("operator"), "today-live")


def test_says_the_stop_in_one_sentence_and_who_may_lift_it(world, client_as, manager):
    stopping.stop_all(reason="Falscher Text?", by=manager)
    assert "Falscher Text? Nothing leaves until a manager resumes it." in text(client_as("operator"))
    assert "Falscher Text? Nothing leaves until somebody resumes it." in text(client_as("manager"))


def test_shows_answers_with_a_button_that_marks_them_read(world, client_as):
    message = Message.objects.select_related("mailbox").filter(state="sent").first()
    world.answers(mails.reply(message, sender=message.recipient, text="Yes <b>please</b>, tell me more."))
    world.receive()
    reply = Reply.objects.get()
    page = text(client_as("operator"))
    beside = text(client_as("operator"), "today-live").partition('id="unread" hx-swap-oob')[2]
    assert '<span class="count">1<' in beside  # the number in the bar follows the list
    assert "Yes &lt;b&gt;please&lt;/b&gt;" in page
    assert reverse("reply-read", args=[reply.public_id]) in page
    assert reverse("reply-read", args=[reply.public_id]) not in text(client_as("viewer"))
    client_as("operator").post(reverse("reply-read", args=[reply.public_id]), {"next": "/"})
    assert "No answer waits for you." in text(client_as("viewer"))


def test_answers_a_part_that_stays_the_same_while_nothing_changes(world, client_as):
    client = client_as("operator")
    first = text(client, "today-live")
    assert first == text(client, "today-live")
    assert "csrfmiddlewaretoken" not in first


@pytest.mark.parametrize("route", ["today", "today-live"])
def test_costs_the_same_for_one_row_as_for_many(world, client_as, route, django_assert_num_queries):
    client = client_as("manager")
    text(client, route)
    with CaptureQueriesContext(connection) as few:
        text(client, route)
    for number in range(3):
        factories.ProspectFactory()
        box = factories.MailboxFactory(verified_at=world.now)
        lifecycle.launch(campaign=factories.campaign(mailbox=box, steps=2), now=world.now, by=None)
        if number:
            type(box).objects.filter(pk=box.pk).update(status="paused")
    for message in Message.objects.filter(state="sent").select_related("mailbox"):
        world.answers(mails.reply(message, sender=message.recipient))
    world.tick(minutes=1)
    counting.rebuild(now=world.now)
    assert Campaign.objects.count() == 4
    with django_assert_num_queries(len(few)):
        text(client, route)
