"""What the planner reads: who is due, and which slots are taken, in a fixed number of queries."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime

from django.db import connection
from django.db.models import F

from campaigns import facts, turns
from campaigns.facts import Candidate
from campaigns.models import Campaign, Decision, Message
from campaigns.scheduling import CAMPAIGN, DOMAIN, Name, Quota, Share

# Rehearsals wait for no slot, so they are asked for apart; there are few.
_DUE_REHEARSALS = """
SELECT e.id FROM campaigns_enrollment e JOIN campaigns_campaign c ON c.id = e.campaign_id
 WHERE c.rehearsal_of_id IS NOT NULL AND c.state <> 'archived' AND e.state = 'active' AND e.look_at <= %s
 ORDER BY e.look_at, e.id
"""

# A row that a stop holds is left for the next run: the planner waits for nobody, so it is in nobody's deadlock.
_LOCK = "SELECT id FROM campaigns_enrollment WHERE id = ANY(%s) AND look_at IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED"


def load(*, wanted: Mapping[int, int], room: Mapping[int, int], now: datetime) -> list[Candidate]:
    """Every due rehearsal, then whose turn it is (see `turns.of`). Four queries."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE_REHEARSALS, [now])
        due = [row[0] for row in cursor.fetchall()]
        ids = list(dict.fromkeys([*due, *turns.of(wanted=wanted, room=room, now=now)]))
        cursor.execute(_LOCK, [ids])
        locked = {row[0] for row in cursor.fetchall()}
    return facts.of([pk for pk in ids if pk in locked], now=now)


def shares_of(address: str, campaign_id: int) -> tuple[Share, ...]:
    """Whose shares of a day a message to this address takes."""
    return (DOMAIN, facts.domain_of(address)), (CAMPAIGN, campaign_id)


_DOMAINS = """
SELECT mailbox_id, (at AT TIME ZONE 'UTC')::date, lower(substring(recipient FROM '[^@]*$')), count(*) FROM (
    SELECT mailbox_id, recipient, send_at AS at FROM campaigns_message
     WHERE mailbox_id = ANY(%(limited)s) AND state = 'planned' AND overdue_at IS NULL AND awaits = ''
    UNION ALL
    SELECT mailbox_id, recipient, handed_over_at FROM campaigns_message
     WHERE mailbox_id = ANY(%(limited)s) AND handed_over_at >= %(since)s AND state = ANY(%(begun)s)
       AND awaits = '') taken
 GROUP BY 1, 2, 3
"""


def taken_domains(*, mailbox_ids: Collection[int], since: datetime) -> dict[int, dict[tuple[date, Name], int]]:
    """By mailbox: how many slots of each UTC day go to each domain."""
    taken: dict[int, dict[tuple[date, Name], int]] = {}
    if not mailbox_ids:
        return taken
    with connection.cursor() as cursor:
        cursor.execute(_DOMAINS, {"limited": list(mailbox_ids), "since": since, "begun": list(Message.BEGUN)})
        for mailbox_id, day, domain, count in cursor.fetchall():
            taken.setdefault(mailbox_id, {})[day, domain] = count
    return taken


_CAMPAIGNS = """
SELECT (at AT TIME ZONE 'UTC')::date, campaign_id, count(*) FROM (
    SELECT campaign_id, send_at AS at FROM campaigns_message
     WHERE campaign_id = ANY(%(limited)s) AND state = 'planned' AND overdue_at IS NULL AND awaits = ''
    UNION ALL
    SELECT campaign_id, handed_over_at FROM campaigns_message
     WHERE campaign_id = ANY(%(limited)s) AND handed_over_at >= %(since)s AND state = ANY(%(begun)s)
       AND awaits = '') taken
 GROUP BY 1, 2
"""


def daily_limits(*, campaign_ids: Collection[int] | None = None) -> dict[int, int]:
    """The campaigns (of these) that may send only so many messages of a UTC day. One query."""
    limited = Campaign.objects.filter(daily_limit__isnull=False)
    limited = limited if campaign_ids is None else limited.filter(pk__in=campaign_ids)
    return {pk: limit for pk, limit in limited.values_list("pk", "daily_limit") if limit is not None}


def campaign_quota(*, limits: Mapping[int, int], since: datetime) -> Quota:
    """What these campaigns may still send on each UTC day from `since` on, over all their mailboxes."""
    known: dict[Name, int] = {pk: limit for pk, limit in limits.items()}  # noqa: C416
    if not limits:
        return Quota(known.get)
    with connection.cursor() as cursor:
        cursor.execute(_CAMPAIGNS, {"limited": list(limits), "since": since, "begun": list(Message.BEGUN)})
        taken: dict[tuple[date, Name], int] = {(day, pk): count for day, pk, count in cursor.fetchall()}
    return Quota(known.get, taken)


def taken_slots(*, mailbox_ids: Collection[int], since: datetime) -> dict[int, list[datetime]]:
    """By mailbox: slots that are planned, and hand-overs that were begun since then. What was set aside takes none."""
    taken: dict[int, list[datetime]] = {}
    theirs = Message.objects.filter(mailbox__in=mailbox_ids, awaits="")  # what a person does takes none
    planned = theirs.filter(state=Message.State.PLANNED, overdue_at=None)
    begun = theirs.filter(handed_over_at__gte=since, state__in=Message.BEGUN)
    for messages, column in ((planned, "send_at"), (begun, "handed_over_at")):
        for mailbox_id, at in messages.values_list("mailbox_id", F(column)):
            taken.setdefault(mailbox_id, []).append(at)
    return taken


def last_decisions(enrollment_ids: Iterable[int]) -> dict[int, tuple[str, str, dict[str, object]]]:
    """The newest stored (verdict, rule, values) of each enrollment. One query."""
    rows = (
        Decision.objects.filter(enrollment__in=list(enrollment_ids))
        .order_by("enrollment_id", "-id")
        .distinct("enrollment_id")
        .values_list("enrollment_id", "verdict", "rule", "values")
    )
    return {pk: (verdict, rule, values) for pk, verdict, rule, values in rows}
