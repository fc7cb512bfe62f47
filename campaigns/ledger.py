"""The state changes of a message, each one conditional statement.

    planned → claimed → sending → sent | refused | planned (temporary) | uncertain;  planned | claimed → cancelled

The mark (`claimed → sending`) is a synchronous commit of its own right before MAIL FROM. It skips a row that somebody
holds instead of waiting: after a wait PostgreSQL re-reads the row but no other table, and a stop could be missed.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from campaigns import gate
from integrations.ports import Outcome

_SETTLE = """
UPDATE campaigns_message
   SET state = CASE state WHEN 'claimed' THEN 'planned' ELSE 'uncertain' END
 WHERE mailbox_id = %s AND state IN ('claimed', 'sending') AND lease_token < %s
RETURNING state
"""
# An array is read once and asked before the gate; mostly it is empty.
_REHEARSED = (
    "m.campaign_id = ANY (ARRAY(SELECT r.id FROM campaigns_campaign r"
    " WHERE r.rehearsal_of_id IS NOT NULL AND r.state = 'running'))"
)
_CLAIM = f"""
WITH picked AS MATERIALIZED (
    SELECT m.id FROM campaigns_message m
     WHERE m.mailbox_id = %s AND m.state = 'planned' AND m.send_at <= %s AND {gate.PASSES}
     ORDER BY m.send_at, m.id LIMIT %s FOR UPDATE OF m SKIP LOCKED)
UPDATE campaigns_message SET state = 'claimed', lease_token = %s
 WHERE id IN (SELECT id FROM picked)
   AND EXISTS (SELECT 1 FROM integrations_mailbox b
                WHERE b.id = %s AND b.lease_token = %s AND b.lease_until > clock_timestamp())
RETURNING id
"""  # noqa: S608
_CLAIM_REHEARSALS = _CLAIM.replace("m.mailbox_id = %s AND", f"m.mailbox_id = %s AND {_REHEARSED} AND")
_MARK = f"""
UPDATE campaigns_message
   SET state = 'sending', marked_at = clock_timestamp(), handed_over_at = %s, attempts = attempts + 1,
       subject = %s, text = %s, html = %s
 WHERE id = (SELECT m.id FROM campaigns_message m
              WHERE m.id = %s AND m.state = 'claimed' AND m.lease_token = %s AND {gate.PASSES}
                FOR UPDATE OF m SKIP LOCKED)
   AND EXISTS (SELECT 1 FROM integrations_mailbox b
                WHERE b.id = mailbox_id AND b.lease_token = %s AND b.lease_until > clock_timestamp())
RETURNING id
"""  # noqa: S608
_OUTCOME = """
UPDATE campaigns_message
   SET state = %s, smtp_phase = %s, smtp_code = %s, smtp_status = %s, smtp_reply = %s
 WHERE id = %s AND lease_token = %s AND state IN ('sending', 'uncertain')
RETURNING id
"""
_GIVE_BACK = """
UPDATE campaigns_message SET state = 'planned', lease_token = NULL, send_at = %s
 WHERE id = %s AND lease_token = %s AND state IN ('claimed', 'sending', 'uncertain')
RETURNING id
"""
_RELEASE = """
UPDATE campaigns_message SET state = 'planned', lease_token = NULL
 WHERE mailbox_id = %s AND lease_token = %s AND state = 'claimed'
"""
_POSTPONE = """
UPDATE campaigns_message SET state = 'planned', lease_token = NULL, send_at = %s
 WHERE mailbox_id = %s AND ((state = 'claimed' AND lease_token = %s) OR (state = 'planned' AND send_at <= %s))
"""
_BEGUN_SINCE = """
SELECT count(*) FROM campaigns_message
 WHERE mailbox_id = %s AND handed_over_at >= %s
   AND state IN ('sending', 'sent', 'refused', 'uncertain', 'abandoned')
"""


def _ids(statement: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def settle(*, mailbox_id: int, token: int) -> list[str]:
    """What earlier owners of the mailbox left behind: claimed goes back to planned, sending becomes uncertain."""
    return _ids(_SETTLE, [mailbox_id, token])


def claim(*, mailbox_id: int, token: int, now: datetime, limit: int) -> list[int]:
    """Takes up to `limit` messages whose slot has come and that the gate lets pass. Empty when the lease was lost."""
    return _ids(_CLAIM, [mailbox_id, now, limit, token, mailbox_id, token])


def claim_rehearsals(*, mailbox_id: int, token: int, now: datetime, limit: int) -> list[int]:
    """`claim` for what is rehearsed through this mailbox."""
    return _ids(_CLAIM_REHEARSALS, [mailbox_id, now, limit, token, mailbox_id, token])


def mark(*, message_id: int, token: int, now: datetime, subject: str, text: str, html: str) -> bool:
    """Commits that the hand-over begins, with the exact text. False: the message must not be handed over now."""
    return bool(_ids(_MARK, [now, subject, text, html, message_id, token, token]))


def record(*, message_id: int, token: int, state: str, outcome: Outcome) -> bool:
    """Ends the hand-over as `state`. False when the row is no longer ours (a person or an event decided meanwhile)."""
    words = [outcome.phase, outcome.code, outcome.status[:12], outcome.reply[:500]]
    return bool(_ids(_OUTCOME, [state, *words, message_id, token]))


def give_back(*, message_id: int, token: int, send_at: datetime) -> bool:
    """Nothing was handed over: the same row waits for another slot."""
    return bool(_ids(_GIVE_BACK, [send_at, message_id, token]))


def release(*, mailbox_id: int, token: int) -> None:
    """Everything claimed and not marked goes back to planned."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [mailbox_id, token])


def postpone(*, mailbox_id: int, token: int, now: datetime, until: datetime) -> None:
    """Everything due from this mailbox waits: its server does not answer."""
    with connection.cursor() as cursor:
        cursor.execute(_POSTPONE, [until, mailbox_id, token, now])


def begun_since(*, mailbox_id: int, since: datetime) -> int:
    """How many hand-overs of this mailbox began since then (business time)."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGUN_SINCE, [mailbox_id, since])
        row = cursor.fetchone()
    return int(row[0])
