"""PostgreSQL killed, stopped, full and out of sessions under a sending worker. Not collected by itself: it needs
servers that nobody else uses, which test_outages.py starts.
"""

import os
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import InterfaceError, OperationalError, connection

from campaigns import planning
from campaigns.models import Enrollment, Message
from outreach import embedded
from outreach.embedded import folder as folders
from outreach.embedded import servers
from tests.faults import workers
from tests.faults.rig import MARKS, Rig, bury, slowly
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
    until(takes_sessions)  # it answers while it recovers, too
    connection.close()


def takes_sessions():
    try:
        new_session().close()
    except OperationalError:
        return False
    return True


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
        world.smtp.behaviour = slowly(0.2)  # it is still at work when its session is looked for
        each = child(world)
        received(world, 10)
        backends = []
        until(lambda: backends.append(backend_of_the_worker()) or backends[-1])
        os.kill(backends[-1], signal.SIGKILL)
        up_again()
        each.join(180)
        goes_on_to_the_end(world, uncertain=MARKS)

    def test_killed_as_a_whole_it_comes_back_with_all_that_was_committed(self, sending):
        world = sending(people=60)
        each = child(world)
        received(world, 10)
        before = pid("postgres")
        os.kill(before, signal.SIGKILL)
        until(lambda: embedded.pids(FOLDER).get("postgres", before) != before)
        up_again()
        each.join(180)
        goes_on_to_the_end(world, uncertain=MARKS)

    def test_stopped_at_once_and_started_again(self, sending):
        world = sending(people=60)
        each = child(world)
        received(world, 10)
        before = pid("postgres")
        os.kill(before, signal.SIGQUIT)  # "immediate": no checkpoint
        until(lambda: embedded.pids(FOLDER).get("postgres", before) != before)
        up_again()
        each.join(180)
        goes_on_to_the_end(world, uncertain=MARKS)

    def test_without_a_free_session_nothing_is_sent_and_later_everything(self, sending):
        world = sending(people=20)
        sessions = []
        try:
            with pytest.raises(OperationalError):
                sessions.extend(new_session() for _ in range(1000))
            each = child(world)
            each.join(180)
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
        other = new_session()
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
            each.join(180)
            assert each.exitcode == 1
            assert len(world.smtp.received) < 150
        up_again()
        goes_on_to_the_end(world, uncertain=MARKS)


_TOUCH = "UPDATE campaigns_message SET attempts = attempts WHERE id = %s"


def new_session():
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
