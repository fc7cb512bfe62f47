"""All that is known of one person, newest first: messages, what came back, decisions, notes, stops and holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns import answers, stopping, wording
from campaigns.models import Decision, Enrollment, Event, Message, Reply
from prospects.models import Note, Prospect, StageChange, Suppression

TITLES: dict[str, tuple[str, str]] = {
    Message.State.PLANNED: ("Planned", ""),
    Message.State.SENDING: ("Being sent", ""),
    Message.State.SENT: ("Sent", "good"),
    Message.State.REFUSED: ("Refused by the server", "bad"),
    Message.State.UNCERTAIN: ("We are not sure whether this was sent", "warn"),
    Message.State.ABANDONED: ("Given up: we are not sure whether this was sent", "warn"),
    Message.State.CANCELLED: ("Not sent", ""),
}
OUTCOMES: dict[str, tuple[str, str]] = {
    Message.Outcome.DELIVERED: ("Delivered", "good"),
    Message.Outcome.BOUNCED_SOFT: ("Bounced for now", "warn"),
    Message.Outcome.BOUNCED: ("Bounced for good", "bad"),
    Message.Outcome.COMPLAINED: ("Marked as spam", "bad"),
}
HAPPENED: dict[str, tuple[str, str]] = {
    Event.Kind.BOUNCED: ("The mail came back", "bad"),
    Event.Kind.DELIVERED: ("Delivered", "good"),
    Event.Kind.DELAYED: ("The server is still trying to deliver", "warn"),
    Event.Kind.COMPLAINED: ("Marked our mail as spam", "bad"),
    Event.Kind.AUTO_REPLIED: ("Automatic answer, such as out of office", ""),
    Event.Kind.REPLIED: ("Answered", "good"),
    Event.Kind.UNSUBSCRIBED: ("Unsubscribed", "bad"),
    Event.Kind.CLICKED: ("Clicked a link", "good"),
}
TOLD = ("url", "code", "status", "diagnostic", "reply", "return_date")  # of an event's detail, in this order
BEFORE = {"return_date": "Back on "}
VERDICTS = {"wait": "Not yet", "hold": "Held", "skip": "Left out", "stop": "Ended"}


@dataclass(frozen=True)
class Entry:
    """One thing that happened, or will: `text` is the exact message, `quote` somebody's words, `facts` the rest."""

    at: datetime
    kind: str
    title: str
    tone: str = ""
    detail: str = ""
    campaign: str = ""
    campaign_id: UUID | None = None
    subject: str = ""
    text: str = ""
    quote: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    message_id: UUID | None = None
    reply: Reply | None = None
    automatic_id: UUID | None = None  # of a mail that was taken for an automatic answer, and its text is there
    rank: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Timeline:
    """The newest entries; `more` when there are older ones."""

    entries: list[Entry]
    more: bool


def of(*, prospect: Prospect, suppressed: Mapping[str, Suppression], limit: int) -> Timeline:
    """The newest `limit` entries of a person. Eight queries, however much there is; rehearsals are left out.

    `suppressed` is what names the person (`standing.reasons`).
    """
    parts = (_messages, _events, _replies, _decisions, _notes, _ways, _stages)
    rows = stopping.rows_of(prospect)  # what was merged into a person happened to that person
    found = [entry for part in parts for entry in part(rows, limit + 1)]
    found += _own(prospect, suppressed)
    found.sort(key=lambda entry: (entry.at, entry.rank), reverse=True)
    return Timeline(found[:limit], len(found) > limit)


def message_facts(message: Message) -> tuple[tuple[str, str], ...]:
    """What a message's page and its line on the timeline say beside the text; empty ones are left out."""
    status = "" if message.smtp_reply.startswith(message.smtp_status) else message.smtp_status
    said = f"{message.smtp_code} {status} {message.smtp_reply}" if message.smtp_code else ""
    version, again = message.template_version, message.why.get("again", {})
    facts = (
        ("From", message.mailbox.from_address),
        ("To", message.recipient),
        ("Version", f"{version.template} v{version.number}"),
        ("Why", _why(message.why)),
        ("The server said", " ".join(said.split())),
        ("Tried", f"{message.attempts} times" if message.attempts > 1 else ""),
        ("Settled by", str(message.why.get("settled_by", ""))),
        ("Note", str(message.why.get("note", ""))),
        ("Sent again by", str(again.get("by", ""))),
        ("As it was not sent", str(again.get("note", ""))),
    )
    return tuple(fact for fact in facts if fact[1])


AWAITS: dict[str, tuple[str, str]] = {
    Message.Awaits.APPROVAL: ("Waits for somebody to approve it", "Sent"),
    Message.Awaits.TASK: ("Waits for somebody to do it", "Done by hand"),
}


def message_title(message: Message) -> tuple[str, str]:
    """What became of a message, and its colour."""
    if message.state == Message.State.SENT and message.outcome in OUTCOMES:
        words, tone = OUTCOMES[message.outcome]
        return f"Sent · {words.lower()}", tone
    if message.state == Message.State.PLANNED and message.attempts:
        return "Put off by their mail server", "warn"
    if message.awaits:
        waits, done = AWAITS[message.awaits]
        found = {Message.State.PLANNED: (waits, "warn"), Message.State.SENT: (done, "good")}
        return found.get(Message.State(message.state), TITLES[message.state])
    return TITLES[message.state]


def event_words(event: Event) -> tuple[str, str, str]:
    """What an event says: title, colour, detail."""
    title, tone = HAPPENED[event.kind]
    if event.kind == Event.Kind.CLICKED and event.by_machine:
        title, tone = "A mail scanner opened a link", ""
    if event.kind == Event.Kind.BOUNCED and not event.detail.get("permanent", True):
        title, tone = "The mail came back for now", "warn"
    told = [f"{BEFORE.get(name, '')}{event.detail[name]}" for name in TOLD if event.detail.get(name)]
    return title, tone, " ".join(told)[:500]


def _why(why: Mapping[str, Any]) -> str:
    if not why.get("rule"):
        return ""
    zone = f" (their clock: {why['zone']})" if why.get("zone") else ""
    return _sentence(wording.words(str(why["rule"]))) + zone


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _messages(rows: Sequence[int], limit: int) -> Iterator[Entry]:
    found = Message.objects.filter(prospect__in=rows, campaign__rehearsal_of=None)
    related = ("campaign", "mailbox", "step", "enrollment", "template_version__template")
    for message in found.select_related(*related).order_by("-id")[:limit]:
        title, tone = message_title(message)
        ended = message.enrollment.ended_at or message.planned_at
        cancelled = message.state == Message.State.CANCELLED
        yield Entry(
            at=ended if cancelled else message.handed_over_at or message.expected_at,
            kind="planned" if message.state == Message.State.PLANNED else "message",
            title=f"{title}: step {message.step.position}",
            tone=tone,
            detail=_sentence(wording.words(message.cancel_reason.removeprefix("stopped: "))) if cancelled else "",
            **_campaign(message),
            subject=message.subject,
            text=message.text,
            facts=message_facts(message),
            message_id=message.public_id,
        )


def _campaign(row: Message | Enrollment) -> dict[str, Any]:
    return {"campaign": row.campaign.name, "campaign_id": row.campaign.public_id}


def _events(rows: Sequence[int], limit: int) -> Iterator[Entry]:
    """All but answers: those are shown in their own words."""
    found = Event.objects.filter(_real("message"), prospect__in=rows).exclude(kind=Event.Kind.REPLIED)
    heard = Event.objects.filter(prospect__in=rows, kind=Event.Kind.REPLIED, inbound=OuterRef("inbound"))
    told = found.annotate(was_heard=Exists(heard)).select_related("message__campaign")
    for event in told.order_by("-id")[:limit]:
        unheard = event.kind == Event.Kind.AUTO_REPLIED and event.inbound_id and not event.was_heard
        title, tone, detail = event_words(event)
        message = event.message
        yield Entry(
            at=event.occurred_at,
            kind="event",
            title=title,
            tone=tone,
            detail=detail,
            **(_campaign(message) if message else {}),
            message_id=message.public_id if message else None,
            automatic_id=event.public_id if unheard else None,
            rank=1,
        )


def _real(path: str) -> Q:
    return Q(**{f"{path}__isnull": True}) | Q(**{f"{path}__campaign__rehearsal_of__isnull": True})


def _replies(rows: Sequence[int], limit: int) -> Iterator[Entry]:
    replies: QuerySet[Reply] = answers.shown().filter(prospect__in=rows).order_by("-id")
    for reply in replies[:limit]:
        kind = answers.KINDS.get(reply.reply_class, answers.KINDS[""])
        yield Entry(
            at=reply.received_at,
            kind="reply",
            title=f"Answered: {kind.words.lower()}",
            tone=kind.tone if kind.tone != "accent" else "good",
            detail=_sentence(answers.correction(reply)),
            **(_campaign(reply.message) if reply.message else {}),
            subject=reply.subject,
            quote=reply.text,
            facts=(("From", reply.sender),),
            message_id=reply.message.public_id if reply.message else None,
            reply=reply,
            rank=1,
        )


def _decisions(rows: Sequence[int], limit: int) -> Iterator[Entry]:
    found = Decision.objects.filter(enrollment__prospect__in=rows, enrollment__campaign__rehearsal_of=None)
    for decision in found.select_related("enrollment__campaign").order_by("-id")[:limit]:
        reason = decision.values.get("reason") or decision.values.get("state") or decision.values.get("status")
        yield Entry(
            at=decision.decided_at,
            kind="decision",
            title=f"{VERDICTS.get(decision.verdict, decision.verdict)}: {wording.words(decision.rule)}",
            detail=wording.words(str(reason)) if reason else "",
            **_campaign(decision.enrollment),
        )


def _notes(rows: Sequence[int], limit: int) -> Iterator[Entry]:
    for note in Note.objects.filter(prospect__in=rows).select_related("created_by").order_by("-id")[:limit]:
        who = f" by {note.created_by}" if note.created_by else ""
        yield Entry(at=note.created_at, kind="note", title=f"Note{who}", quote=note.text, rank=2)


def _stages(rows: Sequence[int], limit: int) -> Iterator[Entry]:
    """From one stage of a program to the next; what the system did by itself is small print."""
    found = StageChange.objects.filter(prospect__in=rows).select_related("program", "changed_by").order_by("-id")
    for change in found[:limit]:
        who = f" by {change.changed_by}" if change.changed_by else ""
        title = f"{change.get_new_display()} in {change.program}{who}"
        kind = "stage" if change.changed_by else "way"
        yield Entry(at=change.changed_at, kind=kind, title=title, detail=_sentence(change.why), rank=2)


def _ways(rows: Sequence[int], limit: int) -> Iterator[Entry]:
    """Entering and leaving campaigns."""
    found = Enrollment.objects.filter(prospect__in=rows, campaign__rehearsal_of=None)
    for way in found.select_related("campaign", "enrolled_by").order_by("-id")[:limit]:
        who = f" by {way.enrolled_by}" if way.enrolled_by else ""
        yield Entry(at=way.created_at, kind="enrolled", title=f"Enrolled{who}", **_campaign(way), rank=-1)
        if way.ended_at:
            ended = "Finished" if way.state == Enrollment.State.FINISHED else "Stopped"
            title = f"{ended}: {wording.words(way.stop_reason)}" if way.stop_reason else "Every step was sent"
            yield Entry(at=way.ended_at, kind="way", title=title, **_campaign(way), rank=2)


def _own(prospect: Prospect, suppressed: Mapping[str, Suppression]) -> Iterator[Entry]:
    source = f"From: {prospect.source}" if prospect.source else ""
    yield Entry(at=prospect.created_at, kind="added", title="Added", detail=source, rank=-2)
    if prospect.stopped_at:
        yield Entry(prospect.stopped_at, "stop", "Never to be written to again", "bad", prospect.stop_reason, rank=3)
    if prospect.held_at:
        yield Entry(prospect.held_at, "hold", "Put on hold", "warn", prospect.hold_reason, rank=3)
    for row in suppressed.values():
        title = f"Suppressed: {row.get_reason_display().lower()}"
        yield Entry(row.created_at, "stop", title, "bad", f"{row.get_kind_display()} {row.value}", rank=3)
