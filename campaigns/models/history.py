"""What people changed of campaigns, and who did; written by triggers, never changed."""

import pghistory

from campaigns.models.campaign import Campaign, CampaignMailbox
from campaigns.models.rules import CountryRule, TouchRules
from outreach.lib import history

FIELDS = [
    *("name", "program", "segment", "mailbox", "time_zone", "skip_holidays", "quiet_dates", "goals"),
    "daily_limit",
    *("one_per_site", "audience_is_live", "live_daily_cap", "first_batch", "released_at"),
    *("state", "state_reason", "rehearsal_to", "launched_at"),
]

OF_MAILBOX = ["campaign", "mailbox"]


class CampaignEvent(pghistory.create_event_model(Campaign, *history.every_change(), fields=FIELDS)):  # type: ignore[misc]
    """A campaign as it was before a change."""


class CampaignMailboxEvent(pghistory.create_event_model(CampaignMailbox, *history.every_change(), fields=OF_MAILBOX)):  # type: ignore[misc]
    """A further mailbox that a campaign was given, or that was taken from it."""


class TouchRulesEvent(
    pghistory.create_event_model(  # type: ignore[misc]
        TouchRules,
        *history.every_change(),
        fields=["person_days", "site_days", "exclusive", "site_reply", "site_reply_days"],
    )
):
    """The touch rules as they were before a change."""


class CountryRuleEvent(
    pghistory.create_event_model(CountryRule, *history.every_change(), fields=["country", "rule"])  # type: ignore[misc]
):
    """A country's rule as it was before a change."""
