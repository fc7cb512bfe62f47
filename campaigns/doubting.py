"""What may have been sent in a gap that the database does not remember: uncertain, and never sent again by itself."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from campaigns import composing, rows
from campaigns.composing import CannotCompose, SenderIncomplete, Thread
from campaigns.models import Message
from campaigns.rows import MessageRow

A_TICK = timedelta(seconds=30)  # the backup may be so much younger than the last tick in it

_DOUBT = """
UPDATE campaigns_message SET
       handed_over_at = CASE state WHEN 'sending' THEN handed_over_at
                        ELSE least(greatest(send_at, %(since)s), %(until)s) END,
       marked_at = coalesce(marked_at, %(since)s), state = 'uncertain', lease_token = NULL, overdue_at = NULL,
       why = why || jsonb_build_object('doubted', true)
 WHERE id = ANY(%(ids)s)
"""
# The first of them was proven, so the person is on their way again; what was due next in the same gap may have been
# sent as well, at its time.
_WHAT_FOLLOWS = """
UPDATE campaigns_message SET send_at = found.due_at
  FROM (SELECT m.id, e.due_at, x.gap_from, x.gap_until
          FROM campaigns_sendingcontrol x, campaigns_message m JOIN campaigns_enrollment e ON e.id = m.enrollment_id
         WHERE x.gap_until IS NOT NULL AND m.enrollment_id = ANY(%s) AND m.state = 'planned' AND m.is_follow_up
           AND e.due_at <= x.gap_until
           AND EXISTS (SELECT 1 FROM campaigns_message b
                        WHERE b.enrollment_id = m.enrollment_id AND b.state = 'sent' AND b.why @> '{"doubted": true}')
         ORDER BY m.id FOR UPDATE OF m) found
 WHERE campaigns_message.id = found.id
RETURNING found.id, found.gap_from, found.gap_until
"""


def doubt_due(*, since: datetime, until: datetime, enrolled_before: datetime, most: int) -> int:
    """Makes uncertain what may have been handed over in the gap, `most` at once; returns how many messages.

    Those are all that had a slot by `until` (whatever held them, as it may have been lifted), and what was planned
    after the backup was put back and before that was noticed. `enrolled_before` is the database's time of the notice:
    who came later was never written to.
    """
    due = Q(send_at__lte=until) | Q(planned_at__gt=since + A_TICK, planned_at__gte=F("enrollment__due_at"))
    found = Message.objects.filter(due, enrollment__created_at__lte=enrolled_before).values_list("id", flat=True)
    ids = [*found.filter(state=Message.State.PLANNED)[:most]]  # apart: each state has its own index
    ids += found.filter(state=Message.State.SENDING)[: most - len(ids)]
    locked = Message.objects.filter(pk__in=ids).order_by("id").select_for_update()
    return _doubt(list(locked.values_list("id", flat=True)), since=since, until=until)


def doubt_what_follows(*, enrollment_ids: Collection[int]) -> int:
    """For the planner: what was due in the gap after a doubted mail that turned out as sent is doubted as well."""
    if not enrollment_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_WHAT_FOLLOWS, [list(enrollment_ids)])
        rows = cursor.fetchall()
    return _doubt([row[0] for row in rows], since=rows[0][1], until=rows[0][2]) if rows else 0


def _doubt(ids: list[int], *, since: datetime, until: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_DOUBT, {"ids": ids, "since": since, "until": until})
    _write_texts(ids)
    return len(ids)


def _write_texts(ids: Iterable[int]) -> None:
    """What each would have said: later mails run under its subject, and a person wants to look it up."""
    silent = Message.objects.filter(pk__in=list(ids), subject="")
    began = dict(silent.values_list("id", Coalesce("handed_over_at", "send_at")))
    batch = rows.load(message_ids=began.keys())
    for message in batch.messages:
        try:
            said = composing.compose(message=message, batch=batch, thread=_thread(message), now=began[message.pk])
        except (CannotCompose, SenderIncomplete):
            continue  # then it says nothing to us, and said nothing to them
        words = {"subject": said.subject, "text": said.text, "html": said.html}
        Message.objects.filter(pk=message.pk).update(**words)


def _thread(message: MessageRow) -> Thread:
    if not message.is_follow_up:
        return Thread()
    before = Message.objects.filter(enrollment=message.enrollment_id, state=Message.State.SENT).exclude(subject="")
    return Thread(before.order_by("-handed_over_at").values_list("subject", flat=True).first() or "")
