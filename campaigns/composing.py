"""From a planned message to the exact text and bytes that are handed over."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from campaigns import tracking
from campaigns.rows import Batch, MessageRow, ProspectRow
from integrations import mime
from integrations.models import Mailbox
from integrations.ports import OutgoingMail
from outreach.lib import signing
from prospects import places
from prospects.models import Program, Prospect
from templates import rendering
from templates.models import TemplateVersion

SENDERS_WORDS = frozenset(
    {"program", "merchant", "program_website", "sender_name", "sender_address", "postal_address", "unsubscribe_url"}
)
PERSONS_FIELDS = ("to_", "subject")


class CannotCompose(Exception):
    """This message can't be said to this person; `str()` is the reason for the ledger."""


class SenderIncomplete(Exception):
    """Program, mailbox or installation lack what every message needs; `str()` is the reason. Nobody ends by it."""


@dataclass(frozen=True)
class Composed:
    """One message ready for the wire, with the text that the ledger keeps."""

    subject: str
    text: str
    html: str
    data: bytes


@dataclass(frozen=True)
class Thread:
    """What went before in an enrollment: the subject it runs under and the Message-IDs, oldest first.

    Where nothing did, a mail without a subject borrows that of `opening`, the text that would have begun the thread.
    """

    subject: str = ""
    message_ids: tuple[str, ...] = ()
    opening: TemplateVersion | None = None


def message_id(*, enrollment_public_id: object, step_key: str, domain: str) -> str:
    """The Message-ID of a step for one enrollment: the same whenever and wherever it is computed (design, Identity)."""
    digest = signing.keyed_hash("message-id", str(enrollment_public_id), step_key)
    return f"<{digest[:40]}@{domain}>"


def public_id(*, enrollment_public_id: UUID, step_key: str) -> UUID:
    """What the links of this mail name it by: computed as the Message-ID is, so that they lead to its row although the
    database was put back and knows no more that it was sent. A UUIDv7 (RFC 9562 section 5.7) of the enrollment's time.
    """
    digest = bytes.fromhex(signing.keyed_hash("public-id", str(enrollment_public_id), step_key))
    marked = bytes([0x70 | digest[0] >> 4, digest[1], 0x80 | digest[2] >> 2])  # the version, and the variant
    return UUID(bytes=enrollment_public_id.bytes[:6] + marked + digest[3:10])


def values_for(*, prospect: ProspectRow, program: Program, mailbox: Mailbox, unsubscribe_url: str) -> dict[str, Any]:
    """What a template may say about this person, as plain strings (the names are `templates.context.VARIABLES`)."""
    return {
        "first_name": prospect.first_name,
        "last_name": prospect.last_name,
        "full_name": prospect.full_name,
        "company": prospect.company,
        "job_title": prospect.job_title,
        "website": prospect.website,
        "site": prospect.site or "",
        "country": places.country_name(prospect.country),
        "program": program.name,
        "merchant": program.merchant,
        "program_website": program.website,
        "sender_name": mailbox.from_name,
        "sender_address": mailbox.from_address,
        "postal_address": program.postal_address,
        "unsubscribe_url": unsubscribe_url,
        "custom": {str(key): str(value) for key, value in prospect.custom.items() if value is not None},
    }


def preview(
    *, template_version: TemplateVersion, prospect: Prospect, program: Program, mailbox: Mailbox
) -> rendering.Rendered:
    """What this person would read; the unsubscribe link is a sample. Raises rendering.RenderError."""
    sample = f"{settings.PUBLIC_URL}/u/sample"
    person = ProspectRow.of(prospect)
    values = values_for(prospect=person, program=program, mailbox=mailbox, unsubscribe_url=sample)
    return rendering.render(template_version, values)


def words(*, message: MessageRow, batch: Batch) -> rendering.Rendered:
    """What a message says to its person: what somebody wrote for them, or else the template's words with tracked links.

    The subject is empty where it goes on in its thread. Raises CannotCompose and SenderIncomplete.
    """
    return _words(message, batch, tracking.unsubscribe_url(public_id=message.public_id))


def _words(message: MessageRow, batch: Batch, unsubscribe_url: str) -> rendering.Rendered:
    if (own := batch.personal.get(message.pk)) is not None:
        return rendering.Rendered(subject=own.subject, text=own.text, html="")
    version_id, mailbox = message.template_version_id, batch.mailboxes[message.mailbox_id]
    program = batch.campaigns[message.campaign_id].program
    values = values_for(prospect=message.prospect, program=program, mailbox=mailbox, unsubscribe_url=unsubscribe_url)
    try:
        rendered = rendering.render(batch.template_versions[version_id], values)
    except rendering.RenderError as error:
        raise (SenderIncomplete if error.variable in SENDERS_WORDS else CannotCompose)(str(error)) from error
    links = batch.links.get(version_id, {})
    html = tracking.with_tracked_links(rendered.html, public_id=message.public_id, links=links)
    return rendering.Rendered(subject=rendered.subject, text=rendered.text, html=html)


def _borrowed(message: MessageRow, batch: Batch, thread: Thread) -> str:
    """The subject of a mail that never went to this person: somebody left it out, or the step is not for them."""
    if thread.opening is None:
        return ""
    only = TemplateVersion(subject=thread.opening.subject, text="–")
    versions = {**batch.template_versions, message.template_version_id: only}
    return _words(message, replace(batch, template_versions=versions, personal={}), "").subject


def compose(*, message: MessageRow, batch: Batch, thread: Thread, now: datetime) -> Composed:
    """Renders one message and builds its bytes from what is loaded. Raises CannotCompose and SenderIncomplete."""
    unsubscribe_url = tracking.unsubscribe_url(public_id=message.public_id)
    mailbox, said = batch.mailboxes[message.mailbox_id], _words(message, batch, unsubscribe_url)
    follows = not said.subject
    subject = said.subject or thread.subject or _borrowed(message, batch, thread)
    if not subject:
        raise CannotCompose("The message has no subject.")
    before = thread.message_ids if follows else ()
    try:
        mail = OutgoingMail(
            message_id=message.message_id,
            from_name=mailbox.from_name,
            from_address=mailbox.from_address,
            to_name=message.prospect.full_name,
            to_address=message.recipient,
            subject=subject,
            text=said.text,
            html=said.html,
            date=now,
            in_reply_to=before[-1] if before else "",
            references=before,
            unsubscribe_url=unsubscribe_url,
        )
        return Composed(subject=subject, text=said.text, html=said.html, data=mime.build(mail))
    except ValueError as error:  # a header that can't be, named first
        raise (CannotCompose if str(error).startswith(PERSONS_FIELDS) else SenderIncomplete)(str(error)) from error
