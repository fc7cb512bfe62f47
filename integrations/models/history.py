"""What people changed of mailboxes, without passwords, and who did; written by triggers, never changed."""

import pghistory

from integrations.models.mailbox import Mailbox
from outreach.lib import history

FIELDS = [
    *("name", "from_name", "from_address", "service", "smtp_host", "smtp_port", "smtp_security", "smtp_username"),
    *("imap_host", "imap_port", "imap_security", "imap_username", "imap_folder"),
    *("daily_cap", "ramp_start", "ramp_step", "ramp_from", "gap_seconds", "domain_cap", "connections"),
    *("status", "status_reason"),
]


class MailboxEvent(pghistory.create_event_model(Mailbox, *history.every_change(), fields=FIELDS)):  # type: ignore[misc]
    """A mailbox as it was before a change."""
