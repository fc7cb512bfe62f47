"""What beat wakes. The ledger is the queue: a task carries a mailbox id or nothing, and losing one loses seconds."""

import os
import socket
from contextlib import ExitStack
from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from campaigns import (
    counting,
    delivery,
    filling,
    growing,
    guards,
    inbound,
    journal,
    merging,
    planning,
    reconciling,
    releasing,
    restoring,
    retention,
    retiring,
    sending_state,
    suppressing_lists,
    taking_along,
    undoing,
)
from campaigns.forecast import foretelling
from campaigns.rules import waking
from outreach.lib import draining
from prospects import suppression


@worker_shutting_down.connect
def drain(**kwargs: Any) -> None:
    """The worker was asked to end: what is being handed over ends with the message in its hand."""
    draining.asked.set()


@shared_task
def plan(**kwargs: Any) -> None:
    """Fills the free slots of every mailbox."""
    planning.plan(now=timezone.now())


@shared_task
def apply_merges(**kwargs: Any) -> None:
    """Draws the consequences of people who were merged."""
    merging.apply_waiting()


@shared_task
def deliver(**kwargs: Any) -> None:
    """Wakes one worker for each mailbox that has something due."""
    for mailbox_id in delivery.mailboxes_with_work(now=timezone.now()):
        deliver_mailbox.apply_async(args=(mailbox_id,), expires=30)


@shared_task
def deliver_mailbox(mailbox_id: int, **kwargs: Any) -> None:
    """Hands over what is due from one mailbox."""
    now = timezone.now()
    if guards.clock_is_right(now=now):
        delivery.deliver(mailbox_id=mailbox_id, now=now, owner=f"{socket.gethostname()}:{os.getpid()}")


@shared_task
def apply_inbound(**kwargs: Any) -> None:
    """Applies the mail that came in."""
    inbound.apply_waiting(now=timezone.now())


@shared_task
def keep_house(**kwargs: Any) -> None:
    """Settles what is uncertain, takes off the list of suppressions what was to last until now, moves whom a retired
    mailbox left behind, lets live audiences grow, wakes whoever waited for somebody, and writes into the journal what a
    full disk kept out of it.
    """
    now = timezone.now()
    journal.catch_up()
    for mailbox_id in reconciling.mailboxes_to_search():
        search_copies.apply_async(args=(mailbox_id,), expires=60)
    if not sending_state.is_held():  # by a wrong clock, say
        reconciling.abandon_old(now=now)
        retiring.go_on(now=now)
        suppression.expire(now=now)
        waking.wake_freed(now=now)
        growing.grow(now=now)


@shared_task
def search_copies(mailbox_id: int, **kwargs: Any) -> None:
    """Looks for the uncertain messages of one mailbox in its Sent folder."""
    reconciling.search_copies(mailbox_id=mailbox_id, now=timezone.now())


@shared_task
def undo_imports(**kwargs: Any) -> None:
    """Goes on with the undo of an import that was asked for."""
    undoing.undo_next(now=timezone.now())


@shared_task
def run_errands(**kwargs: Any) -> None:
    """Goes on with what was asked for after a restore, or after hours without sending, with a launch, and with who
    moves to a new version.
    """
    with ExitStack() as each:  # the last first; one that fails does not stand before the others
        each.callback(_release)
        each.callback(taking_along.go_on)
        each.callback(filling.go_on)
        each.callback(restoring.go_on)


def _release() -> None:
    if not sending_state.is_held():
        releasing.go_on(now=timezone.now())


@shared_task
def end_suppressed(**kwargs: Any) -> None:
    """Ends what is under way for whom an import of people suppressed."""
    suppressing_lists.end_suppressed()


@shared_task
def count(**kwargs: Any) -> None:
    """Counts what pages show."""
    counting.recount(now=timezone.now())


@shared_task
def foretell(**kwargs: Any) -> None:
    """Makes the forecasts that somebody waits for."""
    foretelling.make_asked(now=timezone.now())


@shared_task
def count_week(**kwargs: Any) -> None:
    """Counts the last days anew."""
    counting.recount_week(now=timezone.now())


@shared_task
def forget_old(**kwargs: Any) -> None:
    """Forgets whom nobody was in touch with for long."""
    if not sending_state.is_held():
        retention.forget_old(now=timezone.now())


@shared_task
def heartbeat(**kwargs: Any) -> None:
    """Proves that beat, broker, worker and database work together (`/ready` reads it), and that they may be trusted."""
    guards.beat(now=timezone.now())
