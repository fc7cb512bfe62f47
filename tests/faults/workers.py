"""What the children of these tests run: the verbs that the tasks call, each in a process that may be killed.

A server that has loaded Django forks them, so that a child begins within a moment and without any connection.
"""

import io
import os
import threading
from multiprocessing import get_context

import django
from django.conf import settings
from django.db import connection
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
django.setup()

from campaigns import (  # noqa: E402
    delivery,
    inbound,
    merging,
    planning,
    stopping,
    suppressing_lists,
    undoing,
)
from campaigns.models import Message  # noqa: E402
from integrations import leases, polling  # noqa: E402
from integrations.models import Mailbox  # noqa: E402
from outreach.celery import app  # noqa: E402
from outreach.lib import faults  # noqa: E402
from prospects.importing import running as importing  # noqa: E402
from prospects.importing import undoing as undone  # noqa: E402
from prospects.suppression_lists import Meant  # noqa: E402

app.loader.import_default_modules()
assert get_resolver().reverse_dict  # a mail has links: every child would read all addresses of the site
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


def start(job, *, fault="", **given):
    """Begins a job in a child on the test's database, armed with a fault."""
    where = connection.settings_dict["NAME"], settings.SAFETY_DIR
    child = FORKS.Process(target=_run, args=(job, fault, *where, given), daemon=True)
    child.start()
    return child


def _run(job, fault, database, safety, given):
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = database
    settings.SAFETY_DIR = safety
    faults.arm(fault)
    job(**given)


def tick(*, mailbox_id, now, limit=None):
    """One round of every tick, in the order poll, apply, plan, deliver."""
    receive(mailbox_id=mailbox_id, now=now)
    merging.apply_waiting()
    planning.plan(now=now)
    deliver(mailbox_id=mailbox_id, now=now, limit=limit)


def receive(*, mailbox_id, now):
    polling.poll(mailbox=Mailbox.objects.get(pk=mailbox_id))
    inbound.apply_waiting(now=now)


def deliver(*, mailbox_id, now, limit=None):
    delivery.deliver(mailbox_id=mailbox_id, now=now, owner=f"child {os.getpid()}", limit=limit)


def deliver_all(*, now, lease_seconds, limit=None):
    """Hands over from every mailbox until nothing is left; a lease ends that soon after its owner."""
    leases.TTL_SECONDS = lease_seconds
    while found := delivery.mailboxes_with_work(now=now):
        for mailbox_id in found:
            deliver(mailbox_id=mailbox_id, now=now, limit=limit)
        threading.Event().wait(0.1)  # others hold what is left


def plan_often(*, now, times):
    """Plans again and again, as many planners do beside each other."""
    for _ in range(times):
        planning.plan(now=now)
        threading.Event().wait(0.02)


def bring(**given):
    """A slice of an import, two lines in each transaction."""
    importing.CHUNK = 2
    importing.run_next()


def undo(*, now):
    """The same of its undo."""
    undone.CHUNK = 2
    undoing.undo_next(now=now)


def take_list(*, text, now):
    suppressing_lists.TOGETHER = 2
    meant = Meant(reason="declined")
    suppressing_lists.take(source=io.BytesIO(text.encode()), meant=meant, by=None, now=now)


def end_suppressed(**given):
    suppressing_lists.TOGETHER = 2
    suppressing_lists.end_suppressed()


def unsubscribe(*, message_id, now):
    stopping.unsubscribe(message=Message.objects.get(pk=message_id), source="test", now=now)


def end_people(*, prospect_ids):
    stopping.end_people(prospect_ids=prospect_ids, reason="asked")


def call(*, task, arguments):
    """A task by its name, as a worker calls it."""
    app.tasks[task](*arguments)
