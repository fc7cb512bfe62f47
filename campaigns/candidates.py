"""What the planner reads: due enrollments with all that a decision needs, in a fixed number of queries."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import F

from campaigns.calendars import CampaignDays, Somebody, place_of
from campaigns.deciding import Facts
from campaigns.models import Decision, Message
from campaigns.scheduling import Window
from outreach.lib import signing
from prospects import identity
from templates.models import Channel


@dataclass(frozen=True)
class LedgerRow:
    """The columns of a Message that come straight from the enrollment, its step and its person."""

    enrollment_id: int
    campaign_id: int
    prospect_id: int
    mailbox_id: int
    step_id: int
    step_key: str
    arm_id: int
    template_version_id: int
    recipient: str
    recipient_key: str
    contact_keys: list[str]
    is_follow_up: bool


@dataclass(frozen=True)
class Candidate:
    """One enrollment that is due to be looked at."""

    enrollment_public_id: Any
    mailbox_domain: str
    facts: Facts
    ledger: LedgerRow
    is_rehearsal: bool = False

    @property
    def enrollment_id(self) -> int:
        return self.ledger.enrollment_id

    @property
    def mailbox_id(self) -> int:
        return self.ledger.mailbox_id

    @property
    def step_key(self) -> str:
        return self.ledger.step_key


# For each mailbox: follow-ups first, then new people, each in the order they fell due, no more than fit its free slots.
_DUE = """
SELECT due.id FROM unnest(%s::bigint[], %s::int[]) AS wanted(mailbox_id, n)
CROSS JOIN LATERAL (
    (SELECT e.id, 0 AS turn, e.look_at FROM campaigns_enrollment e
      WHERE e.mailbox_id = wanted.mailbox_id AND e.steps_handed_over > 0 AND e.look_at <= %s
      ORDER BY e.look_at, e.id LIMIT wanted.n)
    UNION ALL
    (SELECT e.id, 1, e.look_at FROM campaigns_enrollment e
      WHERE e.mailbox_id = wanted.mailbox_id AND e.steps_handed_over = 0 AND e.look_at <= %s
      ORDER BY e.look_at, e.id LIMIT wanted.n)
    ORDER BY turn, look_at, id LIMIT wanted.n
) due
ORDER BY due.turn, due.look_at, due.id
"""

_ARE_DUE = """
SELECT EXISTS (SELECT 1 FROM integrations_mailbox b CROSS JOIN LATERAL (
    (SELECT 1 FROM campaigns_enrollment e
      WHERE e.mailbox_id = b.id AND e.steps_handed_over > 0 AND e.look_at <= %s LIMIT 1)
    UNION ALL
    (SELECT 1 FROM campaigns_enrollment e
      WHERE e.mailbox_id = b.id AND e.steps_handed_over = 0 AND e.look_at <= %s LIMIT 1)) due)
"""

# Rehearsals wait for no slot, so they are asked for apart; there are few.
_DUE_REHEARSALS = """
SELECT e.id FROM campaigns_enrollment e JOIN campaigns_campaign c ON c.id = e.campaign_id
 WHERE c.rehearsal_of_id IS NOT NULL AND c.state <> 'archived' AND e.state = 'active' AND e.look_at <= %s
 ORDER BY e.look_at, e.id
"""

# A row that a stop holds is left for the next run: the planner waits for nobody, so it is in nobody's deadlock.
_LOCK = "SELECT id FROM campaigns_enrollment WHERE id = ANY(%s) AND look_at IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED"

FACTS = """
SELECT e.id, e.public_id, e.due_at, e.steps_handed_over,
       c.id AS campaign_id, c.state AS campaign_state, c.rehearsal_to, b.id AS mailbox_id, b.status AS mailbox_status,
       split_part(b.from_address, '@', 2) AS mailbox_domain, b.is_demo AS mailbox_is_demo,
       s.id AS step_id, s.key AS step_key, s.window_start, s.window_end, s.weekdays, s.channel,
       a.id AS arm_id, a.template_version_id,
       p.id AS prospect_id, p.email, p.contact_keys, p.is_demo AS person_is_demo,
       p.time_zone, p.country, c.time_zone AS campaign_zone, c.skip_holidays, c.quiet_dates,
       p.stopped_at IS NOT NULL AS person_stopped,
       CASE WHEN p.held_at IS NOT NULL THEN coalesce(nullif(p.hold_reason, ''), 'held') ELSE '' END AS person_hold,
       p.person_id IS NOT NULL AS is_merged_away, p.contacted_elsewhere_at,
       EXISTS (SELECT 1 FROM prospects_merge g
                WHERE g.applied_at IS NULL AND (g.survivor_id = p.id OR g.merged_id = p.id)) AS merge_waits,
       CASE WHEN p.protected_at IS NOT NULL OR t.protected_at IS NOT NULL
            THEN coalesce(nullif(trim(o.first_name || ' ' || o.last_name), ''), o.username, 'a manager')
            ELSE '' END AS protected_by,
       t.stopped_at IS NOT NULL AS site_stopped,
       CASE WHEN t.held_at IS NOT NULL THEN coalesce(nullif(t.hold_reason, ''), 'held') ELSE '' END AS site_hold,
       coalesce((SELECT min(x.reason) FROM unnest(p.contact_keys) k JOIN prospects_suppression x ON x.key = k), '')
           AS suppressed_by
  FROM campaigns_enrollment e
  JOIN campaigns_campaign c ON c.id = e.campaign_id
  JOIN integrations_mailbox b ON b.id = e.mailbox_id
  JOIN campaigns_step s ON s.sequence_version_id = e.sequence_version_id AND s.key = e.next_step_key
  JOIN campaigns_arm a ON a.step_id = s.id
  JOIN prospects_prospect p ON p.id = e.prospect_id
  LEFT JOIN prospects_site t ON t.id = p.site_id
  LEFT JOIN accounts_user o ON o.id = p.owner_id
 WHERE e.id = ANY(%s)
 ORDER BY array_position(%s, e.id)
"""


def are_due(*, now: datetime) -> bool:
    """Whether anybody is to be looked at; mostly nobody is, and nothing else needs to be asked."""
    with connection.cursor() as cursor:
        cursor.execute(_ARE_DUE, [now, now])
        return bool(cursor.fetchone()[0])


def load(*, wanted: Mapping[int, int], now: datetime) -> list[Candidate]:
    """Every due rehearsal, then up to `wanted[mailbox_id]` candidates for each mailbox, follow-ups before new people.

    Four queries.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE_REHEARSALS, [now])
        due = [row[0] for row in cursor.fetchall()]
        cursor.execute(_DUE, [list(wanted), list(wanted.values()), now, now])
        ids = list(dict.fromkeys([*due, *(row[0] for row in cursor.fetchall())]))
        cursor.execute(_LOCK, [ids])
        locked = {row[0] for row in cursor.fetchall()}
    return facts_of([pk for pk in ids if pk in locked])


def facts_of(enrollment_ids: list[int]) -> list[Candidate]:
    """The facts of these enrollments, in this order; one that has no next step is left out."""
    if not enrollment_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(FACTS, [enrollment_ids, enrollment_ids])
        names = [column.name for column in cursor.description or ()]
        return [_candidate(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def _candidate(row: Mapping[str, Any]) -> Candidate:
    is_rehearsal = bool(row["rehearsal_to"])
    if is_rehearsal:
        row = _rehearsing(row)
    facts = Facts(
        due_at=row["due_at"],
        window=window_in(row),
        campaign_state=row["campaign_state"],
        mailbox_status=row["mailbox_status"],
        has_address=bool(row["email"]) if row["channel"] == Channel.EMAIL else True,
        person_stopped=row["person_stopped"],
        site_stopped=bool(row["site_stopped"]),
        suppressed_by=row["suppressed_by"],
        person_hold=row["person_hold"],
        site_hold=row["site_hold"],
        demo_person_in_real_mailbox=row["person_is_demo"] and not row["mailbox_is_demo"],
        is_merged_away=row["is_merged_away"],
        merge_waits=row["merge_waits"],
        protected_by=row["protected_by"],
        contacted_elsewhere_at=row["contacted_elsewhere_at"],
        is_follow_up=row["steps_handed_over"] > 0,
        domain=domain_of(row["email"]),
    )
    ledger = LedgerRow(
        enrollment_id=row["id"],
        campaign_id=row["campaign_id"],
        prospect_id=row["prospect_id"],
        mailbox_id=row["mailbox_id"],
        step_id=row["step_id"],
        step_key=row["step_key"],
        arm_id=row["arm_id"],
        template_version_id=row["template_version_id"],
        recipient=row["email"],
        recipient_key=row.get("recipient_key") or identity.address_key(row["email"]),
        contact_keys=row["contact_keys"],
        is_follow_up=row["steps_handed_over"] > 0,
    )
    return Candidate(row["public_id"], row["mailbox_domain"], facts, ledger, is_rehearsal)


def window_in(row: Mapping[str, Any]) -> Window:
    """The window of a step where its person is, by columns that are named as in FACTS."""
    campaign = CampaignDays(row["campaign_zone"], row["skip_holidays"], row["quiet_dates"])
    place = place_of(Somebody(row["time_zone"], row["country"]), campaign)
    days = frozenset(row["weekdays"])
    return Window(place.zone, row["window_start"], row["window_end"], days, place.calendar)


def _rehearsing(row: Mapping[str, Any]) -> dict[str, Any]:
    """A rehearsal goes to its own address, whatever is known of the person; whether that one is suppressed, the gate
    asks. Its recipient key is the enrollment's own, since several people are played at one address.
    """
    return {
        **row,
        "email": row["rehearsal_to"],
        "recipient_key": signing.keyed_hash("rehearsal", str(row["public_id"])),
        "contact_keys": identity.contact_keys(email=row["rehearsal_to"]),
        "person_stopped": False,
        "site_stopped": False,
        "suppressed_by": "",
        "person_hold": "",
        "site_hold": "",
        "person_is_demo": False,
        "is_merged_away": False,
        "merge_waits": False,
        "protected_by": "",
        "contacted_elsewhere_at": None,
    }


def domain_of(address: str) -> str:
    """The domain that an address counts for, as `_DOMAINS` tells it."""
    return address.rpartition("@")[2].lower()


_DOMAINS = """
SELECT mailbox_id, (at AT TIME ZONE 'UTC')::date, lower(substring(recipient FROM '[^@]*$')), count(*) FROM (
    SELECT mailbox_id, recipient, send_at AS at FROM campaigns_message
     WHERE mailbox_id = ANY(%(limited)s) AND state = 'planned' AND overdue_at IS NULL
    UNION ALL
    SELECT mailbox_id, recipient, handed_over_at FROM campaigns_message
     WHERE mailbox_id = ANY(%(limited)s) AND handed_over_at >= %(since)s AND state = ANY(%(begun)s)) taken
 GROUP BY 1, 2, 3
"""


def taken_domains(*, mailbox_ids: Collection[int], since: datetime) -> dict[int, dict[tuple[date, str], int]]:
    """By mailbox: how many slots of each UTC day go to each domain."""
    taken: dict[int, dict[tuple[date, str], int]] = {}
    if not mailbox_ids:
        return taken
    with connection.cursor() as cursor:
        cursor.execute(_DOMAINS, {"limited": list(mailbox_ids), "since": since, "begun": list(BEGUN)})
        for mailbox_id, day, domain, count in cursor.fetchall():
            taken.setdefault(mailbox_id, {})[day, domain] = count
    return taken


def taken_slots(*, mailbox_ids: Collection[int], since: datetime) -> dict[int, list[datetime]]:
    """By mailbox: slots that are planned, and hand-overs that were begun since then. What was set aside takes none."""
    taken: dict[int, list[datetime]] = {}
    theirs = Message.objects.filter(mailbox__in=mailbox_ids)
    planned = theirs.filter(state=Message.State.PLANNED, overdue_at=None)
    begun = theirs.filter(handed_over_at__gte=since, state__in=BEGUN)
    for messages, column in ((planned, "send_at"), (begun, "handed_over_at")):
        for mailbox_id, at in messages.values_list("mailbox_id", F(column)):
            taken.setdefault(mailbox_id, []).append(at)
    return taken


BEGUN = (
    Message.State.SENDING,
    Message.State.SENT,
    Message.State.REFUSED,
    Message.State.UNCERTAIN,
    Message.State.ABANDONED,
)
"""States in which a message counts against its mailbox's daily cap, on the day of `handed_over_at`."""


def last_decisions(enrollment_ids: Iterable[int]) -> dict[int, tuple[str, str, dict[str, object]]]:
    """The newest stored (verdict, rule, values) of each enrollment. One query."""
    rows = (
        Decision.objects.filter(enrollment__in=list(enrollment_ids))
        .order_by("enrollment_id", "-id")
        .distinct("enrollment_id")
        .values_list("enrollment_id", "verdict", "rule", "values")
    )
    return {pk: (verdict, rule, values) for pk, verdict, rule, values in rows}
