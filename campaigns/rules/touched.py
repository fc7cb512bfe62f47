"""What the ledger knows of touches and of who is with whom, for the people and sites that a run looks at."""

from collections.abc import Iterable
from typing import Any

from django.db import connection

from campaigns.models import Message
from campaigns.rules import ruling
from campaigns.rules.touching import Touches, Whom

# Rows that were merged into a person count as that person; a demo's touches for people of the demo world only.
_THEIRS = """
  FROM prospects_prospect q
  JOIN {table} t ON t.prospect_id = q.id
  JOIN campaigns_campaign k ON k.id = t.campaign_id
 WHERE (q.id = ANY(%(people)s) OR q.person_id = ANY(%(people)s) OR q.site_id = ANY(%(sites)s))
   AND k.rehearsal_of_id IS NULL AND (q.is_demo OR NOT k.is_demo)
"""
_TOUCHES = f"""
SELECT coalesce(q.person_id, q.id), q.site_id, k.id,
       CASE WHEN t.state = 'planned' THEN t.send_at ELSE t.handed_over_at END
{_THEIRS.format(table="campaigns_message")}
   AND (t.state = 'planned' AND t.send_at IS NOT NULL AND t.overdue_at IS NULL
        OR t.state = ANY(%(begun)s) AND t.handed_over_at IS NOT NULL)
"""
_WAYS = f"""
SELECT coalesce(q.person_id, q.id), q.site_id, k.id, k.name
{_THEIRS.format(table="campaigns_enrollment")}
   AND t.state = 'active' AND k.state IN ('running', 'paused')
   AND (SELECT min(m.id) FROM campaigns_message m WHERE m.enrollment_id = t.id AND m.state <> 'cancelled') IS NOT NULL
 ORDER BY (SELECT min(m.id) FROM campaigns_message m WHERE m.enrollment_id = t.id AND m.state <> 'cancelled')
"""  # noqa: S608


def load(whoms: Iterable[Whom | None]) -> Touches:
    """The touches of these people and, where a rule asks for it, of their sites. One query without rules, else three.

    Rehearsals count for nobody.
    """
    touches = Touches(ruling.apart())
    apart, looked_at = touches.apart, [whom for whom in whoms if whom is not None]
    by_site = apart.site or apart.exclusive_site
    values: dict[str, Any] = {
        "people": sorted({whom.person for whom in looked_at}),
        "sites": sorted({whom.site for whom in looked_at if whom.site is not None}) if by_site else [],
        "begun": list(Message.BEGUN),
    }
    with connection.cursor() as cursor:
        if looked_at and (apart.person or apart.site):
            cursor.execute(_TOUCHES, values)
            for person, site, campaign, at in cursor.fetchall():
                touches.take(Whom(person, site, campaign), at)
        if looked_at and apart.is_exclusive:
            cursor.execute(_WAYS, values)
            for person, site, campaign, name in cursor.fetchall():
                touches.begin(Whom(person, site, campaign, name))
    return touches
