"""The numbers that pages read, counted from the ledger and the events in a few statements; days are UTC days."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from campaigns import staging
from campaigns.models import Campaign, CountCursor

LOCK = 0x434F554E  # advisory lock number of whoever counts
DAY = timedelta(days=1)
WEEK = 7
PER_TICK = 100_000  # people whose standing one run counts, about: who has waited longest comes first

# What counts of what came back (alias e). A person's click, a bounce for good; the first of its kind on a message.
_COUNTS = """(e.kind IN ('complained', 'replied', 'unsubscribed')
          OR (e.kind = 'clicked' AND NOT e.by_machine)
          OR (e.kind = 'bounced' AND e.detail->'permanent' = 'true'))"""

_DAILY = f"""
WITH days AS (SELECT unnest(%(days)s::date[]) AS day),
came_back AS MATERIALIZED (
    SELECT e.id, e.message_id, e.kind, e.occurred_at, (e.occurred_at AT TIME ZONE 'UTC')::date AS day
      FROM campaigns_event e
     WHERE e.occurred_at >= %(first)s AND e.occurred_at < %(last)s AND e.message_id IS NOT NULL AND {_COUNTS}
       AND (e.occurred_at AT TIME ZONE 'UTC')::date = ANY(%(days)s::date[])),
first_of_kind AS (
    SELECT b.* FROM came_back b
     WHERE NOT EXISTS (SELECT 1 FROM campaigns_event e WHERE e.message_id = b.message_id AND e.kind = b.kind
                          AND {_COUNTS} AND (e.occurred_at, e.id) < (b.occurred_at, b.id))),
first_yes AS (
    SELECT b.* FROM came_back b JOIN campaigns_reply r ON r.event_id = b.id AND r.reply_class = 'positive'
     WHERE NOT EXISTS (SELECT 1 FROM campaigns_event e JOIN campaigns_reply o ON o.event_id = e.id
                        WHERE e.message_id = b.message_id AND o.reply_class = 'positive'
                          AND (e.occurred_at, e.id) < (b.occurred_at, b.id))),
facts AS (
    SELECT m.campaign_id, m.step_key, d.day, m.state AS fact, count(*) AS n
      FROM days d
      JOIN campaigns_message m ON m.handed_over_at >= d.day::timestamp AT TIME ZONE 'UTC'
                              AND m.handed_over_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
     WHERE m.state IN ('sent', 'refused', 'uncertain', 'abandoned') GROUP BY 1, 2, 3, 4
     UNION ALL
    SELECT m.campaign_id, m.step_key, f.day, f.kind, count(*)
      FROM first_of_kind f JOIN campaigns_message m ON m.id = f.message_id GROUP BY 1, 2, 3, 4
     UNION ALL
    SELECT m.campaign_id, m.step_key, f.day, 'positive', count(*)
      FROM first_yes f JOIN campaigns_message m ON m.id = f.message_id GROUP BY 1, 2, 3),
counted AS MATERIALIZED (
    SELECT f.campaign_id, f.step_key, f.day,
           {{sums}}
      FROM facts f JOIN campaigns_campaign c ON c.id = f.campaign_id AND c.rehearsal_of_id IS NULL
     GROUP BY 1, 2, 3),
gone AS (
    DELETE FROM campaigns_dailycount o
     WHERE o.day = ANY(%(days)s::date[])
       AND NOT EXISTS (SELECT 1 FROM counted n WHERE n.campaign_id = o.campaign_id AND n.step_key = o.step_key
                                                  AND n.day = o.day))
INSERT INTO campaigns_dailycount AS o (campaign_id, step_key, day, {{names}})
SELECT campaign_id, step_key, day, {{names}} FROM counted
    ON CONFLICT (campaign_id, step_key, day) DO UPDATE SET ({{names}}) = ROW({{new}})
 WHERE ({{old}}) IS DISTINCT FROM ({{new}})
"""  # noqa: S608
_COLUMNS = {
    "sent": "'sent'",
    "refused": "'refused'",
    "uncertain": "'uncertain', 'abandoned'",
    "bounced": "'bounced'",
    "complained": "'complained'",
    "clicked": "'clicked'",
    "replied": "'replied'",
    "positive": "'positive'",
    "unsubscribed": "'unsubscribed'",
}
_DAILY = _DAILY.format(
    names=", ".join(_COLUMNS),
    sums=",\n           ".join(
        f"coalesce(sum(n) FILTER (WHERE fact IN ({facts})), 0)::int AS {name}" for name, facts in _COLUMNS.items()
    ),
    new=", ".join(f"excluded.{name}" for name in _COLUMNS),
    old=", ".join(f"o.{name}" for name in _COLUMNS),
)

# Days that new events and corrected answers speak of, those of older events on the same messages (another may now be
# the first), and days of hand-overs that we were not sure about: an answer proves them.
_DAYS_OF_EVENTS = """
WITH news AS (SELECT DISTINCT message_id FROM campaigns_event
               WHERE id > %(since)s AND message_id IS NOT NULL
               UNION SELECT message_id FROM campaigns_reply
               WHERE relabelled_at > coalesce(%(until)s, '-infinity'::timestamptz) AND message_id IS NOT NULL)
SELECT DISTINCT (e.occurred_at AT TIME ZONE 'UTC')::date FROM news JOIN campaigns_event e USING (message_id)
 UNION
SELECT DISTINCT o.day FROM news JOIN campaigns_message m ON m.id = news.message_id
  JOIN campaigns_dailycount o ON o.campaign_id = m.campaign_id AND o.step_key = m.step_key AND o.uncertain > 0
                             AND o.day = (m.handed_over_at AT TIME ZONE 'UTC')::date
"""
_EVERY_DAY = """
SELECT DISTINCT (handed_over_at AT TIME ZONE 'UTC')::date FROM campaigns_message WHERE handed_over_at IS NOT NULL
 UNION
SELECT DISTINCT (occurred_at AT TIME ZONE 'UTC')::date FROM campaigns_event
 UNION
SELECT DISTINCT day FROM campaigns_dailycount
"""
# Transactions commit out of order: what was written in the last minute is looked at again.
_MOVE_CURSOR = """
INSERT INTO campaigns_countcursor (id, last_event_id, relabelled_until)
SELECT 1, coalesce(max(id), %(since)s), clock_timestamp() - interval '1 minute' FROM campaigns_event
 WHERE id > %(since)s AND created_at < clock_timestamp() - interval '1 minute'
    ON CONFLICT (id) DO UPDATE SET (last_event_id, relabelled_until)
     = ROW(excluded.last_event_id, excluded.relabelled_until)
"""

_STANDING = """
WITH ways AS (
    SELECT e.campaign_id, e.state, e.stop_reason, count(*) AS n,
           count(*) FILTER (WHERE e.steps_handed_over = 0) AS fresh
      FROM campaigns_enrollment e WHERE e.campaign_id = ANY(%(ids)s) GROUP BY 1, 2, 3),
open AS (
    SELECT campaign_id, count(*) AS n FROM campaigns_message
     WHERE state = 'planned' AND campaign_id = ANY(%(ids)s) GROUP BY 1)
INSERT INTO campaigns_campaigncount AS o
       (campaign_id, enrolled, active, not_begun, finished, stopped, planned, counted_at)
SELECT c.id, coalesce(sum(w.n), 0), coalesce(sum(w.n) FILTER (WHERE w.state = 'active'), 0),
       coalesce(sum(w.fresh) FILTER (WHERE w.state = 'active'), 0),
       coalesce(sum(w.n) FILTER (WHERE w.state = 'finished' AND w.stop_reason = ''), 0),
       coalesce(jsonb_object_agg(w.stop_reason, w.n) FILTER (WHERE w.state <> 'active' AND w.stop_reason <> ''), '{}'),
       coalesce(max(open.n), 0), %(now)s
  FROM campaigns_campaign c LEFT JOIN ways w ON w.campaign_id = c.id LEFT JOIN open ON open.campaign_id = c.id
 WHERE c.id = ANY(%(ids)s) GROUP BY c.id
    ON CONFLICT (campaign_id) DO UPDATE SET (enrolled, active, not_begun, finished, stopped, planned, counted_at)
     = ROW(excluded.enrolled, excluded.active, excluded.not_begun, excluded.finished, excluded.stopped,
           excluded.planned, excluded.counted_at)
"""


@dataclass(frozen=True)
class Recounted:
    """What one run counted; `ran` is False when another was at it."""

    ran: bool
    days: int = 0
    campaigns: int = 0


def recount(*, now: datetime) -> Recounted:
    """Counts today, yesterday and every day that news speak of, and where people of open campaigns stand.

    News are events and corrected answers. The first run of an installation counts everything. Leaves at once when
    another one counts. Running twice changes nothing.
    """
    with transaction.atomic():
        if not _alone():
            return Recounted(ran=False)
        cursor = CountCursor.objects.filter(pk=1).first()
        if cursor is None:
            return _everything(now)
        today = now.astimezone(UTC).date()
        days = {today, today - DAY, *_column(_DAYS_OF_EVENTS, _since(cursor))}
        _count_days(days)
        staging.catch_up(since=cursor.last_event_id, now=now)
        _move_cursor(cursor.last_event_id)
        return Recounted(True, len(days), _count_standing(_next_ids(), now))


def recount_week(*, now: datetime) -> Recounted:
    """Counts the last seven days and every launched campaign anew: what a person decided later is seen here."""
    with transaction.atomic():
        if not _alone():
            return Recounted(ran=False)
        today = now.astimezone(UTC).date()
        days = {today - n * DAY for n in range(WEEK + 1)}
        _count_days(days)
        staging.last_day(now=now)
        return Recounted(True, len(days), _count_standing(_ids(_campaigns()), now))


def rebuild(*, now: datetime) -> Recounted:
    """Counts everything there ever was from the ledger; the same numbers as all the runs before, if they were right."""
    with transaction.atomic():
        return _everything(now) if _alone() else Recounted(ran=False)


def recount_campaign(*, campaign: Campaign, now: datetime) -> None:
    """Where this campaign's people stand, at once: after a launch, say. A rehearsal is never counted."""
    if campaign.rehearsal_of_id is None:
        _count_standing({campaign.pk}, now)


def _everything(now: datetime) -> Recounted:
    days = set(_column(_EVERY_DAY, {}))
    _count_days(days)
    staging.everything()
    _move_cursor(0)
    return Recounted(True, len(days), _count_standing(_ids(_campaigns()), now))


def _alone() -> bool:
    return bool(_column("SELECT pg_try_advisory_xact_lock(%(lock)s)", {"lock": LOCK})[0])


def _campaigns() -> QuerySet[Campaign]:
    return Campaign.objects.filter(rehearsal_of=None).exclude(state=Campaign.State.DRAFT)


def _ids(campaigns: QuerySet[Campaign]) -> set[int]:
    return set(campaigns.values_list("id", flat=True))


def _next_ids() -> set[int]:
    """Open campaigns and those never counted, the longest uncounted first, as many as one run has time for."""
    open_ones = Q(state__in=(Campaign.State.RUNNING, Campaign.State.PAUSED)) | Q(count=None)
    rows = _campaigns().filter(open_ones).order_by(F("count__counted_at").asc(nulls_first=True), "id")
    chosen, people = set(), 0
    for pk, enrolled in rows.values_list("id", "count__enrolled"):
        if people >= PER_TICK:
            break
        chosen.add(pk)
        people += enrolled or 0
    return chosen


def _count_days(days: Collection[date]) -> None:
    if not days:
        return
    bounds = {"first": _midnight(min(days)), "last": _midnight(max(days) + DAY)}
    with connection.cursor() as cursor:
        cursor.execute(_DAILY, {"days": sorted(days), **bounds})


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _move_cursor(since: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_CURSOR, {"since": since})


def _count_standing(ids: Collection[int], now: datetime) -> int:
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_STANDING, {"ids": sorted(ids), "now": now})
    return len(ids)


def _since(cursor: CountCursor) -> dict[str, Any]:
    return {"since": cursor.last_event_id, "until": cursor.relabelled_until}


def _column(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]
