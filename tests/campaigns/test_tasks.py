"""The ticks, called as Celery calls them: safe twice, safe in parallel, and nothing is lost when one is."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from campaigns import lifecycle, tasks
from campaigns.models import Message, SendingControl
from integrations import tasks as integration_tasks
from outreach import schedule
from outreach.celery import app
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def launched(mailbox):
    now = timezone.now()  # as the ticks have it
    people = [factories.ProspectFactory() for _ in range(10)]
    campaign = factories.campaign(mailbox=mailbox)
    mailbox.verified_at = now
    mailbox.save(update_fields=["verified_at"])
    lifecycle.launch(campaign=campaign, now=now, by=None)
    return people


def test_every_tick_runs_under_an_argument_it_does_not_know_yet(launched):
    app.loader.import_default_modules()
    for job in schedule.BEAT.values():
        if job["task"] not in ("campaigns.tasks.deliver", "integrations.tasks.poll"):  # these two only wake others
            app.tasks[job["task"]](from_a_newer_release=True)


def test_twice_at_once_sends_once(launched, mailbox, smtp):
    def tick():
        try:
            tasks.plan()
            tasks.deliver_mailbox(mailbox.pk)
        finally:
            connection.close()

    workers = [threading.Thread(target=tick) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    tasks.deliver_mailbox(mailbox.pk)
    assert len(smtp.received) == 10
    assert len({mail.message_id for mail in smtp.received}) == 10
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}


def test_a_worker_with_a_wrong_clock_sends_nothing_and_tells(launched, mailbox, smtp):
    tasks.plan()
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        tasks.deliver_mailbox(mailbox.pk)
    assert smtp.received == []
    assert "ahead of the database's" in SendingControl.objects.get().held_note
    tasks.deliver_mailbox(mailbox.pk)
    assert len(smtp.received) == 10


def test_polling_marks_the_mailbox_as_read(mailbox):
    type(mailbox).objects.update(polled_at=None)
    integration_tasks.poll_mailbox(mailbox.pk)
    mailbox.refresh_from_db()
    assert mailbox.polled_at is not None


def test_the_heartbeat_is_written_with_the_databases_time(db):
    tasks.heartbeat()
    first = SendingControl.objects.get().ticked_at
    tasks.heartbeat()
    assert SendingControl.objects.get().ticked_at > first
