"""Of each site one person at a time, the best first: whose turn it is in a campaign that is set so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

LAST = 2**63 - 1  # the greatest key there is
MINE, LATER, ANSWERED = "", "later", "answered"

# A personal address before a role's, whoever is known by first and last name, then the older row. Lower comes first.
RANK = """CASE q.address_kind WHEN '' THEN 0 WHEN 'role' THEN 2 ELSE 4 END
          + CASE WHEN q.first_name <> '' AND q.last_name <> '' THEN 0 ELSE 1 END"""
# Whoever reacted, by yes or no, spoke for the site.
REACTED = ("replied", "positive_reply", "declined", "unsubscribed", "complained", "joined")
BEGUN = "(SELECT min(o.id) FROM campaigns_message o WHERE o.enrollment_id = x.id AND o.state <> 'cancelled')"

_TURNS = f"""
SELECT wanted.campaign_id, wanted.site_id, first.id, reacted.people
  FROM unnest(%(campaigns)s::bigint[], %(sites)s::bigint[]) AS wanted(campaign_id, site_id)
  LEFT JOIN LATERAL (
       SELECT x.id FROM prospects_prospect q
         JOIN campaigns_enrollment x ON x.prospect_id = q.id AND x.campaign_id = wanted.campaign_id
        WHERE q.site_id = wanted.site_id AND q.person_id IS NULL AND x.state = 'active'
        ORDER BY {BEGUN} NULLS LAST, {RANK}, q.id LIMIT 1) first ON true
 CROSS JOIN LATERAL (
       SELECT coalesce(array_agg(coalesce(q.person_id, q.id)), ARRAY[]::bigint[]) AS people FROM prospects_prospect q
         JOIN campaigns_enrollment x ON x.prospect_id = q.id AND x.campaign_id = wanted.campaign_id
        WHERE q.site_id = wanted.site_id
          AND (x.stop_reason = ANY(%(reacted)s)
               OR EXISTS (SELECT 1 FROM campaigns_reply r JOIN campaigns_message o ON o.id = r.message_id
                           WHERE r.prospect_id = q.id AND o.campaign_id = x.campaign_id))) reacted
"""  # noqa: S608
# Whoever is not first at their site is looked at a day later; nobody has decided anything about them yet. Who has begun
# is told by the row itself: a way has an open message while it is not looked at.
_LINE_UP = f"""
UPDATE campaigns_enrollment e SET look_at = e.look_at + interval '1 day'
  FROM (SELECT x.id, row_number() OVER (
                  PARTITION BY q.site_id
                  ORDER BY x.steps_handed_over > 0 OR x.look_at IS NULL DESC, {RANK}, q.id) AS place
          FROM campaigns_enrollment x JOIN prospects_prospect q ON q.id = x.prospect_id
         WHERE x.campaign_id = %s AND x.state = 'active' AND q.person_id IS NULL
           AND q.site_id > %s AND q.site_id <= %s) line
 WHERE e.id = line.id AND line.place > 1 AND e.look_at = %s AND e.steps_handed_over = 0
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Way:
    """An enrollment of a campaign that is set so, with its person and their site."""

    enrollment_id: int
    campaign_id: int
    prospect_id: int
    site_id: int


def of(ways: Iterable[Way]) -> dict[int, str]:
    """By enrollment whose turn it is: MINE, LATER, or that somebody else of the site ANSWERED. One query, or none."""
    looked_at = list(ways)
    places = sorted({(way.campaign_id, way.site_id) for way in looked_at})
    if not places:
        return {}
    values: dict[str, Any] = {
        "campaigns": [campaign for campaign, _ in places],
        "sites": [site for _, site in places],
        "reacted": list(REACTED),
    }
    with connection.cursor() as cursor:
        cursor.execute(_TURNS, values)
        known = {(campaign, site): (first, set(people)) for campaign, site, first, people in cursor.fetchall()}
    return {way.enrollment_id: _turn(way, *known[way.campaign_id, way.site_id]) for way in looked_at}


def _turn(way: Way, first: int | None, reacted: set[int]) -> str:
    if reacted - {way.prospect_id}:
        return ANSWERED
    return MINE if first in (None, way.enrollment_id) else LATER


def line_up(*, campaign_id: int, now: datetime, after: int = 0, upto: int = LAST) -> None:
    """Of those who were enrolled at this moment only the first of each site is looked at soon; of the sites with these
    keys. One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LINE_UP, [campaign_id, after, upto, now])
