"""What people changed of campaigns, and who did; written by triggers, never changed."""

import pghistory

from campaigns.models.campaign import Campaign, CampaignMailbox
from outreach.lib import history

FIELDS = [
    *("name", "program", "segment", "mailbox", "time_zone", "skip_holidays", "quiet_dates", "goals"),
    "daily_limit",
    *("state", "state_reason", "rehearsal_to", "launched_at"),
]

OF_MAILBOX = ["campaign", "mailbox"]


class CampaignEvent(pghistory.create_event_model(Campaign, *history.every_change(), fields=FIELDS)):  # type: ignore[misc]
    """A campaign as it was before a change."""


class CampaignMailboxEvent(pghistory.create_event_model(CampaignMailbox, *history.every_change(), fields=OF_MAILBOX)):  # type: ignore[misc]
    """A further mailbox that a campaign was given, or that was taken from it."""
