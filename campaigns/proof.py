"""The proof file of one person: what they got, when, from where and why, as one file that says it all."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string

from accounts.models import User
from campaigns import wording
from campaigns.models import Decision, Enrollment, Event, Message, Reply
from prospects.models import Address, PrivacyRecord, Prospect, StageChange, Suppression

FORMAT = 1  # of the JSON; a change of its shape counts up
WHO = (
    *("kind", "email", "first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url"),
    *("country", "time_zone", "language", "source", "legal_basis", "notice_date", "contacted_elsewhere_at"),
    *("created_at", "stopped_at", "stop_reason", "held_at", "hold_reason", "protected_at", "erased_at"),
)
SITE = ("domain", "stopped_at", "held_at", "hold_reason", "protected_at")
MESSAGE = (
    *("message_id", "recipient", "state", "outcome", "created_at", "planned_at", "send_at", "marked_at"),
    *("handed_over_at", "attempts", "smtp_phase", "smtp_code", "smtp_status", "smtp_reply", "cancel_reason"),
    *("subject", "text", "html"),
)

TEXTS = ("subject", "text", "html")  # shown as they are, below the rest


@transaction.atomic
def prove(*, prospect: Prospect, by: User | None, now: datetime) -> dict[str, Any]:
    """Everything that shows what this person got and on what grounds, as plain JSON values.

    A PrivacyRecord says who asked. Rows that were merged into this person are part of it; rehearsals are not. Every
    time is UTC.
    """
    PrivacyRecord.objects.create(action=PrivacyRecord.Action.PROVED, subject=prospect.public_id, recorded_by=by)
    return {"format": FORMAT, "made_at": _plain(now), "made_by": str(by or ""), **collect(prospect=prospect)}


def collect(*, prospect: Prospect) -> dict[str, Any]:
    """What `prove` tells, without a record of it. Nine queries, however much there is."""
    lives_on = prospect.person_id or prospect.pk
    rows = list(
        Prospect.objects.filter(Q(pk=lives_on) | Q(person=lives_on)).select_related("site", "owner").order_by("pk")
    )
    ids = [row.pk for row in rows]
    rows.sort(key=lambda row: row.pk != lives_on)
    return {
        "people": [_person(row, is_merged=row.pk != lives_on) for row in rows],
        "addresses": _addresses(ids),
        "suppressions": _suppressions(rows),
        "campaigns": _enrollments(ids),
        "messages": _messages(ids),
        "events": _events(ids),
        "replies": _replies(ids),
        "decisions": _decisions(ids),
        "stages": _stages(ids),
    }


def as_html(proof: Mapping[str, Any]) -> str:
    """The same as one page to read and to print: complete in itself, loads nothing, runs nothing."""
    parts = {
        name: [{**row, "lines": _lines(row)} for row in rows] for name, rows in proof.items() if isinstance(rows, list)
    }
    return render_to_string("campaigns/proof.html", {"proof": {**proof, **parts}})


def _lines(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What stands beside the texts: names in words, what is nested as one line, nothing that is empty."""
    told = [(name, value) for name, value in row.items() if name not in TEXTS and value not in ("", None, {}, [])]
    return [(name.replace("_", " ").capitalize(), _line(value)) for name, value in told]


def _line(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_line(said)}" for name, said in value.items() if said not in ("", None))
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _person(row: Prospect, *, is_merged: bool) -> dict[str, Any]:
    return {
        "id": str(row.public_id),
        "merged_into_the_first": is_merged,
        **_fields(row, WHO),
        "owner": str(row.owner or ""),
        "site": _fields(row.site, SITE) if row.site else None,
    }


def _addresses(ids: list[int]) -> list[dict[str, Any]]:
    found = Address.objects.filter(prospect__in=ids).order_by("pk")
    return [{"email": row.email, "is": row.get_state_display()} for row in found]


def _suppressions(rows: Iterable[Prospect]) -> list[dict[str, Any]]:
    keys = {key for row in rows for key in row.contact_keys}
    found = Suppression.objects.filter(key__in=keys).select_related("created_by").order_by("pk")
    return [
        {
            "kind": row.get_kind_display(),
            "value": row.value,
            "reason": row.get_reason_display(),
            "source": row.source,
            "since": _plain(row.created_at),
            "expires_at": _plain(row.expires_at),
            "by": str(row.created_by or ""),
        }
        for row in found
    ]


def _enrollments(ids: list[int]) -> list[dict[str, Any]]:
    found = Enrollment.objects.filter(prospect__in=ids, campaign__rehearsal_of=None)
    return [
        {
            "campaign": row.campaign.name,
            "program": row.campaign.program.name,
            "sender": row.campaign.program.postal_address,
            "enrolled_at": _plain(row.created_at),
            "enrolled_by": str(row.enrolled_by or ""),
            "state": row.get_state_display(),
            "ended_at": _plain(row.ended_at),
            "ended_because": wording.words(row.stop_reason) if row.stop_reason else "",
        }
        for row in found.select_related("campaign__program", "enrolled_by").order_by("pk")
    ]


def _messages(ids: list[int]) -> list[dict[str, Any]]:
    found = Message.objects.filter(prospect__in=ids, campaign__rehearsal_of=None)
    related = ("campaign", "mailbox", "step", "arm", "template_version__template")
    hidden = ("mailbox__smtp_password", "mailbox__imap_password", "mailbox__service_key")
    return [
        {
            "campaign": row.campaign.name,
            "step": row.step.position,
            "mailbox": row.mailbox.from_address,
            "from_name": row.mailbox.from_name,
            "template_version": str(row.template_version),
            "arm": row.arm.name,
            **_fields(row, MESSAGE),
            "because": wording.words(str(row.why.get("rule", ""))),
            "decision": row.why,
        }
        for row in found.select_related(*related).defer(*hidden).order_by("pk")
    ]


def _events(ids: list[int]) -> list[dict[str, Any]]:
    real = Q(message=None) | Q(message__campaign__rehearsal_of=None)
    found = Event.objects.filter(real, prospect__in=ids).select_related("message").order_by("pk")
    return [
        {
            "what": row.get_kind_display(),
            "at": _plain(row.occurred_at),
            "recorded_at": _plain(row.created_at),
            "message_id": row.message.message_id if row.message else "",
            "by_machine": row.by_machine,
            "detail": row.detail,
        }
        for row in found
    ]


def _replies(ids: list[int]) -> list[dict[str, Any]]:
    real = Q(message=None) | Q(message__campaign__rehearsal_of=None)
    found = Reply.objects.filter(real, prospect__in=ids).select_related("message").order_by("pk")
    return [
        {
            "received_at": _plain(row.received_at),
            "from": row.sender,
            "message_id": row.message.message_id if row.message else "",
            "read_as": row.reply_class,
            "subject": row.subject,
            "text": row.text,
        }
        for row in found
    ]


def _decisions(ids: list[int]) -> list[dict[str, Any]]:
    found = Decision.objects.filter(enrollment__prospect__in=ids, enrollment__campaign__rehearsal_of=None)
    return [
        {
            "campaign": row.enrollment.campaign.name,
            "step_key": row.step_key,
            "at": _plain(row.decided_at),
            "verdict": row.get_verdict_display(),
            "because": wording.words(row.rule),
            "rule": row.rule,
            "values": row.values,
        }
        for row in found.select_related("enrollment__campaign").order_by("pk")
    ]


def _stages(ids: list[int]) -> list[dict[str, Any]]:
    found = StageChange.objects.filter(prospect__in=ids).select_related("program", "changed_by").order_by("pk")
    return [
        {
            "program": row.program.name,
            "from": row.get_old_display(),
            "to": row.get_new_display(),
            "why": row.why,
            "at": _plain(row.changed_at),
            "by": str(row.changed_by or "Outreach"),
        }
        for row in found
    ]


def _fields(row: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    """As JSON holds it: an instant in ISO 8601, UTC, to the microsecond; nothing is the empty text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value
