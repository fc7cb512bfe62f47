"""Every fault point of the code: what a child does that comes there, and whether a message is in its hand then."""

import io
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.cache import cache

from campaigns import enrolling, gate, planning, suppressing_lists, undoing
from campaigns.models import Enrollment, Message
from integrations.models import Mailbox
from outreach.demo.smtp_server import Stage
from prospects import merging, suppression
from prospects.importing import choosing, uploading
from prospects.models import ImportBatch, Prospect
from tests import factories
from tests.campaigns import mails
from tests.faults import workers

LIMIT = 4  # messages in one run


@dataclass(frozen=True)
class Point:
    """`leads(world)` prepares the way to the point and names the job; `passes` is how often one run comes there."""

    leads: object
    marked: bool = False
    passes: int = 1


def _job(world, job, **given):
    return job, {"mailbox_id": world.mailbox.pk, "now": world.now, **given}


@contextmanager
def _any_round(world):
    yield _job(world, workers.tick, limit=LIMIT)


@contextmanager
def _a_round_without_text(world):
    """Whoever is next in the queue lacks what the text says about them."""
    world.receive()
    world.deliver(limit=0)  # what the worker before was killed with comes back into the queue
    planning.plan(now=world.now)
    due = Message.objects.filter(state="planned", send_at__lte=world.now).order_by("send_at", "id")
    refused = gate.refusals(message_ids=due.values_list("id", flat=True))
    people = [message.prospect_id for message in due if not refused[message.pk]]
    Prospect.objects.filter(pk__in=people).update(company="")
    yield _job(world, workers.deliver, limit=LIMIT)
    Prospect.objects.filter(pk__in=people).update(company="Acme")


@contextmanager
def _a_round_after_hours(world):
    """What was planned for the last hour is claimed when the window has closed."""
    while world.now.hour < 21:
        world.later(hours=1).deliver(limit=0)  # looked at all day, so that nothing is overdue
    planning.plan(now=world.now)
    world.now = world.now.replace(hour=22)
    yield _job(world, workers.deliver, limit=LIMIT)


@contextmanager
def _a_round_after_a_death(world):
    """The worker before was killed with a batch in its hand: each of them is suspected."""
    job, given = _job(world, workers.tick, limit=LIMIT)
    world.rig.killed_at("after_claim", job, **given)
    yield job, given


@contextmanager
def _a_round_with_somebody_new(world):
    factories.ProspectFactory(company="Acme")
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    yield _job(world, workers.tick, limit=LIMIT)


@contextmanager
def _a_round_without_server(world):
    Mailbox.objects.update(smtp_port=1)
    yield _job(world, workers.tick, limit=LIMIT)
    Mailbox.objects.update(smtp_port=world.smtp.port)


@contextmanager
def _a_round_that_is_refused(world):
    """The server wants none of the texts."""
    world.smtp.behaviour = lambda recipient, message, stage: "554 5.6.0 no" if stage is Stage.RCPT else None
    yield _job(world, workers.tick, limit=LIMIT)
    world.smtp.behaviour = None


@contextmanager
def _an_answer(world):
    told = Message.objects.filter(state="sent", enrollment__state="active").select_related("mailbox", "prospect")
    message = told.order_by("id").first()
    world.answers(mails.reply(message, sender=message.recipient, text=f"No thanks. {message.pk}"))
    world.said_no.add(message.prospect_id)
    yield _job(world, workers.receive)


@contextmanager
def _an_opt_out(world):
    message = Message.objects.filter(state="planned").order_by("-id").first()
    if message is None:
        planning.plan(now=world.now)
        message = Message.objects.filter(state="planned").order_by("-id").first()
    given = {"message_id": message.pk, "now": world.now}
    yield workers.unsubscribe, given
    message.refresh_from_db()
    assert message.state == "planned"  # half a stop is none, and whoever asked for it got no answer
    world.rig.run(workers.unsubscribe, **given)
    world.rig.stopped(message.prospect)


@contextmanager
def _a_merge(world):
    survivor, merged = (row.prospect for row in _untouched()[:2])
    merging.merge(survivor=survivor, merged=merged, by=None, now=world.now)
    yield _job(world, workers.tick, limit=LIMIT)


BROUGHT = 5


def _waiting_import(world):
    """People whom nobody knew, two of them in each transaction."""
    number = ImportBatch.objects.count()
    lines = "".join(f"new{each}@list{number}.example,Acme\n" for each in range(BROUGHT))
    source = io.BytesIO(f"Email,Company\n{lines}".encode())
    batch = uploading.store(source=source, file_name="people.csv", by=None, now=world.now)
    choosing.choose_by_names(batch=batch)
    uploading.queue(batch=batch)
    return batch


def _undone(world, batch):
    world.rig.run(workers.undo, now=world.now)
    batch.refresh_from_db()
    assert batch.undone_at
    assert not Prospect.objects.filter(import_batch=batch).exists()


@contextmanager
def _an_import(world):
    batch = _waiting_import(world)
    yield workers.bring, {}
    world.rig.run(workers.bring)
    batch.refresh_from_db()
    assert (batch.status, batch.added) == ("done", BROUGHT)
    assert Prospect.objects.filter(import_batch=batch).count() == BROUGHT
    undoing.ask(batch=batch, by=None, now=world.now)
    _undone(world, batch)


@contextmanager
def _an_undo(world):
    batch = _waiting_import(world)
    world.rig.run(workers.bring)
    batch.refresh_from_db()
    undoing.ask(batch=batch, by=None, now=world.now)
    yield workers.undo, {"now": world.now}
    _undone(world, batch)


def _under_way(many):
    ways = Enrollment.objects.filter(state="active", prospect__person=None).select_related("prospect")
    return [way.prospect for way in ways.order_by("-id")[:many]]


@contextmanager
def _a_list_of_noes(world):
    """It names people under way and people nobody knows; after the kill it is given again."""
    people = _under_way(2)
    names = [person.email for person in people] + [f"nobody{world.now:%d%H}{each}@list.example" for each in range(4)]
    given = {"text": "\n".join(sorted(names, reverse=True)), "now": world.now}
    yield workers.take_list, given
    world.rig.run(workers.take_list, **given)
    _said_no(world, people)


@contextmanager
def _noes_of_an_import(world):
    """Facts that no stop has drawn the consequences of yet."""
    people = _under_way(4)
    for person in people:
        suppression.suppress(kind="address", value=person.email, reason="imported")
    cache.delete(suppressing_lists.CURSOR)
    yield workers.end_suppressed, {}
    world.rig.run(workers.end_suppressed)
    _said_no(world, people)


def _said_no(world, people):
    for person in people:
        world.said_no.add(person.pk)
        world.rig.stopped(person)
        assert not Message.objects.filter(prospect=person, state="planned").exists()


def _untouched():
    new = Enrollment.objects.filter(state="active", steps_handed_over=0, prospect__person=None).exclude(
        pk__in=Message.objects.exclude(state="planned").values("enrollment")
    )
    return new.select_related("prospect").order_by("-id")


POINTS = {
    "after_lease": Point(_any_round),
    "after_settle": Point(_any_round),
    "after_count": Point(_a_round_after_a_death, passes=LIMIT),
    "after_trial": Point(_a_round_after_a_death, passes=LIMIT),
    "after_aside": Point(_any_round),
    "after_claim": Point(_any_round, passes=2),
    "in_compose": Point(_any_round, passes=LIMIT),
    "after_cancel": Point(_a_round_without_text),
    "after_put_off": Point(_a_round_after_hours, passes=2),
    "before_connect": Point(_any_round),
    "after_failure": Point(_a_round_without_server),
    "after_mark": Point(_any_round, marked=True, passes=LIMIT),
    "before_data": Point(_any_round, marked=True, passes=LIMIT),
    "before_dot": Point(_any_round, marked=True, passes=LIMIT),
    "after_dot": Point(_any_round, marked=True, passes=LIMIT),
    "before_outcome": Point(_any_round, marked=True, passes=LIMIT),
    "after_end": Point(_any_round),
    "in_outcome": Point(_a_round_that_is_refused, marked=True),
    "after_outcome": Point(_a_round_that_is_refused),
    "before_release": Point(_any_round),
    "between_releases": Point(_any_round),
    "after_sweep": Point(_any_round),
    "after_readdress": Point(_any_round),
    "before_plan": Point(_any_round),
    "in_plan": Point(_a_round_with_somebody_new),
    "after_plan": Point(_any_round),
    "in_store": Point(_an_answer),
    "after_store": Point(_an_answer),
    "after_begin": Point(_an_answer),
    "in_apply": Point(_an_answer),
    "after_apply": Point(_an_answer),
    "in_stop": Point(_an_opt_out),
    "in_merge": Point(_a_merge),
    "after_import_begun": Point(_an_import),
    "after_chunk": Point(_an_import, passes=3),
    "after_undone": Point(_an_undo, passes=3),
    "after_listed": Point(_a_list_of_noes, passes=3),
    "after_ended": Point(_noes_of_an_import),
}
