"""What people changed of campaigns, and who did; written by triggers, never changed."""

import pghistory

from campaigns.models.campaign import Campaign
from outreach.lib import history

FIELDS = [
    *("name", "program", "segment", "mailbox", "time_zone", "skip_holidays", "quiet_dates", "goals"),
    *("state", "state_reason", "rehearsal_to", "launched_at"),
]


class CampaignEvent(pghistory.create_event_model(Campaign, *history.every_change(), fields=FIELDS)):  # type: ignore[misc]
    """A campaign as it was before a change."""
