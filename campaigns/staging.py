"""What hand-overs and events say about people, told to prospects in sets: their stages, and what they did last."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import User
from campaigns.models import Reply
from integrations.ports import ReplyClass
from prospects import engagement, stages
from prospects.models import Engagement, Stage, StageChange

LOOK_BACK = timedelta(minutes=5)  # clocks of workers differ, and their transactions end out of order
A_DAY = timedelta(days=1)
NOES = (ReplyClass.NEGATIVE, ReplyClass.UNSUBSCRIBE)
ANSWERED = "answered"  # how the reason of a change begins that an answer made

# A rehearsal speaks of nobody, nor does the demo world where it plays a real person.
_REAL = """
  JOIN campaigns_campaign c ON c.id = m.campaign_id AND c.rehearsal_of_id IS NULL
  JOIN prospects_prospect p ON p.id = m.prospect_id AND (p.is_demo OR NOT c.is_demo)"""
# An uncertain hand-over counts as one: they may have been written to.
_HANDED_OVER = f"""
  FROM campaigns_message m {_REAL}
 WHERE m.handed_over_at >= %(handed_over_since)s AND m.state IN ('sent', 'uncertain', 'abandoned')"""
_EVENTS = f"""
  FROM campaigns_event e
  JOIN campaigns_message m ON m.id = e.message_id {_REAL}"""
_BOUNCED = "e.kind = 'bounced' AND e.detail->'permanent' = 'true'"
_CLICKED = "e.kind = 'clicked' AND NOT e.by_machine"

_ENGAGEMENT = f"""
SELECT m.prospect_id, max(m.handed_over_at) AS contacted_at, NULL::timestamptz AS clicked_at,
       NULL::timestamptz AS replied_at, NULL::timestamptz AS bounced_at {_HANDED_OVER} GROUP BY m.prospect_id
 UNION ALL
SELECT e.prospect_id, NULL, max(e.occurred_at) FILTER (WHERE {_CLICKED}),
       max(e.occurred_at) FILTER (WHERE e.kind = 'replied'), max(e.occurred_at) FILTER (WHERE {_BOUNCED}) {_EVENTS}
 WHERE e.id > %(since)s AND (e.kind = 'replied' OR ({_BOUNCED}) OR ({_CLICKED})) GROUP BY e.prospect_id
"""
_STAGES = f"""
SELECT m.prospect_id, c.program_id, 'contacted' AS name, 'the first mail was sent' AS why,
       min(m.handed_over_at) AS at {_HANDED_OVER} GROUP BY m.prospect_id, c.program_id
 UNION ALL
SELECT e.prospect_id, c.program_id,
       CASE WHEN e.kind = 'bounced' THEN 'unreachable'
            WHEN e.kind = 'replied' AND coalesce(r.reply_class, '') NOT IN ('negative', 'unsubscribe') THEN 'replied'
            ELSE 'declined' END,
       CASE e.kind WHEN 'bounced' THEN 'the mail came back for good' WHEN 'complained' THEN 'marked our mail as spam'
                   WHEN 'unsubscribed' THEN 'unsubscribed'
                   ELSE '{ANSWERED}' || CASE coalesce(r.reply_class, '')
                       WHEN 'positive' THEN ': interested' WHEN 'question' THEN ': a question'
                       WHEN 'negative' THEN ': not interested' WHEN 'unsubscribe' THEN ': asked us to stop'
                       ELSE '' END END,
       e.occurred_at {_EVENTS} LEFT JOIN campaigns_reply r ON r.event_id = e.id
 WHERE e.id > %(since)s AND (e.kind IN ('replied', 'complained', 'unsubscribed') OR ({_BOUNCED}))
"""
# The newest hand-over that was told says where to go on; one that is being made is waited for. NULL: from the start.
_HANDED_OVER_SINCE = """
SELECT CASE WHEN told.newest IS NOT NULL THEN
         least(told.newest, %(now)s, (SELECT min(handed_over_at) FROM campaigns_message WHERE state = 'sending'))
         - %(look_back)s END
  FROM (SELECT max(contacted_at) AS newest FROM prospects_engagement) told
"""
# The fence keeps PostgreSQL from reading all events in the order of their ids to find the first of a day.
_EVENTS_OF_A_DAY = """
SELECT coalesce(min(id) - 1, %(none)s)
  FROM (SELECT id FROM campaigns_event WHERE created_at > clock_timestamp() - interval '1 day' OFFSET 0) fresh
"""
NO_EVENT = 2**63 - 1


@dataclass(frozen=True)
class Staged:
    """For how many people something was new, and how many stages changed."""

    people: int
    moves: int


def catch_up(*, since: int, now: datetime) -> Staged:
    """Tells what happened since the event with this id and the last hand-over told. Running twice changes nothing.

    Where nothing was told yet, everything is. Call it where only one runs at a time.
    """
    if not Engagement.objects.exists():
        return everything()
    begun = _value(_HANDED_OVER_SINCE, {"now": now, "look_back": LOOK_BACK})
    return _tell(since, begun)


def last_day(*, now: datetime) -> Staged:
    """Tells the last day anew: what a process that stood still wrote late is seen here."""
    return _tell(_value(_EVENTS_OF_A_DAY, {"none": NO_EVENT}), now - A_DAY)


def everything() -> Staged:
    """Tells all there ever was."""
    return _tell(0, None)


def corrected(*, reply: Reply, by: User | None, now: datetime) -> bool:
    """Somebody read an answer anew: a no moves its person to declined, what was no no takes that back.

    Only where the system's own rule, or its reading of an answer, is all that stands against it.
    """
    if reply.message is None:
        return False
    person = reply.prospect.person or reply.prospect
    program = reply.message.campaign.program
    last = StageChange.objects.filter(prospect=person, program=program).order_by("-id").first()
    stands = last.new if last else Stage.Name.IDENTIFIED
    if reply.reply_class in NOES:
        to, moves = Stage.Name.DECLINED, stages.RANKS[stands] < stages.RANKS[Stage.Name.DECLINED]
    else:
        misread = last is not None and last.changed_by_id is None and last.why.startswith(ANSWERED)
        to, moves = Stage.Name.REPLIED, stands == Stage.Name.DECLINED and misread
    why = "their answer was read anew"
    return moves and stages.move(prospect=person, program=program, to=to, why=why, by=by, now=now)


def _tell(since: int, handed_over_since: datetime | None) -> Staged:
    values = {"since": since, "handed_over_since": handed_over_since or "-infinity"}
    return Staged(
        people=engagement.note(facts=_ENGAGEMENT, values=values), moves=stages.advance(facts=_STAGES, values=values)
    )


def _value(statement: str, values: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]
