"""PostgreSQL and Redis killed, hung, emptied and full under a sending worker. Not collected by itself: it needs servers
that nobody else uses, which test_outages.py starts.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from campaigns import enrolling, planning, tracking
from campaigns.models import Enrollment, Message
from outreach import embedded
from outreach.embedded import folder as folders
from outreach.embedded import servers
from outreach.lib import signing
from prospects.models import Suppression
from tests import factories
from tests.faults import workers
from tests.faults.rig import MARKS, Rig, bury, owned, slowly
from tests.racing import until

pytestmark = pytest.mark.django_db(transaction=True)

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ["DATA_DIR"])
OPEN = ("planned", "sending")


@pytest.fixture
def sending(running):
    """A campaign of which a child hands over one mail after the other, a little slowly."""

    def launch(people):
        world = running(people=people, steps=1)
        world.smtp.behaviour = slowly(0.01)
        planning.plan(now=world.now)
        world.rig = Rig(world)
        return world

    return launch


def child(world, lease_seconds=2):
    return workers.start(workers.deliver_all, now=world.now, lease_seconds=lease_seconds)


def received(world, at_least):
    until(lambda: len(world.smtp.received) >= at_least)


def pid(name):
    return embedded.pids(FOLDER)[name]


def up_again():
    until(lambda: servers.all_up(folders.at(FOLDER)))
    connection.close()


def goes_on_to_the_end(world, *, uncertain):
    """Whatever became of the worker: the next one ends the work, and no more is in doubt than was in its hand."""
    world.rig = Rig(world)  # its tables went with the connection
    world.rig.allowed = uncertain
    bury()
    world.rig.check()
    world.rig.run(workers.deliver_all, now=world.now, lease_seconds=2)
    world.rig.check()
    assert not Message.objects.filter(state__in=OPEN).exists()
    assert Enrollment.objects.filter(state="active").count() == Message.objects.filter(state="uncertain").count()


def backend_of_the_worker():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE '%campaigns_message%' AND pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )
        row = cursor.fetchone()
    return row and row[0]


class TestPostgres:
    def test_one_session_killed_ends_all_and_costs_one_message_at_most(self, sending):
        """After kill -9 of a backend PostgreSQL ends every session and recovers."""
        world = sending(people=60)
        each = child(world)
        received(world, 10)
        backends = []
        until(lambda: backends.append(backend_of_the_worker()) or backends[-1])
        os.kill(backends[-1], signal.SIGKILL)
        up_again()
        each.join(60)
        goes_on_to_the_end(world, uncertain=MARKS)

    def test_killed_as_a_whole_it_comes_back_with_all_that_was_committed(self, sending):
        world = sending(people=60)
        each = child(world)
        received(world, 10)
        before = pid("postgres")
        os.kill(before, signal.SIGKILL)
        until(lambda: embedded.pids(FOLDER).get("postgres", before) != before)
        up_again()
        each.join(60)
        goes_on_to_the_end(world, uncertain=MARKS)

    def test_stopped_at_once_and_started_again(self, sending):
        world = sending(people=60)
        each = child(world)
        received(world, 10)
        before = pid("postgres")
        os.kill(before, signal.SIGQUIT)  # "immediate": no checkpoint
        until(lambda: embedded.pids(FOLDER).get("postgres", before) != before)
        up_again()
        each.join(60)
        goes_on_to_the_end(world, uncertain=MARKS)

    def test_without_a_free_session_nothing_is_sent_and_later_everything(self, sending):
        world = sending(people=20)
        sessions = []
        try:
            with pytest.raises(OperationalError):
                sessions.extend(_session() for _ in range(1000))
            each = child(world)
            each.join(60)
            assert each.exitcode == 1  # as a task that fails: the next tick tries again
            assert world.smtp.received == []
        finally:
            for session in sessions:
                session.close()
        goes_on_to_the_end(world, uncertain=0)
        assert len(world.smtp.received) == 20

    def test_a_deadlock_ends_in_the_stop_and_not_in_a_mail(self, sending):
        """Somebody locks in another order than all our verbs: PostgreSQL ends the stop, which is tried again."""
        world = sending(people=2)
        messages = Message.objects.order_by("id").values_list("pk", flat=True)
        other = _session()
        try:
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute("SET deadlock_timeout = '20s'")  # it is not to be the one that is ended
                cursor.execute(_TOUCH, [messages[1]])
                stop = workers.start(workers.end_people, prospect_ids=[person.pk for person in world.prospects])
                until(_somebody_waits)
                cursor.execute(_TOUCH, [messages[0]])
            other.commit()
        finally:
            other.close()
        stop.join(60)
        assert stop.exitcode == 0
        world.deliver()
        assert world.smtp.received == []
        assert set(Message.objects.values_list("state", flat=True)) == {"cancelled"}

    @pytest.mark.skipif(
        not os.path.ismount(FOLDER), reason="a full disk needs a file system of its own: root mounts one"
    )
    def test_on_a_full_disk_no_mail_leaves_that_nobody_wrote_down(self, sending):
        """PostgreSQL ends itself when its log finds no room; it may come back and use old files of it again."""
        world = sending(people=150)
        each = child(world)
        received(world, 5)
        with full_disk():
            with pytest.raises((OperationalError, InterfaceError)):
                _write_on()
            connection.close()
            each.join(60)
            assert each.exitcode == 1
            assert len(world.smtp.received) < 150
        up_again()
        goes_on_to_the_end(world, uncertain=MARKS)


_TOUCH = "UPDATE campaigns_message SET attempts = attempts WHERE id = %s"


def _session():
    other = connection.copy()
    other.ensure_connection()
    return other


@contextmanager
def full_disk():
    """Whatever becomes free is taken again at once."""
    ballast, over = FOLDER / "ballast", threading.Event()

    def fill():
        with ballast.open("wb", buffering=0) as file:
            while not over.is_set():
                try:
                    file.write(bytes(65536))
                except OSError:
                    over.wait(0.01)

    filler = threading.Thread(target=fill)
    filler.start()
    try:
        yield
    finally:
        over.set()
        filler.join()
        ballast.unlink()


def _write_on():
    """Until the log of the database needs a file that there is no room for."""
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT pg_logical_emit_message(true, 'full', 'disk'), pg_switch_wal()")


def _somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]


class Celery:
    """A worker and two beats on the test's database, as a deployment by hand may have them by mistake."""

    def __init__(self, log):
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
        self.env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "outreach.worker_settings"}
        self.log = log
        self.beats = [self.start_beat() for _ in range(2)]
        self.worker = self.start_worker()

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
        for each in (*self.beats, self.worker):
            each.kill()
            each.wait()


@pytest.fixture
def celery(running, tmp_path):
    """A campaign in real time that one new person enters at a time."""
    world = running(people=1, steps=1)
    world.now = timezone.now()
    world.rig = Rig(world)
    world.celery = Celery(tmp_path / "celery.txt")
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
        somebody_new_gets_a_mail(celery, seconds=TestRedis.POLL)
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
        assert len({mail.recipient for mail in celery.smtp.received}) == len(celery.smtp.received) == 6
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
    until(lambda: not _takes_sessions())
    try:
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)
        up_again()


def _takes_sessions():
    try:
        _session().close()
    except OperationalError:
        return False
    return True


def redis():
    return Redis.from_url(settings.REDIS_URL, socket_timeout=5)


class TestRedis:
    POLL = 60  # seconds

    def test_emptied_killed_hung_and_full_costs_one_poll_at_most(self, celery):
        somebody_new_gets_a_mail(celery, seconds=self.POLL)

        redis().flushall()
        somebody_new_gets_a_mail(celery, seconds=self.POLL)

        os.kill(pid("valkey"), signal.SIGKILL)
        up_again()
        celery.rig = Rig(celery)
        somebody_new_gets_a_mail(celery, seconds=self.POLL)

        with hung():
            celery.celery.log.open("a").write("--- hung ---\n")
            threading.Event().wait(8)  # longer than every patience of theirs
        somebody_new_gets_a_mail(celery, seconds=self.POLL)

        with full():
            threading.Event().wait(8)
        somebody_new_gets_a_mail(celery, seconds=self.POLL)
        assert len({mail.recipient for mail in celery.smtp.received}) == len(celery.smtp.received) == 6

    @pytest.mark.parametrize("trouble", ["hung", "full", "gone"])
    def test_in_trouble_keeps_nobody_waiting(self, running, client_as, client, trouble):
        world = running(people=1)
        world.tick()
        message = Message.objects.get()
        office = client_as("manager")
        with {"hung": hung, "full": full, "gone": gone}[trouble]():
            for send in (
                lambda: client.post(
                    reverse("unsubscribe", args=[signing.make_token(tracking.UNSUBSCRIBE, message.public_id)])
                ),
                lambda: office.post(reverse("api-campaigns-pause", args=[world.campaign.public_id])),
                lambda: office.get("/ready"),
            ):
                began = time.monotonic()
                answer = send()
                assert time.monotonic() - began < 3, answer
                assert answer.status_code in (200, 503), answer
        assert answer.status_code == 503  # not ready, in words
        world.campaign.refresh_from_db()
        assert world.campaign.state == "paused"
        assert Enrollment.objects.get().stop_reason == "unsubscribed"


@contextmanager
def hung():
    os.kill(pid("valkey"), signal.SIGSTOP)
    yield
    os.kill(pid("valkey"), signal.SIGCONT)


@contextmanager
def full():
    redis().config_set("maxmemory", "1mb")
    yield
    redis().config_set("maxmemory", "0")


@contextmanager
def gone():
    """It is killed as often as it is started again."""
    over = threading.Event()

    def kill():
        while not over.is_set():
            with suppress(KeyError, ProcessLookupError):
                os.kill(pid("valkey"), signal.SIGKILL)
            over.wait(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        until(lambda: "valkey" not in embedded.pids(FOLDER))
        yield
    finally:
        over.set()
        killer.join()
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
