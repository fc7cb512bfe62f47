"""PostgreSQL away under workers and beats of Celery, and Celery's own troubles. Not collected by itself: it needs
servers that nobody else uses, which test_outages.py starts.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from campaigns import enrolling, tracking
from campaigns.models import Message
from outreach import schedule
from outreach.celery import app
from outreach.lib import signing
from prospects.models import Prospect, Suppression
from tests import factories
from tests.faults.outages import OPEN, PROJECT, pid, received, takes_sessions, up_again
from tests.faults.rig import MARKS, Rig, owned, slowly
from tests.racing import until

pytestmark = pytest.mark.django_db(transaction=True)

POLL = 60  # seconds


class Celery:
    """A worker and two beats on the test's database, as a deployment by hand may have them by mistake."""

    def __init__(self, log, module="outreach.worker_settings"):
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
        self.env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": module}
        self.env["SAFETY_DIR"] = str(settings.SAFETY_DIR)  # what the test before left there is of another database
        self.log = log
        self.beats, self.worker = [], None

    def launch(self):
        self.beats = [self.start_beat() for _ in range(2)]
        self.worker = self.start_worker()
        return self

    def start(self, *words):
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "outreach", *words, "--loglevel", "info"]
        with self.log.open("ab") as out:
            return subprocess.Popen(command, cwd=PROJECT, env=self.env, stdout=out, stderr=out)

    def start_beat(self):
        return self.start("beat", "-S", "django")

    def start_worker(self):
        bare = ["--without-gossip", "--without-mingle"]
        return self.start("worker", *bare, "-Q", "celery,mail", "--pool", "threads", "--concurrency", "8")

    def look_after(self):
        """Starts what has ended, as `manage.py run` does: now and then a broken connection to Redis ends a worker."""
        self.beats = [each if each.poll() is None else self.start_beat() for each in self.beats]
        self.worker = self.worker if self.worker.poll() is None else self.start_worker()

    def kill(self):
        for each in filter(None, (*self.beats, self.worker)):
            each.kill()
            each.wait()


@pytest.fixture
def celery(request, running, tmp_path):
    """A campaign in real time that one new person enters at a time; a parameter names other settings."""
    world = running(people=1, steps=1)
    world.now = timezone.now()
    world.rig = Rig(world)
    world.celery = Celery(tmp_path / "celery.txt", getattr(request, "param", "outreach.settings")).launch()
    yield world
    print(world.celery.log.read_text()[-5000:])
    world.celery.kill()


def somebody_new_gets_a_mail(world, *, seconds):
    """Enrolled now, by whoever works in the office; how long it takes is what the fault costs."""
    began, before = time.monotonic(), len(world.smtp.received)
    person = factories.ProspectFactory()
    enrolling.enroll_segment(campaign=world.campaign, now=timezone.now(), by=None)

    def has_got_it():
        world.celery.look_after()
        return person.email in {mail.recipient for mail in world.smtp.received[before:]}

    until(has_got_it, seconds=seconds)
    world.rig.check()
    print(f"a mail after {time.monotonic() - began:.1f} s")


class TestPostgresAway:
    AWAY = 8  # seconds: longer than every patience of theirs (a transaction is tried again for three)
    LEASE_AND_POLL = 90  # seconds: a worker that lost its database could not give its mailbox back

    def test_workers_come_back_by_themselves_and_no_opt_out_that_was_acknowledged_is_lost(self, celery, client):
        client.raise_request_exception = False
        somebody_new_gets_a_mail(celery, seconds=POLL)
        until(lambda: Message.objects.filter(state="sent").count() == 2)
        heard, asks_again = Message.objects.order_by("id")
        assert opts_out(client, heard).status_code == 200
        celery.smtp.behaviour = slowly(1)
        for _ in range(3):
            factories.ProspectFactory()
        enrolling.enroll_segment(campaign=celery.campaign, now=timezone.now(), by=None)
        received(celery, 3)
        with without_postgres():
            began = time.monotonic()
            while time.monotonic() - began < self.AWAY:
                answer = opts_out(client, asks_again)
                assert (answer.status_code, answer["Retry-After"]) == (503, "30"), answer
                assert "Please try again" in answer.content.decode()
                assert client.get("/ready").status_code == 503
                threading.Event().wait(1)
        celery.rig = Rig(celery)
        assert opts_out(client, asks_again).status_code == 200
        celery.rig.allowed = MARKS
        somebody_new_gets_a_mail(celery, seconds=self.LEASE_AND_POLL)
        until(lambda: not Message.objects.filter(state__in=OPEN).exists())
        celery.rig.check()
        got = [mail.recipient for mail in celery.smtp.received]
        doubtful = set(Message.objects.filter(state="uncertain").values_list("recipient", flat=True))
        assert len(set(got)) == len(got)
        assert set(Prospect.objects.values_list("email", flat=True)) == {*got, *doubtful}
        assert len(got) >= 5
        assert Suppression.objects.filter(reason="unsubscribed").count() == 2


def opts_out(client, message):
    """As a mail program does (RFC 8058)."""
    token = signing.make_token(tracking.UNSUBSCRIBE, message.public_id)
    return client.post(reverse("unsubscribe", args=[token]), {"List-Unsubscribe": "One-Click"})


@contextmanager
def without_postgres():
    """Nobody starts it again before the end."""
    supervisor, postgres = pid("supervisor"), pid("postgres")
    os.kill(supervisor, signal.SIGSTOP)
    os.kill(postgres, signal.SIGQUIT)
    until(lambda: not takes_sessions())
    try:
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)
        up_again()


def test_a_worker_that_is_asked_to_end_under_load_leaves_nothing_in_doubt(celery):
    """SIGTERM, as a deployment sends it: within half a minute it is gone, nothing is uncertain, no lease is left."""
    celery.smtp.behaviour = slowly(0.2)
    for _ in range(300):
        factories.ProspectFactory()
    enrolling.enroll_segment(campaign=celery.campaign, now=timezone.now(), by=None)
    until(lambda: len(celery.smtp.received) > 5, seconds=60)
    began = time.monotonic()
    celery.celery.worker.send_signal(signal.SIGTERM)
    celery.celery.worker.wait(60)
    took = time.monotonic() - began
    assert took < 30, took
    assert not owned()
    assert not Message.objects.filter(state__in=("sending", "uncertain")).exists()
    assert Message.objects.filter(state="planned").exists()  # it was under load
    celery.rig.check()
    celery.smtp.behaviour = None
    celery.celery.worker = celery.celery.start_worker()
    until(lambda: len(celery.smtp.received) == 301, seconds=60)
    celery.rig.check()


@pytest.mark.parametrize("celery", ["tests.faults.impatient"], indirect=True)
def test_a_task_that_outlasts_the_broker_s_patience_runs_again_and_has_its_effect_once(celery):
    celery.smtp.behaviour = slowly(1)
    for _ in range(12):
        factories.ProspectFactory()
    enrolling.enroll_segment(campaign=celery.campaign, now=timezone.now(), by=None)
    until(lambda: len(celery.smtp.received) == 13, seconds=60)
    given = Counter(re.findall(r"deliver_mailbox\[([0-9a-f-]+)\] received", celery.celery.log.read_text()))
    assert max(given.values()) > 1, given
    until(lambda: not Message.objects.filter(state__in=OPEN).exists())
    assert len({mail.recipient for mail in celery.smtp.received}) == len(celery.smtp.received) == 13
    celery.rig.check()


def test_a_beat_that_was_dead_for_six_hours_asks_for_each_tick_once(celery):
    """And not for all the ticks of those hours."""
    until(lambda: PeriodicTask.objects.filter(name__in=schedule.BEAT).count() == len(schedule.BEAT))
    celery.celery.kill()
    ticks = PeriodicTask.objects.filter(name__in=schedule.BEAT)
    assert ticks.update(last_run_at=timezone.now() - timedelta(hours=6)) == len(schedule.BEAT)
    with app.connection_for_read() as broker:
        broker.default_channel.client.delete("celery")
    began = time.monotonic()
    celery.celery.beats = [celery.celery.start_beat()]
    until(lambda: len(asked_for()) >= len(schedule.BEAT) - 1)
    threading.Event().wait(5)
    took, asked = time.monotonic() - began, asked_for()
    for job in schedule.BEAT.values():
        daily = job["schedule"] > timedelta(hours=6).total_seconds()
        assert (0 if daily else 1) <= asked[job["task"]] <= 2 + took / job["schedule"], asked


def asked_for():
    """By task: how often it waits at the broker."""
    with app.connection_for_read() as broker:
        waiting = broker.default_channel.client.lrange("outreach:celery", 0, -1)  # the one command without its prefix
    return Counter(json.loads(each)["headers"]["task"] for each in waiting)
