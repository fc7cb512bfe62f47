"""What the gate asks of the rules over all campaigns, as SQL, and what moves a planned message away from them.

The planner keeps slots apart; this is for what a deferral, a release or a new rule brought closer. Two planned messages
that are too close: the later one moves. One that was begun: whatever is too close after it moves.
"""

from collections.abc import Collection

from django.db import connection

from campaigns.rules import lining_up

# Aliases as in the gate: a message m, its campaign c, its person p with their site s, the rules r, and their country's
# rule n. Without a row of rules every r is NULL.
_IS_SET = "coalesce(r.{}, 0) > 0"
_PERSON_DAYS = "make_interval(days => r.person_days)"
_SITE_DAYS = "make_interval(days => r.site_days)"
_BEGUN = "o.state IN ('sending', 'sent', 'refused', 'uncertain', 'abandoned')"
# Rehearsals touch nobody, and the demo world nobody outside it.
_REAL = "k.rehearsal_of_id IS NULL AND (p.is_demo OR NOT k.is_demo)"
_OWN_ROWS = "SELECT q.id FROM prospects_prospect q WHERE q.id = p.id OR q.person_id = p.id"
_COLLEAGUES = (
    "SELECT q.id FROM prospects_prospect q WHERE q.site_id = p.site_id AND coalesce(q.person_id, q.id) <> p.id"
)
_TOUCHES = f"""
  FROM campaigns_message o JOIN campaigns_campaign k ON k.id = o.campaign_id AND {_REAL}
 WHERE o.prospect_id = ANY (ARRAY({{rows}})) AND o.id <> m.id"""
_BEGUN_TOUCHES = f"{_TOUCHES} AND {_BEGUN} AND o.handed_over_at > m.send_at - {{days}}"


def _rested(column: str, rows: str, days: str) -> str:
    touches = _BEGUN_TOUCHES.format(rows=rows, days=days)
    return f"(NOT {_IS_SET.format(column)} OR NOT EXISTS (SELECT 1 {touches}))"


PERSON_RESTED = _rested("person_days", _OWN_ROWS, _PERSON_DAYS)
SITE_RESTED = _rested("site_days", _COLLEAGUES, _SITE_DAYS)
SITE_ANSWER_RESTED = """(s.answered_at IS NULL OR r.site_reply IS DISTINCT FROM 'hold'
    OR m.send_at >= s.answered_at + make_interval(days => r.site_reply_days))"""
# Whose first message is the older one goes on; by its key, which the one planner gives in its order.
NOT_BUSY = f"""(coalesce(r.exclusive, 'none') = 'none' OR NOT EXISTS (
    SELECT 1 FROM prospects_prospect q
      JOIN campaigns_enrollment w ON w.prospect_id = q.id AND w.state = 'active' AND w.campaign_id <> m.campaign_id
      JOIN campaigns_campaign k ON k.id = w.campaign_id AND k.state IN ('running', 'paused') AND {_REAL}
     WHERE (q.id = p.id OR q.person_id = p.id OR (q.site_id = p.site_id AND r.exclusive = 'site'))
       AND (SELECT min(o.id) FROM campaigns_message o WHERE o.enrollment_id = w.id AND o.state <> 'cancelled')
           < (SELECT min(o.id) FROM campaigns_message o WHERE o.enrollment_id = m.enrollment_id
                                                          AND o.state <> 'cancelled')))"""  # noqa: S608


# Of a site one person at a time: whose first message is the older one.
TURN = f"""(NOT c.one_per_site OR NOT EXISTS (
    SELECT 1 FROM prospects_prospect q
      JOIN campaigns_enrollment x ON x.prospect_id = q.id AND x.state = 'active' AND x.campaign_id = m.campaign_id
     WHERE q.site_id = p.site_id AND q.person_id IS NULL AND x.id <> m.enrollment_id
       AND {lining_up.BEGUN} < (SELECT min(o.id) FROM campaigns_message o WHERE o.enrollment_id = m.enrollment_id
                                                                        AND o.state <> 'cancelled')))"""  # noqa: S608
# To some countries nothing is said, to some nothing but a person's own message.
COUNTRY_ALLOWS = "n.rule IS DISTINCT FROM 'never'"
COUNTRY_ALLOWS_MAIL = "(m.awaits = 'task' OR n.rule IS DISTINCT FROM 'task')"
COUNTRY_UNRULED = "NOT EXISTS (SELECT 1 FROM campaigns_countryrule x WHERE x.country = p.country)"
_COUNTRY_REFUSES = f"NOT ({COUNTRY_ALLOWS} AND {COUNTRY_ALLOWS_MAIL})"


def _later(rows: str, days: str) -> str:
    """When the last touch that is too close is long enough ago; of two planned ones only the later waits."""
    at = "CASE WHEN o.state = 'planned' THEN o.send_at ELSE o.handed_over_at END"
    planned = f"o.state = 'planned' AND o.overdue_at IS NULL AND (o.send_at, o.id) < (m.send_at, m.id) AND {at}"
    return f"""SELECT max({at}) + {days} AS at {_TOUCHES.format(rows=rows)}
       AND ({planned} > m.send_at - {days} OR {_BEGUN} AND {at} > m.send_at - {days})"""


_MOVE = f"""
UPDATE campaigns_message SET send_at = late.at
  FROM (SELECT m.id, later.at
          FROM campaigns_message m
          JOIN campaigns_campaign c ON c.id = m.campaign_id AND c.rehearsal_of_id IS NULL
          JOIN prospects_prospect p ON p.id = m.prospect_id
          LEFT JOIN prospects_site s ON s.id = p.site_id
          LEFT JOIN campaigns_countryrule n ON n.country = p.country
          LEFT JOIN campaigns_touchrules r ON true
         CROSS JOIN LATERAL (SELECT max(each.at) AS at FROM (
               ({_later(_OWN_ROWS, _PERSON_DAYS)})
               UNION ALL ({_later(_COLLEAGUES, _SITE_DAYS)})
               UNION ALL SELECT s.answered_at + make_interval(days => r.site_reply_days) WHERE r.site_reply = 'hold'
               UNION ALL SELECT m.send_at + interval '1 day'
                         WHERE NOT {NOT_BUSY} OR NOT {TURN} OR {_COUNTRY_REFUSES}) each) later
         WHERE m.id = ANY(%(ids)s) AND m.state = 'planned' AND later.at > m.send_at
         FOR UPDATE OF m SKIP LOCKED) late
 WHERE late.id = campaigns_message.id
"""  # noqa: S608
TOUCHES_RULED = """EXISTS (SELECT 1 FROM campaigns_touchrules
    WHERE person_days > 0 OR site_days > 0 OR exclusive <> 'none' OR site_reply = 'hold')"""
_ONE_PER_SITE = "EXISTS (SELECT 1 FROM campaigns_campaign WHERE one_per_site AND state = 'running')"
_APART = f"SELECT {TOUCHES_RULED} OR {_ONE_PER_SITE}"
_RULED = f"{_APART} OR EXISTS (SELECT 1 FROM campaigns_countryrule)"  # noqa: S608


def is_ruled() -> bool:
    """Whether any rule keeps people or sites apart now. One query."""
    return _holds(_APART)


def move(*, message_ids: Collection[int]) -> int:
    """Planned messages that the rules keep apart from others wait longer; returns how many. Without rules one query.

    The window is asked when their time comes (campaigns.lanes).
    """
    if not _holds(_RULED):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {"ids": list(message_ids)})
        return int(cursor.rowcount)


def _holds(question: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return bool(cursor.fetchone()[0])
