"""The state changes of a message, each one conditional statement.

    planned → sending → sent | refused | planned (temporary) | uncertain;  planned → cancelled

A claim changes no message: the owner of the mailbox notes in one row what it is about to compose. The mark (`planned →
sending`) is a synchronous commit right before MAIL FROM, of a row that nobody changed since it was read. It skips one
that somebody holds instead of waiting: after a wait PostgreSQL re-reads the row but no other table, and a stop could be
missed. What the server took is recorded in the same transaction as the next mark, by a statement before it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns import gate
from integrations.ports import Outcome
from outreach.lib.prepared import Prepared, run
from outreach.lib.retrying import retried

_SETTLE = """
UPDATE campaigns_message SET state = 'uncertain'
 WHERE mailbox_id = %s AND state = 'sending' AND lease_token < %s
RETURNING id
"""
_SUSPECT = """
UPDATE campaigns_message SET worker_deaths = 1
 WHERE id = ANY (ARRAY(SELECT unnest(claimed) FROM campaigns_mailboxround WHERE mailbox_id = %s))
   AND state = 'planned' AND worker_deaths = 0
RETURNING id
"""
# Mostly there is none: that is asked once, before anything planned is looked at.
_REHEARSALS = "FROM campaigns_campaign r WHERE r.rehearsal_of_id IS NOT NULL AND r.state = 'running'"
_REHEARSED = f"EXISTS (SELECT 1 {_REHEARSALS}) AND m.campaign_id = ANY (ARRAY(SELECT r.id {_REHEARSALS}))"


def _claim(which: str = "") -> Prepared:
    return Prepared(
        f"""
WITH picked AS MATERIALIZED (
    SELECT m.id FROM campaigns_message m
     WHERE m.mailbox_id = $1 AND m.state = 'planned' AND m.send_at <= $3 AND m.id <> ALL ($5) {which}
       AND ({gate.MOSTLY_PASSES} OR {gate.PASSES})
     ORDER BY m.send_at LIMIT $4),
noted AS (
    INSERT INTO campaigns_mailboxround (mailbox_id, looked_at, claimed)
    SELECT b.id, $3, ARRAY(SELECT id FROM picked) FROM integrations_mailbox b
     WHERE b.id = $1 AND b.lease_token = $2 AND b.lease_until > clock_timestamp()
        ON CONFLICT (mailbox_id) DO UPDATE SET claimed = excluded.claimed
    RETURNING claimed)
SELECT unnest(claimed) FROM noted""",  # noqa: S608
        ("bigint", "bigint", "timestamptz", "int", "bigint[]"),
    )


_CLAIM = _claim()
_CLAIM_REHEARSALS = _claim(f"AND {_REHEARSED}")


def _mark(passes: str) -> Prepared:
    """One statement, so that no wait lies between the gate and the mark.

    The state is asked so that no plan looks for it in the index of what is planned: everything that was planned lately
    lies there until the next vacuum. Whoever changes a row writes a new one (`xmin`): what was composed from the old
    one is not said any more.
    """
    return Prepared(
        f"""
WITH said AS (SELECT * FROM unnest($3, $4, $5, $6, $7) AS said (id, version, subject, text, html)),
picked AS MATERIALIZED (
    SELECT m.id FROM campaigns_message m
     WHERE m.id = ANY ($3) AND m.state IS NOT DISTINCT FROM 'planned' AND {passes}
       FOR UPDATE OF m SKIP LOCKED)
UPDATE campaigns_message t
   SET state = 'sending', lease_token = $1, marked_at = clock_timestamp(), handed_over_at = $2,
       attempts = attempts + 1, subject = said.subject, text = said.text, html = said.html
  FROM said JOIN picked USING (id)
 WHERE t.id = said.id AND t.xmin::text = said.version
   AND EXISTS (SELECT 1 FROM integrations_mailbox b
                WHERE b.id = t.mailbox_id AND b.lease_token = $1 AND b.lease_until > clock_timestamp())
RETURNING t.id""",  # noqa: S608
        ("bigint", "timestamptz", "bigint[]", "text[]", "text[]", "text[]", "text[]"),
    )


_MARK = _mark(gate.PASSES)
_MARK_MOSTLY = _mark(gate.MOSTLY_PASSES)
_ENDED = Prepared(
    """
WITH ended AS (
    SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8)
        AS ended (id, code, status, reply, next_step_key, due_at, look_at)),
recorded AS (
    UPDATE campaigns_message t
       SET state = 'sent', smtp_phase = 'accepted', smtp_code = code, smtp_status = status, smtp_reply = reply
      FROM ended
     WHERE t.id = ended.id AND t.lease_token = $1 AND t.state IN ('sending', 'uncertain')
    RETURNING t.enrollment_id, ended.*)
UPDATE campaigns_enrollment e
   SET steps_handed_over = steps_handed_over + 1, next_step_key = recorded.next_step_key, look_at = recorded.look_at,
       due_at = COALESCE(recorded.due_at, e.due_at),
       state = CASE recorded.next_step_key WHEN '' THEN 'finished' ELSE state END,
       ended_at = CASE recorded.next_step_key WHEN '' THEN clock_timestamp() END
  FROM recorded
 WHERE e.id = recorded.enrollment_id AND e.state = 'active'""",
    ("bigint", "bigint[]", "int[]", "text[]", "text[]", "text[]", "timestamptz[]", "timestamptz[]"),
)
_OUTCOME = """
UPDATE campaigns_message
   SET state = %s, smtp_phase = %s, smtp_code = %s, smtp_status = %s, smtp_reply = %s
 WHERE id = %s AND lease_token = %s AND state IN ('sending', 'uncertain')
RETURNING id
"""
_GIVE_BACK = """
UPDATE campaigns_message SET state = 'planned', lease_token = NULL, send_at = %s
 WHERE id = %s AND lease_token = %s AND state IN ('sending', 'uncertain')
RETURNING id
"""
_PUT_OFF = "UPDATE campaigns_message SET send_at = %s WHERE id = %s AND state = 'planned'"
_UNMARK = """
UPDATE campaigns_message SET state = 'planned', lease_token = NULL, attempts = attempts - 1
 WHERE id = ANY(%s) AND lease_token = %s AND state IN ('sending', 'uncertain')
"""
_RELEASE = """
UPDATE campaigns_mailboxround r SET claimed = '{}' FROM integrations_mailbox b
 WHERE r.mailbox_id = %s AND r.claimed <> '{}' AND b.id = r.mailbox_id AND b.lease_token = %s
"""
_BEGUN_SINCE = """
SELECT count(*) FROM campaigns_message
 WHERE mailbox_id = %s AND handed_over_at >= %s
   AND state IN ('sending', 'sent', 'refused', 'uncertain', 'abandoned') AND awaits = ''
"""


def _ids(statement: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def settle(*, mailbox_id: int, token: int) -> int:
    """What earlier owners of the mailbox left behind: what was being sent becomes uncertain. Returns how many.

    What they had claimed stays planned, and is suspect now: a worker may have died of it (campaigns.suspects).
    """
    return len(_ids(_SETTLE, [mailbox_id, token])) + len(_ids(_SUSPECT, [mailbox_id]))


def claim(*, mailbox_id: int, token: int, now: datetime, limit: int, held: Collection[int] = ()) -> list[int]:
    """Up to `limit` messages whose slot has come and that the gate lets pass, `held` ones aside; first come first.

    They are noted as what this owner composes next, instead of those before. Empty when the lease was lost.
    """
    with connection.cursor() as cursor:
        return [pk for (pk,) in run(cursor, (_CLAIM, [mailbox_id, token, now, limit, list(held)]))]


def claim_rehearsals(
    *, mailbox_id: int, token: int, now: datetime, limit: int, held: Collection[int] = ()
) -> list[int]:
    """`claim` for what is rehearsed through this mailbox."""
    with connection.cursor() as cursor:
        return [pk for (pk,) in run(cursor, (_CLAIM_REHEARSALS, [mailbox_id, token, now, limit, list(held)]))]


@dataclass(frozen=True, slots=True)
class Said:
    """A message in the exact words that are about to be handed over; `version` is that of the row they come from."""

    message_id: int
    version: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A message that the server took, and how its person's way goes on: "" and None when that was the last step."""

    message_id: int
    outcome: Outcome
    next_step_key: str
    due_at: datetime | None
    look_at: datetime | None


def mark(
    *, said: Sequence[Said], token: int, now: datetime, ended: Sequence[Ended] = (), in_full: bool = False
) -> set[int]:
    """Commits that these hand-overs begin, and that those before ended, in one transaction and one trip.

    Returns whose hand-over begins; the others must not be handed over now. Begun is what the gate lets pass at this
    moment, whatever the end of those before had to wait for. The whole gate is asked about those alone that what mostly
    holds does not let pass, by a second commit; about all of them at once when it is known to be needed (`in_full`).
    """
    first = _MARK if in_full else _MARK_MOSTLY
    with connection.cursor() as cursor:
        calls = [(_ENDED, _ended_values(ended, token))] if ended else []
        begun = {pk for (pk,) in run(cursor, *calls, (first, _said_values(said, token, now)))}
        left = [each for each in said if each.message_id not in begun]
        if left and not in_full:
            begun |= {pk for (pk,) in run(cursor, (_MARK, _said_values(left, token, now)))}
    return begun


def _said_values(said: Sequence[Said], token: int, now: datetime) -> list[Any]:
    rows = ((each.message_id, each.version, each.subject, each.text, each.html) for each in said)
    return [token, now, *map(list, zip(*rows, strict=True))]


@retried
def end(*, ended: Sequence[Ended], token: int) -> None:
    """Records what the server took, and each person goes on; one that was stopped meanwhile stays stopped."""
    with connection.cursor() as cursor:
        run(cursor, (_ENDED, _ended_values(ended, token)))


def _ended_values(ended: Sequence[Ended], token: int) -> list[Any]:
    rows = (
        (
            each.message_id,
            each.outcome.code,
            each.outcome.status[:12],
            each.outcome.reply[:500],
            each.next_step_key,
            each.due_at,
            each.look_at,
        )
        for each in ended
    )
    return [token, *map(list, zip(*rows, strict=True))]


@retried
def unmark(*, message_ids: Collection[int], token: int) -> None:
    """Of these nothing was handed over: those that were marked wait for the next claim."""
    with connection.cursor() as cursor:
        cursor.execute(_UNMARK, [list(message_ids), token])


def record(*, message_id: int, token: int, state: str, outcome: Outcome) -> bool:
    """Ends the hand-over as `state`. False when the row is no longer ours (a person or an event decided meanwhile)."""
    words = [outcome.phase, outcome.code, outcome.status[:12], outcome.reply[:500]]
    return bool(_ids(_OUTCOME, [state, *words, message_id, token]))


def give_back(*, message_id: int, token: int, send_at: datetime) -> bool:
    """Nothing was handed over: the same row waits for another slot."""
    return bool(_ids(_GIVE_BACK, [send_at, message_id, token]))


def put_off(*, message_id: int, send_at: datetime) -> None:
    """A planned message waits for another slot."""
    with connection.cursor() as cursor:
        cursor.execute(_PUT_OFF, [send_at, message_id])


def release(*, mailbox_id: int, token: int) -> None:
    """The owner composes nothing any more."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [mailbox_id, token])


def begun_since(*, mailbox_id: int, since: datetime) -> int:
    """How many hand-overs of this mailbox began since then (business time); what people did themselves is none."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGUN_SINCE, [mailbox_id, since])
        row = cursor.fetchone()
    return int(row[0])
