"""Messages we are not sure about, settled by a person."""

import pytest

from campaigns.models import Enrollment, Message
from outreach.demo.smtp_server import Manner, Stage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unsure(running):
    world = running()
    world.smtp.behaviour = lambda recipient, message, stage: Manner.CLOSE if stage is Stage.DOT else None
    world.tick()
    world.smtp.behaviour = None
    assert Message.objects.get().state == "uncertain"
    return world


def settle(client, action):
    chosen = {"action": action, "_selected_action": [Message.objects.get().pk]}
    return client.post("/admin/campaigns/message/", chosen, follow=True, format="multipart")


def test_a_manager_says_it_was_sent_and_the_sequence_goes_on(unsure, client_as):
    assert b"1 settled" in settle(client_as("manager"), "was_sent").content
    message = Message.objects.get()
    assert (message.state, message.why["note"]) == ("sent", "in the back office")
    unsure.tick(days=1)
    unsure.tick(days=1)
    assert len({mail.message_id for mail in unsure.smtp.received}) == 3
    assert len(unsure.smtp.received) == 3


def test_a_manager_says_it_was_not_sent_and_it_ends_without_a_second_try(unsure, client_as):
    settle(client_as("manager"), "was_not_sent")
    assert Message.objects.get().state == "abandoned"
    assert Enrollment.objects.get().stop_reason == "uncertain"
    unsure.tick(days=2)
    assert len(unsure.smtp.received) == 1


def test_what_is_not_uncertain_stays_as_it_is(running, client_as):
    world = running()
    world.tick()
    assert b"1 not uncertain" in settle(client_as("manager"), "was_not_sent").content
    assert Message.objects.get().state == "sent"


def test_a_viewer_settles_nothing(unsure, client_as):
    settle(client_as("viewer"), "was_sent")
    assert Message.objects.get().state == "uncertain"
