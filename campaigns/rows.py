"""Messages as they are written: plain rows, and what many of them share once. No model instance for each message."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import TextField
from django.db.models.expressions import RawSQL

from campaigns import tracking
from campaigns.models import Campaign, Message, PersonalText, Step
from integrations.models import Mailbox
from prospects.models import Prospect
from prospects.models.people import full_name
from templates.models import TemplateVersion

_XMIN = RawSQL("campaigns_message.xmin::text", [], output_field=TextField())


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


_OF_PROSPECT = (*(f"prospect__{name}" for name in ProspectRow._fields[:-1]), "prospect__site__domain")
_COLUMNS = (*_OF_PROSPECT, "prospect__time_zone", *MessageRow._fields[2:-2], "xmin", "enrollment__sequence_version_id")


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
    found = Message.objects.filter(pk__in=message_ids).annotate(xmin=_XMIN).order_by("send_at", "id")
    split = len(_OF_PROSPECT)
    messages = [MessageRow(ProspectRow(*row[:split]), *row[split:]) for row in found.values_list(*_COLUMNS)]
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
