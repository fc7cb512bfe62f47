"""What a decision needs to know about enrollments, their people and their next steps, in a fixed number of queries."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns import conditions, first_batches, goals
from campaigns.calendars import CampaignDays, Place, Somebody, place_of
from campaigns.conditions import Rule
from campaigns.deciding import Facts
from campaigns.rules import lining_up
from campaigns.rules.touching import Whom
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
    sequence_version_id: int
    position: int  # of the step
    place: Place
    condition: Rule = field(default_factory=dict)

    @property
    def is_asked_when_due(self) -> bool:
        """Whether nothing can be said of its step before it is due."""
        return self.facts.has_condition or self.facts.is_task

    @property
    def is_rehearsal(self) -> bool:
        return self.facts.is_rehearsal

    @property
    def enrollment_id(self) -> int:
        return self.ledger.enrollment_id

    @property
    def mailbox_id(self) -> int:
        return self.ledger.mailbox_id

    @property
    def step_key(self) -> str:
        return self.ledger.step_key


_FACTS = f"""
SELECT e.id, e.public_id, e.due_at, e.steps_handed_over,
       c.id AS campaign_id, c.state AS campaign_state, c.rehearsal_to, b.id AS mailbox_id, b.status AS mailbox_status,
       split_part(b.from_address, '@', 2) AS mailbox_domain, b.is_demo AS mailbox_is_demo,
       s.id AS step_id, s.key AS step_key, s.window_start, s.window_end, s.weekdays, s.channel, s.position,
       c.first_batch IS NOT NULL AND c.released_at IS NULL AND c.rehearsal_of_id IS NULL AS is_batched,
       s.condition, s.needs_approval, e.sequence_version_id,
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
       t.stopped_at IS NOT NULL AS site_stopped, p.site_id, c.name AS campaign_name, c.one_per_site,
       t.answered_at AS site_answered_at,
       coalesce((SELECT r.rule FROM campaigns_countryrule r WHERE r.country = p.country), '') AS country_rule,
       CASE WHEN t.held_at IS NOT NULL THEN coalesce(nullif(t.hold_reason, ''), 'held') ELSE '' END AS site_hold,
       coalesce((SELECT min(x.reason) FROM unnest(p.contact_keys) k JOIN prospects_suppression x ON x.key = k), '')
           AS suppressed_by,
       CASE WHEN {goals.HAS_JOINED} THEN 'joined' ELSE '' END AS goal
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
"""  # noqa: S608


def of(enrollment_ids: list[int], *, now: datetime) -> list[Candidate]:
    """The facts of these enrollments, in this order; one that has no next step is left out.

    One query, one for each condition of their steps, and one where a campaign takes one person of a site at a time.
    """
    if not enrollment_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [enrollment_ids, enrollment_ids])
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        row["condition"] = {} if row["rehearsal_to"] else json.loads(row["condition"])
    asked = ((row["id"], row["prospect_id"], row["condition"]) for row in rows)
    false, unreadable = conditions.unmet(asked, now=now)
    _hold_behind_batches(rows)
    whose = lining_up.of(
        _in_line(row) for row in rows if row["one_per_site"] and row["site_id"] and not row["rehearsal_to"]
    )
    for row in rows:
        row["turn"] = whose.get(row["id"], lining_up.MINE)
    return [_candidate(row, None if row["id"] in unreadable else row["id"] not in false) for row in rows]


def _hold_behind_batches(rows: Iterable[dict[str, Any]]) -> None:
    """In their order, as many new people as fit the first batch of their campaign; one query where one has such."""
    asked = [row for row in rows if row["is_batched"] and not row["steps_handed_over"]]
    left = first_batches.left() if asked else {}
    for row in asked:
        row["is_batched"] = left.get(row["campaign_id"], 0) <= 0
        left[row["campaign_id"]] = left.get(row["campaign_id"], 0) - 1


def _candidate(row: Mapping[str, Any], meets_condition: bool | None) -> Candidate:
    if row["rehearsal_to"]:
        row = _rehearsing(row)
    window = window_in(row)
    return Candidate(
        row["public_id"],
        row["mailbox_domain"],
        _facts(row, window, meets_condition),
        _ledger_row(row),
        sequence_version_id=row["sequence_version_id"],
        position=row["position"],
        place=Place(window.zone, window.calendar),
        condition=row["condition"],
    )


def _facts(row: Mapping[str, Any], window: Window, meets_condition: bool | None) -> Facts:
    return Facts(
        due_at=row["due_at"],
        window=window,
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
        campaign_id=row["campaign_id"],
        goal=row["goal"],
        has_condition=bool(row["condition"]),
        meets_condition=meets_condition,
        is_task=row["channel"] == Channel.TASK,
        needs_approval=row["needs_approval"],
        is_rehearsal=bool(row["rehearsal_to"]),
        waits_behind_batch=row["is_batched"] and not row["steps_handed_over"],
        whom=None if row["rehearsal_to"] else _whom(row),
        site_answered_at=row["site_answered_at"],
        country_rule=row["country_rule"],
        turn=row["turn"],
    )


def _in_line(row: Mapping[str, Any]) -> lining_up.Way:
    return lining_up.Way(row["id"], row["campaign_id"], row["prospect_id"], row["site_id"])


def _whom(row: Mapping[str, Any]) -> Whom:
    return Whom(row["prospect_id"], row["site_id"], row["campaign_id"], row["campaign_name"])


def _ledger_row(row: Mapping[str, Any]) -> LedgerRow:
    return LedgerRow(
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


def window_in(row: Mapping[str, Any]) -> Window:
    """The window of a step where its person is, by columns that are named as in FACTS."""
    campaign = CampaignDays(row["campaign_zone"], row["skip_holidays"], row["quiet_dates"])
    place = place_of(Somebody(row["time_zone"], row["country"]), campaign)
    days = frozenset(row["weekdays"])
    return Window(place.zone, row["window_start"], row["window_end"], days, place.calendar)


def _rehearsing(row: Mapping[str, Any]) -> dict[str, Any]:
    """A rehearsal goes to its own address, every step of it, whatever is known of the person; whether that address is
    suppressed, the gate asks. Its recipient key is the enrollment's own, since several people are played at one.
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
        "country_rule": "",
        "goal": "",
        "needs_approval": False,
    }


def domain_of(address: str) -> str:
    """The domain that an address counts for, as `_DOMAINS` tells it."""
    return address.rpartition("@")[2].lower()
