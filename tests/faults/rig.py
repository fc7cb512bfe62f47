"""The rig: kills children, plays the time that passes after that, and asks the invariants."""

import os
import signal
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import connection
from django.db.models import Count

from campaigns.models import Message
from integrations.models import Mailbox
from outreach.demo.smtp_server import Stage
from tests.faults import workers
from tests.racing import until

MARKS = 1  # how many messages a connection of a mailbox may have marked at a time
INVARIANTS = Path(__file__).with_name("invariants.sql")
_TABLES = """
CREATE TEMP TABLE IF NOT EXISTS sink (message_id text, recipient text, at timestamptz);
CREATE TEMP TABLE IF NOT EXISTS stops (prospect_id bigint, since timestamptz, until timestamptz);
CREATE TEMP TABLE IF NOT EXISTS seen (id bigint PRIMARY KEY);
CREATE TEMP TABLE IF NOT EXISTS allowed (most int);
"""


def invariants():
    """The sentences, each with its statement."""
    for part in INVARIANTS.read_text().split(";\n")[:-1]:
        lines = part.strip().splitlines()
        sentence = next(line for line in reversed(lines) if line.startswith("-- "))
        yield sentence.removeprefix("-- "), part


class Rig:
    """`world` is a running campaign (tests/running.py), its SMTP server's log is the truth."""

    def __init__(self, world):
        self.world = world
        self.marks = MARKS  # what a killed worker may leave in doubt
        self.allowed = 0  # uncertain messages
        with connection.cursor() as cursor:
            cursor.execute(_TABLES)
            cursor.execute("TRUNCATE sink, stops, seen, allowed")

    def killed_at(self, fault, job, **given):
        """A child that runs into its fault; fails when it never comes there."""
        child = workers.start(job, fault=fault, **given)
        child.join(60)
        assert child.exitcode == -signal.SIGKILL, f"{fault} was not reached: {child.exitcode}, {_told()}"
        self.allowed += self.marks
        bury()

    def frozen_at(self, fault, job, **given):
        """A child that stands still at its fault until `thaw`."""
        child = workers.start(job, fault=f"{fault}:1:SIGSTOP", **given)
        until(lambda: _state(child.pid) in "TZ" or not child.is_alive())
        assert _state(child.pid) == "T", f"{fault} was not reached"
        return child

    def run(self, job, **given):
        """A child that lives to its end."""
        child = workers.start(job, **given)
        child.join(120)
        assert child.exitcode == 0

    def stopped(self, prospect=None):
        """Somebody's no was committed a moment ago; nobody's is everybody's."""
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO stops VALUES (%s, clock_timestamp(), NULL)", [prospect and prospect.pk])

    def resumed(self):
        """Everybody's no is about to be lifted."""
        with connection.cursor() as cursor:
            cursor.execute("UPDATE stops SET until = clock_timestamp() WHERE prospect_id IS NULL AND until IS NULL")

    def check(self):
        """Every invariant, against what the mail server took."""
        broken = {}
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE sink, allowed")
            rows = [(mail.message_id, mail.recipient, mail.at) for mail in list(self.world.smtp.received)]
            cursor.executemany("INSERT INTO sink VALUES (%s, %s, %s)", rows)
            cursor.execute("INSERT INTO allowed VALUES (%s)", [self.allowed])
            cursor.execute("INSERT INTO seen SELECT id FROM campaigns_message ON CONFLICT DO NOTHING")
            for sentence, statement in invariants():
                cursor.execute(statement)
                if found := cursor.fetchall():
                    broken[sentence] = found[:5]
        assert not broken, broken


@contextmanager
def standing_still(children):
    """Ledger and log are read while nobody writes in between."""
    for child in children:
        _send(child, signal.SIGSTOP)
    try:
        until(lambda: all(_state(child.pid) in "TZ" for child in children))
        yield
    finally:
        for child in children:
            _send(child, signal.SIGCONT)


def _send(child, number):
    with suppress(ProcessLookupError):  # it came to its end a moment ago
        os.kill(child.pid, number)


def slowly(seconds):
    """A mail server that takes so long for each recipient."""
    never = threading.Event()
    return lambda recipient, message, stage: None if stage is not Stage.RCPT or never.wait(seconds) else "250 OK"


def thaw(child):
    """Lets a frozen child go on, to its end."""
    os.kill(child.pid, signal.SIGCONT)
    child.join(60)
    assert child.exitcode == 0


def bury():
    """The half minute passes after which a dead worker's lease ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_mailbox SET lease_until = clock_timestamp() - interval '1 ms'"
            " WHERE lease_until IS NOT NULL"
        )


def owned():
    return Mailbox.objects.filter(lease_until__isnull=False).exists()


def _state(pid):
    """The letter of /proc: T is stopped, Z has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def _told():
    """How things stand, for whoever reads of a fault that was not reached."""
    states = Message.objects.order_by("state").values_list("state").annotate(n=Count("id"))
    boxes = Mailbox.objects.values_list("status", "status_reason", "lease_until")
    return {"messages": dict(states), "mailboxes": list(boxes)}
