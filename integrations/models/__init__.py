"""Mailboxes and what came in through them."""

from integrations.models.history import MailboxEvent
from integrations.models.inbound import InboundEvent
from integrations.models.mailbox import Mailbox

__all__ = ["InboundEvent", "Mailbox", "MailboxEvent"]
