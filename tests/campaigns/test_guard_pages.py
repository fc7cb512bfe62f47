"""What people see and do when a guard holds sending, or when mails are late: pages, API and command."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from campaigns import guards, outside, planning, sending_state
from campaigns.models import Message, SendingControl

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def late(running):
    """Mails that were due while nothing was sent."""
    world = running(people=3, steps=1)
    world.now = timezone.now()
    planning.plan(now=world.now)
    Message.objects.update(send_at=world.now - timedelta(hours=7))
    world.deliver()
    return world


@pytest.fixture
def put_back(running):
    """A database whose file knows of more ticks."""
    world = running(people=2, steps=1)
    world.now = timezone.now()
    guards.beat(now=world.now)
    planning.plan(now=world.now)
    Message.objects.update(send_at=world.now)
    guards.beat(now=world.now)
    SendingControl.objects.update(beats=1)
    assert guards.look()
    return world


def text(client, route):
    return client.get(reverse(route)).content.decode()


def test_today_says_what_is_late_and_releases_it_with_one_click(late, client_as):
    assert late.smtp.received == []
    page = text(client_as("operator"), "today")
    assert "3 mails were due while nothing was sent." in page
    assert f'formaction="{reverse("sending-release")}"' in page
    assert reverse("sending-release") not in text(client_as("viewer"), "today")
    answer = client_as("operator").post(reverse("sending-release"), {"next": "/"}, follow=True, format="multipart")
    assert "3 mails have a new place" in answer.content.decode()
    assert "while nothing was sent" not in answer.content.decode()
    for _ in range(2):
        late.tick(seconds=5)
    assert len(late.smtp.received) == 3


def test_every_page_says_that_sending_is_held_and_who_may_settle_it(put_back, client_as):
    for route in ("today", "inbox", "campaigns", "settings"):
        page = text(client_as("operator"), route)
        assert "All sending is held." in page
        assert "put back from a backup" in page
        assert reverse("sending-settle") not in page
    assert reverse("sending-settle") in text(client_as("manager"), "inbox")
    assert "Sending is on" not in text(client_as("manager"), "today")


def settle(client, restored):
    return client.post(reverse("sending-settle"), {"restored": restored}, follow=True, format="multipart")


def test_a_manager_confirms_and_sees_what_is_uncertain(put_back, client_as):
    manager = client_as("manager")
    page = text(manager, "sending-settle")
    assert "It was put back, go on" in page
    assert "Nothing was put back" not in page
    assert "it was put back" in settle(manager, "no").content.decode()
    assert sending_state.is_held()
    done = settle(manager, "yes").content.decode()
    assert "2 mails may have been sent meanwhile" in done
    assert Message.objects.filter(state="uncertain").count() == 2
    assert "Sending is on" in text(manager, "today")
    assert "Nothing holds sending" in text(manager, "sending-settle")
    put_back.tick()
    assert put_back.smtp.received == []


def test_asks_what_only_a_person_can_know(put_back, client_as):
    SendingControl.objects.update(held_because="unknown")
    assert "Nothing was put back" in text(client_as("manager"), "sending-settle")
    settle(client_as("manager"), "no")
    assert not sending_state.is_held()
    assert set(Message.objects.values_list("state", flat=True)) == {"planned"}


def test_says_what_is_wrong_with_the_clock(running, client_as):
    running()
    guards.beat(now=timezone.now())
    guards.beat(now=timezone.now() + timedelta(hours=5))
    assert "5 hours ahead of the database&#x27;s" in text(client_as("viewer"), "today")
    assert "The clock is right" in text(client_as("manager"), "sending-settle")


def test_programs_read_and_settle(put_back, client_as):
    api = client_as("manager")
    said = api.get("/api/v1/sending/").json()
    assert (said["held_because"], said["stopped"]) == ("restored", False)
    assert api.post("/api/v1/sending/settle/", {}).status_code == 400
    refused = api.post("/api/v1/sending/settle/", {"restored": False})
    assert (refused.status_code, refused.json()["title"]) == (409, "The database was put back")
    assert api.post("/api/v1/sending/settle/", {"restored": True}).json() == {"uncertain": 2, "noes": 0, "done": True}
    assert api.get("/api/v1/sending/").json()["held_at"] is None


def test_programs_release_what_is_late(late, client_as):
    api = client_as("operator")
    assert api.get("/api/v1/sending/").json()["overdue"] == 3
    assert api.post("/api/v1/sending/release/").json() == {"released": 3, "done": True}
    assert api.get("/api/v1/sending/").json()["overdue"] == 0


def test_a_command_does_it_without_a_page(put_back, capsys):
    with pytest.raises(CommandError, match="it was put back"):
        call_command("settle_sending", "--not-restored")
    call_command("settle_sending", "--restored")
    assert "Uncertain now: 2" in capsys.readouterr().out
    assert not sending_state.is_held()


def test_says_on_today_that_opt_outs_lack_outside(running, client_as):
    running()
    SendingControl.objects.update_or_create(pk=1, defaults={"journal_failed_at": timezone.now()})
    assert "Opt-outs are only in the database" in text(client_as("viewer"), "today")


def test_a_disk_that_fails_does_not_stop_the_heartbeat(running, safety):
    running()
    safety.mkdir(parents=True, exist_ok=True)
    (safety / "heartbeat.json").mkdir()  # can be neither read nor replaced
    for beats in (1, 2):
        guards.beat(now=timezone.now())
        assert SendingControl.objects.get().beats == beats
    assert outside.read() is None
    assert not guards.look()
