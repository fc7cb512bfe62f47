"""Looking again at once at people who wait for something that has ended: in sets, never one by one.

What many share (a country, a colleague, another campaign) is looked at once a day; these statements make it quicker.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from outreach.lib.retrying import retried

SOON = timedelta(minutes=15)  # who is looked at within this needs no waking

# Only whose last decision names the rule, or who were lined up behind a colleague when they came in
# (campaigns.rules.lining_up): everybody else who is not due yet stays asleep.
_OF_RULE = """
   AND e.state = 'active' AND e.look_at > %(soon)s
   AND coalesce((SELECT d.rule FROM campaigns_decision d WHERE d.enrollment_id = e.id
                  ORDER BY d.id DESC LIMIT 1), 'colleague_first') = ANY(%(rules)s)
"""
_WAKE = f"UPDATE campaigns_enrollment e SET look_at = %(now)s WHERE e.look_at IS NOT NULL {_OF_RULE}"  # noqa: S608
_WAKE_IN = f"{_WAKE} AND e.campaign_id = %(campaign)s"
# Along an index of what ended lately: a way that ends frees its person, and the others of its site.
_WAKE_FREED = f"""
WITH ended AS MATERIALIZED (
    SELECT DISTINCT q.id, q.site_id FROM campaigns_enrollment x JOIN prospects_prospect q ON q.id = x.prospect_id
     WHERE x.ended_at > clock_timestamp() - %(lately)s
       AND (EXISTS (SELECT 1 FROM campaigns_touchrules WHERE exclusive <> 'none')
            OR EXISTS (SELECT 1 FROM campaigns_campaign WHERE one_per_site))),
freed AS MATERIALIZED (
    SELECT id FROM ended UNION SELECT q.id FROM prospects_prospect q WHERE q.site_id IN (SELECT site_id FROM ended))
UPDATE campaigns_enrollment e SET look_at = %(now)s WHERE e.prospect_id IN (SELECT id FROM freed) {_OF_RULE}
"""  # noqa: S608
LATELY = timedelta(minutes=10)
HELD_BY_ANOTHER = ("busy_elsewhere", "colleague_first")


@retried
def wake(*, rules: Sequence[str], now: datetime, campaign_id: int | None = None) -> int:
    """Everybody (in this campaign) who waits by one of these rules is looked at again at once; returns how many."""
    values: dict[str, Any] = {"rules": list(rules), "now": now, "soon": now + SOON, "campaign": campaign_id}
    with connection.cursor() as cursor:
        cursor.execute(_WAKE if campaign_id is None else _WAKE_IN, values)
        return int(cursor.rowcount)


@retried
def wake_freed(*, now: datetime) -> int:
    """Whoever waited for another way that ended in the last ten minutes is looked at at once; returns how many.

    Safe twice, and safe late: whoever is missed is looked at within a day.
    """
    values: dict[str, Any] = {"rules": list(HELD_BY_ANOTHER), "now": now, "soon": now + SOON, "lately": LATELY}
    with connection.cursor() as cursor:
        cursor.execute(_WAKE_FREED, values)
        return int(cursor.rowcount)
