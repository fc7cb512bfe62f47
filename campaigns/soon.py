"""Planned messages that are due soon, or wait for a person, follow what changed about their people."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection

from campaigns import deciding
from campaigns.rules import keeping_apart

SOON = timedelta(hours=1)
MOST = 1_000  # of a mailbox, in one run

# The head of each mailbox's queue: what the gate refuses for good stays there, and would be walked over by every claim.
_SOON = """
SELECT soon.id FROM integrations_mailbox b, LATERAL (
    SELECT id FROM campaigns_message WHERE mailbox_id = b.id AND state = 'planned' AND send_at <= %s
     ORDER BY send_at LIMIT %s) soon
"""


_WAITS_FOR_A_PERSON = """
SELECT id FROM campaigns_message WHERE state = 'planned' AND awaits <> '' ORDER BY planned_at, id LIMIT %s
"""


def ids(*, now: datetime) -> list[int]:
    """What each mailbox has to send within the hour, the first thousand of it, and what has waited longest for a
    person.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"({_SOON}) UNION ALL ({_WAITS_FOR_A_PERSON})", [now + SOON, MOST, MOST])
        return [pk for (pk,) in cursor.fetchall()]


_READDRESS = """
UPDATE campaigns_message SET recipient = p.email, recipient_key = p.identity_key, contact_keys = p.contact_keys
  FROM prospects_prospect p
 WHERE campaigns_message.id IN (
           SELECT m.id FROM campaigns_message m JOIN prospects_prospect q ON q.id = m.prospect_id
             JOIN campaigns_campaign c ON c.id = m.campaign_id AND c.rehearsal_of_id IS NULL
            WHERE m.id = ANY(%s) AND m.state = 'planned' AND q.email <> m.recipient AND q.email <> ''
              AND NOT EXISTS (SELECT 1 FROM campaigns_message o
                               WHERE o.campaign_id = m.campaign_id AND o.step_key = m.step_key
                                 AND o.recipient_key = q.identity_key AND o.id <> m.id)
            FOR UPDATE OF m SKIP LOCKED)
   AND p.id = campaigns_message.prospect_id
"""


def readdress(*, message_ids: Collection[int]) -> None:
    """A planned message follows its person to a corrected address; the gate holds it until then."""
    with connection.cursor() as cursor:
        cursor.execute(_READDRESS, [list(message_ids)])


# By whole weeks: the hour and the weekday stay inside the step's window.
_POSTPONE = """
UPDATE campaigns_message SET send_at = late.send_at
  FROM (SELECT m.id, m.send_at + interval '7 days' * ceil(extract(epoch FROM
                   p.contacted_elsewhere_at + make_interval(days => %(days)s) - m.send_at) / 604800) AS send_at
          FROM campaigns_message m JOIN prospects_prospect p ON p.id = m.prospect_id
          JOIN campaigns_campaign c ON c.id = m.campaign_id AND c.rehearsal_of_id IS NULL
         WHERE m.id = ANY(%(ids)s) AND m.state = 'planned' AND NOT m.is_follow_up
           AND p.contacted_elsewhere_at + make_interval(days => %(days)s) > m.send_at
           FOR UPDATE OF m SKIP LOCKED) late
 WHERE late.id = campaigns_message.id
"""


def postpone(*, message_ids: Collection[int]) -> None:
    """A planned first message waits longer when its person turns out to have been written to by other means lately;
    any message when a rule keeps it apart from what turned out to be too close.
    """
    with connection.cursor() as cursor:
        cursor.execute(_POSTPONE, {"days": deciding.CONTACTED_LATELY.days, "ids": list(message_ids)})
    keeping_apart.move(message_ids=message_ids)
