"""Messages as they are written: plain rows, and what many of them share once. No model instance for each message."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from campaigns import tracking
from campaigns.models import Campaign, PersonalText, Step
from integrations.models import Mailbox
from outreach.lib.prepared import Prepared, run
from prospects.models import Prospect
from prospects.models.people import full_name
from templates.models import TemplateVersion


class ProspectRow(NamedTuple):
    """What a message may say of its reader."""

    first_name: str
    last_name: str
    company: str
    job_title: str
    website: str
    country: str
    custom: dict[str, Any]
    site: str | None  # its domain

    @property
    def full_name(self) -> str:
        """First and last name, whichever there are."""
        return full_name(self.first_name, self.last_name)

    @classmethod
    def of(cls, prospect: Prospect) -> "ProspectRow":
        """The row of one that is loaded."""
        own = (getattr(prospect, name) for name in cls._fields[:-1])
        return cls._make((*own, prospect.site and prospect.site.domain))


class MessageRow(NamedTuple):
    """What a message says of itself; `version` changes with every change of its row in the database."""

    prospect: ProspectRow
    zone: str  # the prospect's, "" when unknown
    pk: int
    public_id: UUID
    enrollment_id: int
    campaign_id: int
    mailbox_id: int
    step_id: int
    template_version_id: int
    recipient: str
    message_id: str
    is_follow_up: bool
    attempts: int
    smtp_code: int
    send_at: datetime
    version: str
    sequence_version_id: int  # the one that the person is on


_PROSPECT = len(ProspectRow._fields)
_CUSTOM = ProspectRow._fields.index("custom")
# Prepared, so that PostgreSQL follows the keys: planned for five hundred known ids it reads tables of everybody's rows
# from end to end, as long as they are small enough to seem cheap.
_LOAD = Prepared(
    f"""
SELECT {", ".join(f"p.{name}" for name in ProspectRow._fields[:-1])}, s.domain, p.time_zone,
       {", ".join(f"m.{name}" for name in ("id", *MessageRow._fields[3:-2]))}, m.xmin::text, e.sequence_version_id
  FROM campaigns_message m
  JOIN prospects_prospect p ON p.id = m.prospect_id LEFT JOIN prospects_site s ON s.id = p.site_id
  JOIN campaigns_enrollment e ON e.id = m.enrollment_id
 WHERE m.id = ANY ($1) ORDER BY m.send_at, m.id""",  # noqa: S608
    ("bigint[]",),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages in the order of their slots, and by id what they share; `links` are tracked ones, url → id."""

    messages: list[MessageRow]
    campaigns: dict[int, Campaign]
    mailboxes: dict[int, Mailbox]
    steps: dict[int, Step]
    template_versions: dict[int, TemplateVersion]
    links: dict[int, dict[str, int]]  # by template version
    personal: dict[int, PersonalText]  # by message, of steps that somebody approves


def load(*, message_ids: Collection[int]) -> Batch:
    """A fixed number of queries for any number of messages; one more where texts are written for one person."""
    with connection.cursor() as cursor:
        messages = [_row(row) for row in run(cursor, (_LOAD, [list(message_ids)]))]
    versions = {message.template_version_id for message in messages}
    steps = Step.objects.in_bulk({message.step_id for message in messages})
    read = [message.pk for message in messages if steps[message.step_id].needs_approval]
    return Batch(
        messages=messages,
        campaigns=Campaign.objects.select_related("program").in_bulk({message.campaign_id for message in messages}),
        mailboxes=Mailbox.objects.in_bulk({message.mailbox_id for message in messages}),
        steps=steps,
        template_versions=TemplateVersion.objects.in_bulk(versions),
        links=tracking.links_of(versions),
        personal=PersonalText.objects.in_bulk(read) if read else {},
    )


def _row(values: tuple[Any, ...]) -> MessageRow:
    own, rest = values[:_PROSPECT], values[_PROSPECT:]
    read = (*own[:_CUSTOM], json.loads(own[_CUSTOM]), *own[_CUSTOM + 1 :])
    return MessageRow(ProspectRow(*read), *rest)
