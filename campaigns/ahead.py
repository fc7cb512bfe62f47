"""When a campaign goes on of which no mail has its place yet: the earliest of its people, and how many with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from campaigns.deciding import CONTACTED_LATELY
from campaigns.facts import window_in
from campaigns.gate import MERGE_WAITS
from campaigns.models import Campaign
from campaigns.situation import Situation

FRESH = timedelta(minutes=3)  # after a launch, before which the first mails may still be without a place
MOST = 2_000  # people of one campaign in one mailbox that are looked at, of those under way and of the others


@dataclass(frozen=True)
class Ahead:
    """The next mails of a campaign: `at` is when the first is due inside its window, never in the past: None means
    that it is due already and gets its place as soon as there is room.
    """

    campaign: Campaign
    at: datetime | None
    step: int
    people: int


def of(*, seen: Situation, campaigns: Sequence[Campaign], now: datetime) -> dict[int, Ahead]:
    """By key, what is ahead of those of these campaigns that run. One query.

    Whoever is on hold, protected or being merged does not count; whom we wrote to by other means counts when that was
    long enough ago, as the planner has it.

    Nothing is ahead while all sending is stopped or none of its mailboxes is active.
    """
    found = {each.pk: each for each in campaigns if _leaves(each, seen)}
    pairs = [(pk, box.pk) for pk, each in found.items() for box in seen.active(each)]
    values: dict[str, Any] = {"campaigns": [pk for pk, _ in pairs], "boxes": [box for _, box in pairs]}
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, {**values, "most": MOST, "now": now})
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["campaign_id"]: _ahead(found[row["campaign_id"]], row, now) for row in rows}


def is_fresh(campaign: Campaign, *, now: datetime) -> bool:
    """Whether it was launched so lately that its first mails may still be without a place."""
    return campaign.launched_at is not None and now - campaign.launched_at < FRESH


def soonest(found: dict[int, Ahead]) -> list[Ahead]:
    """Those with a time, the soonest first."""
    return sorted((each for each in found.values() if each.at), key=lambda each: (each.at, each.campaign.pk))


def _leaves(campaign: Campaign, seen: Situation) -> bool:
    running = campaign.state == Campaign.State.RUNNING
    return running and not seen.control.is_off and bool(seen.active(campaign))


def _ahead(campaign: Campaign, row: dict[str, Any], now: datetime) -> Ahead:
    try:
        window = window_in(row)
        at = window.next_open(max(row["due_at"], now))
    except (ValueError, OSError, KeyError):  # a zone that is no longer known: the planner holds this one, and says why
        at = row["due_at"]
    return Ahead(campaign, at if at > now else None, row["position"], row["people"])


# Along the planner's own indexes: what a mailbox looks at first, follow-ups and new people apart.
_AHEAD = f"""
WITH waiting AS MATERIALIZED (
    SELECT w.id, w.campaign_id, w.sequence_version_id, w.next_step_key, greatest(w.due_at, %(now)s,
                    CASE WHEN w.steps_handed_over = 0
                         THEN p.contacted_elsewhere_at + interval '{CONTACTED_LATELY.days} days' END) AS due_at,
           w.steps_handed_over, p.time_zone, p.country
      FROM unnest(%(campaigns)s::bigint[], %(boxes)s::bigint[]) AS b(campaign_id, mailbox_id)
     CROSS JOIN LATERAL (
           (SELECT e.* FROM campaigns_enrollment e
             WHERE e.mailbox_id = b.mailbox_id AND e.campaign_id = b.campaign_id AND e.look_at IS NOT NULL
               AND e.steps_handed_over > 0 ORDER BY e.look_at, e.id LIMIT %(most)s)
           UNION ALL
           (SELECT e.* FROM campaigns_enrollment e
             WHERE e.mailbox_id = b.mailbox_id AND e.campaign_id = b.campaign_id AND e.look_at IS NOT NULL
               AND e.steps_handed_over = 0 ORDER BY e.look_at, e.id LIMIT %(most)s)) w
      JOIN prospects_prospect p ON p.id = w.prospect_id AND p.held_at IS NULL AND p.protected_at IS NULL
      LEFT JOIN prospects_site t ON t.id = p.site_id
     WHERE t.held_at IS NULL AND t.protected_at IS NULL AND NOT {MERGE_WAITS}),
first AS (
    SELECT DISTINCT ON (campaign_id) * FROM waiting ORDER BY campaign_id, due_at, steps_handed_over DESC, id)
SELECT f.campaign_id, f.due_at, f.time_zone, f.country, c.time_zone AS campaign_zone, c.skip_holidays,
       c.quiet_dates, s.position, s.window_start, s.window_end, s.weekdays,
       (SELECT count(*) FROM waiting o WHERE o.campaign_id = f.campaign_id AND o.next_step_key = f.next_step_key
                                         AND o.due_at < f.due_at + interval '1 day') AS people
  FROM first f
  JOIN campaigns_campaign c ON c.id = f.campaign_id
  JOIN campaigns_step s ON s.sequence_version_id = f.sequence_version_id AND s.key = f.next_step_key
"""  # noqa: S608
