"""Whose turn it is to be looked at: follow-ups before new people, and the campaigns of a mailbox in turn."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns import gate

# In which mailboxes somebody of which campaigns waits: each pair is one step along an index, however many they are.
_PAIRS = """
{name}(mailbox_id, campaign_id) AS (
    (SELECT e.mailbox_id, e.campaign_id FROM campaigns_enrollment e
      WHERE e.look_at IS NOT NULL AND e.steps_handed_over {handed_over}
      ORDER BY e.mailbox_id, e.campaign_id LIMIT 1)
    UNION ALL
    SELECT next.mailbox_id, next.campaign_id FROM {name} p CROSS JOIN LATERAL (
        SELECT e.mailbox_id, e.campaign_id FROM campaigns_enrollment e
         WHERE e.look_at IS NOT NULL AND e.steps_handed_over {handed_over}
           AND (e.mailbox_id, e.campaign_id) > (p.mailbox_id, p.campaign_id)
         ORDER BY e.mailbox_id, e.campaign_id LIMIT 1) next)"""
_FOLLOW_UPS = {"name": "follow_ups", "handed_over": "> 0", "changes": gate.CHANGES}
_NEW = {"name": "new_people", "handed_over": "= 0", "changes": gate.CHANGES}
_WAITING = f"WITH RECURSIVE {_PAIRS.format(**_FOLLOW_UPS)}, {_PAIRS.format(**_NEW)}"
# Nobody looks at the people of a campaign that does not run, or while it is being filled or revised (campaigns.filling,
# taking_along), nor at those for whom its day has no room.
_DUE_OF = """
    SELECT {rank} AS rank, p.mailbox_id, w.n, due.id, due.look_at,
           row_number() OVER (PARTITION BY p.mailbox_id, p.campaign_id ORDER BY due.look_at, due.id) AS turn
      FROM {name} p JOIN wanted w USING (mailbox_id)
      JOIN campaigns_campaign c ON c.id = p.campaign_id AND c.state = 'running' AND c.rehearsal_of_id IS NULL
       AND NOT {changes}
      LEFT JOIN room r ON r.campaign_id = p.campaign_id
     CROSS JOIN LATERAL (
           SELECT e.id, e.look_at FROM campaigns_enrollment e
            WHERE e.mailbox_id = p.mailbox_id AND e.campaign_id = p.campaign_id
              AND e.steps_handed_over {handed_over} AND e.look_at <= %(now)s
            ORDER BY e.look_at, e.id LIMIT least(w.n, r.n)) due"""
# For each mailbox no more than fit its free slots: follow-ups first, then new people. The campaigns take turns, each
# with its people in the order they fell due.
_DUE = f"""
{_WAITING},
wanted AS (SELECT * FROM unnest(%(mailboxes)s::bigint[], %(slots)s::int[]) AS w(mailbox_id, n)),
room AS (SELECT * FROM unnest(%(campaigns)s::bigint[], %(room)s::int[]) AS r(campaign_id, n)),
due AS ({_DUE_OF.format(rank=0, **_FOLLOW_UPS)} UNION ALL {_DUE_OF.format(rank=1, **_NEW)}),
placed AS (SELECT due.*, row_number() OVER (PARTITION BY mailbox_id ORDER BY rank, turn, look_at, id) AS place FROM due)
SELECT id FROM placed WHERE place <= n ORDER BY rank, turn, look_at, id
"""  # noqa: S608

_IS_DUE_IN = """
    SELECT 1 FROM {name} p JOIN campaigns_campaign c ON c.id = p.campaign_id
     WHERE (c.state = 'running' OR (c.rehearsal_of_id IS NOT NULL AND c.state <> 'archived'))
       AND NOT {changes}
       AND EXISTS (SELECT 1 FROM campaigns_enrollment e
                    WHERE e.mailbox_id = p.mailbox_id AND e.campaign_id = p.campaign_id
                      AND e.steps_handed_over {handed_over} AND e.look_at <= %(now)s)"""
_ARE_DUE = f"""
{_WAITING}
SELECT EXISTS ({_IS_DUE_IN.format(**_FOLLOW_UPS)} UNION ALL {_IS_DUE_IN.format(**_NEW)})
"""


def are_due(*, now: datetime) -> bool:
    """Whether anybody is to be looked at; mostly nobody is, and nothing else needs to be asked."""
    with connection.cursor() as cursor:
        cursor.execute(_ARE_DUE, {"now": now})
        return bool(cursor.fetchone()[0])


def of(*, wanted: Mapping[int, int], room: Mapping[int, int], now: datetime) -> list[int]:
    """The enrollments of running campaigns to look at, up to `wanted[mailbox_id]` for each mailbox.

    No more of a campaign are looked at in any of them than it has `room` for (by key; one that is not named has no
    limit). Rehearsals are not among them. One query, whose cost does not grow with how many wait.
    """
    values: dict[str, Any] = {"mailboxes": list(wanted), "slots": list(wanted.values()), "now": now}
    values |= {"campaigns": list(room), "room": list(room.values())}
    with connection.cursor() as cursor:
        cursor.execute(_DUE, values)
        return [pk for (pk,) in cursor.fetchall()]
