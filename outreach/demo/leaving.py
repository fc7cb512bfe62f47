"""Removing invented people and everything that came of them. Real rows are never touched."""

import threading
from dataclasses import dataclass
from typing import TypeVar

import structlog
from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from accounts import onboarding
from accounts.models import User
from campaigns import lifecycle, planning, stopping
from campaigns.models import (
    Arm,
    Campaign,
    CampaignMailbox,
    Enrollment,
    Event,
    Message,
    Reply,
    SequenceVersion,
    Step,
    TrackedLink,
)
from integrations.models import InboundEvent, Mailbox
from outreach.demo import sequence, staging
from outreach.demo.staging import Cast
from outreach.lib.errors import DomainError
from outreach.lib.retrying import retried
from prospects.models import ImportBatch, Program, Prospect, Segment, Site, Suppression
from templates.models import Template, TemplateVersion

log = structlog.get_logger("demo")
Row = TypeVar("Row", bound=Model)

PATIENCE = 20  # half seconds: a hand-over to a server on this machine takes far less
SENDER = r"^partners(\.run[0-9a-f]+)?@lumentea\.example$"
KEPT_NAME = "Practice mailbox (from the demo)"
KEPT_SEGMENT, KEPT_PROGRAM = "People of the former demo", "Program of the former demo"
_clock = threading.Event()  # never set: its wait is a pause


class StillSending(DomainError):
    """A mail of the demo world is being handed over right now."""

    status = 409


@dataclass(frozen=True)
class Left:
    """How much of a demo world there is, or was removed."""

    people: int = 0
    messages: int = 0
    campaigns: int = 0
    answers: int = 0


@dataclass(frozen=True)
class _Scope:
    """What goes: conditions over the tables that can say it themselves; all else hangs on these rows."""

    campaigns: Q
    people: Q
    mailboxes: Q
    batches: Q
    segments: Q


EVERYTHING = _Scope(
    campaigns=Q(is_demo=True),
    people=Q(is_demo=True),
    mailboxes=Q(is_demo=True, from_address__regex=SENDER),
    batches=Q(file_name__startswith="Demo: prospects.csv", created_by=None),
    segments=Q(name="Demo: people") | Q(name__startswith="Demo: people (run"),
)


def count() -> Left:
    """What `leave` would remove. Counts demo rows one by one: to be asked once in an installation's life."""
    campaigns = Campaign.objects.filter(is_demo=True)
    people = Prospect.objects.filter(is_demo=True)
    sent = Message.objects.filter(handed_over_at__isnull=False)
    elsewhere = sent.filter(prospect__in=people).exclude(campaign__in=list(campaigns))  # an "or" would read them all
    return Left(
        people=people.count(),
        messages=sent.filter(campaign__in=list(campaigns)).count() + elsewhere.count(),
        campaigns=campaigns.filter(rehearsal_of=None).count(),
        answers=Reply.objects.filter(prospect__in=people).count(),
    )


def leave(*, by: User | None) -> Left:
    """Removes the demo world for good and notes that this installation is used for real from now on.

    Nothing of it is sent from the first moment on; workers may run meanwhile. A mailbox of the demo world that a real
    campaign uses stays as a practice mailbox. Raises StillSending, staging.CannotStage: then try again.
    """
    with staging.alone():
        _quieten(EVERYTHING)
        left = _remove(EVERYTHING, by=by, is_for_good=True)
    log.info("demo_world_left", people=left.people, messages=left.messages, campaigns=left.campaigns)
    return left


def clear(*, cast: Cast) -> Left:
    """Removes one run's people with everything that came of them. Raises as `leave` does."""
    scope = _Scope(
        campaigns=Q(is_demo=True, name=cast.name("tea affiliates")),
        people=Q(is_demo=True, tags__contains=[cast.label]),
        mailboxes=Q(is_demo=True, from_address=cast.sender),
        batches=Q(file_name=cast.name("prospects.csv"), created_by=None),
        segments=Q(name=cast.name("people")),
    )
    with staging.alone():
        _quieten(scope)
        return _remove(scope, by=None, is_for_good=False)


def _quieten(scope: _Scope) -> None:
    """First nothing new goes out, committed; then what is on its way arrives. The planner never looks at it again."""
    campaigns, people = _campaigns(scope), _people(scope)
    for campaign in Campaign.objects.filter(pk__in=campaigns):
        lifecycle.pause(campaign=campaign, reason="The demo world is being removed.", by=None)
    concerned = Q(campaign__in=campaigns) | Q(prospect__in=people)
    active = Enrollment.objects.filter(concerned, state=Enrollment.State.ACTIVE)
    stopping.end_enrollments(enrollment_ids=list(active.values_list("id", flat=True)), reason="demo_left")
    for _ in range(PATIENCE):
        if not Message.objects.filter(concerned, state=Message.State.SENDING).exists():
            return
        _clock.wait(0.5)
    raise StillSending("A mail of the demo world is being handed over right now: try again in a minute.")


def _campaigns(scope: _Scope) -> list[int]:
    """With every rehearsal that shows one of them, or one of the people."""
    ids = list(Campaign.objects.filter(scope.campaigns).values_list("id", flat=True))
    of_people = Enrollment.objects.filter(campaign=OuterRef("pk"), prospect__in=Prospect.objects.filter(scope.people))
    rehearsals = Campaign.objects.filter(rehearsal_of__isnull=False)
    touched = rehearsals.filter(Q(rehearsal_of__in=ids) | Exists(of_people))
    return sorted({*ids, *touched.values_list("id", flat=True)})


def _people(scope: _Scope) -> list[int]:
    return list(Prospect.objects.filter(scope.people).order_by("id").values_list("id", flat=True))


@retried
@transaction.atomic
def _remove(scope: _Scope, *, by: User | None, is_for_good: bool) -> Left:
    """Everything in one transaction. Locks as the engine does (messages, then enrollments, by id), then reads: whoever
    wants to add to a row that goes waits for the end, and finds it gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [planning.LOCK])
    campaigns, people = _campaigns(scope), _people(scope)
    concerned = Q(campaign__in=campaigns) | Q(prospect__in=people)
    messages, enrollments = _locked(Message, concerned), _locked(Enrollment, concerned)
    for model, ids in ((Prospect, people), (Campaign, campaigns)):
        _locked(model, Q(pk__in=ids))
    handed_over = Message.objects.filter(pk__in=messages, handed_over_at__isnull=False).count()
    stops = _stops_of(people, messages)
    texts = _texts_of(campaigns)
    answers = _remove_ledger(messages, enrollments, people)
    shown = _remove_campaigns(campaigns)
    _remove_people(people)
    Suppression.objects.filter(kind=Suppression.Kind.ADDRESS, key__in=stops, created_by=None).delete()
    ImportBatch.objects.filter(scope.batches).delete()
    _remove_mailboxes(scope.mailboxes)
    _remove_words(scope.segments, texts)
    if is_for_good:
        _rename(Segment.objects.filter(scope.segments), KEPT_SEGMENT)
        _rename(Program.objects.filter(name=staging.PROGRAM), KEPT_PROGRAM)
        onboarding.begin(by=by)
    return Left(people=len(people), messages=handed_over, campaigns=shown, answers=answers)


def _locked(model: type[Model], which: Q) -> list[int]:
    rows: QuerySet[Model] = model._default_manager.filter(which)
    return list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))


def _stops_of(people: list[int], messages: list[int]) -> set[str]:
    """The address keys by which these people, at any address they were written to, are suppressed.

    What a person here entered stays nevertheless: a real address may have been tried on an invented one.
    """
    written = Message.objects.filter(pk__in=messages, prospect__in=people)
    rows = [*Prospect.objects.filter(pk__in=people).values_list("contact_keys", flat=True)]
    rows += written.values_list("contact_keys", flat=True)
    return {key for keys in rows for key in keys if key.startswith("address:")}


def _remove_ledger(messages: list[int], enrollments: list[int], people: list[int]) -> int:
    """What came back, what was sent, and to whom; returns how many answers there were."""
    about = Q(message__in=messages) | Q(prospect__in=people) | Q(enrollment__in=enrollments)
    events = list(Event.objects.filter(about).values_list("id", "inbound_id"))
    ids = [pk for pk, _ in events]
    answers, _ = Reply.objects.filter(Q(event__in=ids) | Q(message__in=messages) | Q(prospect__in=people)).delete()
    Event.objects.filter(pk__in=ids).delete()
    InboundEvent.objects.filter(pk__in={inbound for _, inbound in events if inbound}).delete()
    Message.objects.filter(pk__in=messages).delete()
    Enrollment.objects.filter(pk__in=enrollments).delete()
    return answers


def _remove_campaigns(ids: list[int]) -> int:
    """Returns how many there were, rehearsals apart."""
    going = Campaign.objects.filter(pk__in=ids)
    shown = going.filter(rehearsal_of=None).count()
    Step.objects.filter(sequence_version__campaign__in=ids).delete()
    SequenceVersion.objects.filter(campaign__in=ids).delete()
    going.filter(rehearsal_of__isnull=False).delete()
    going.delete()
    return shown


def _remove_people(ids: list[int]) -> None:
    people = Prospect.objects.filter(pk__in=ids)
    sites = list(people.filter(site__isnull=False).values_list("site", flat=True).distinct())
    people.delete()
    _unused(Site.objects.filter(pk__in=sites), Prospect, "site").delete()


def _remove_mailboxes(which: Q) -> None:
    """One that a real campaign uses stays: it is a practice mailbox from now on."""
    _locked(Mailbox, which)
    going = Mailbox.objects.filter(which)
    for model in (Campaign, CampaignMailbox, Enrollment, Message):
        going = _unused(going, model, "mailbox")
    ids = list(going.values_list("id", flat=True))
    InboundEvent.objects.filter(mailbox__in=ids).delete()
    Mailbox.objects.filter(pk__in=ids).delete()
    Mailbox.objects.filter(which).update(name=KEPT_NAME)


def _texts_of(campaigns: list[int]) -> list[int]:
    """The demo's message templates: the staged ones, and what was written in its campaigns."""
    names = [staging.template_name(content) for content in sequence.STEPS]
    said = Arm.objects.filter(step__sequence_version__campaign__in=campaigns, template_version__template=OuterRef("pk"))
    ours = Template.objects.filter(name__startswith="Demo: ")
    return list(ours.filter(Q(name__in=names) | Exists(said)).values_list("id", flat=True))


def _remove_words(segments: Q, texts: list[int]) -> None:
    """Segments, message templates and the program, where no campaign uses them."""
    _unused(Segment.objects.filter(segments), Campaign, "segment").delete()
    _unused(Program.objects.filter(name=staging.PROGRAM), Campaign, "program").delete()
    in_use = Arm.objects.filter(template_version__template=OuterRef("pk"))
    going = list(Template.objects.filter(~Exists(in_use), pk__in=texts).values_list("id", flat=True))
    TrackedLink.objects.filter(template_version__template__in=going).delete()
    TemplateVersion.objects.filter(template__in=going).delete()
    Template.objects.filter(pk__in=going).delete()


def _rename(kept: QuerySet[Segment] | QuerySet[Program], name: str) -> None:
    """What a real campaign uses stays under a name that speaks of no demo world any more; a second one is numbered."""
    taken = set(kept.model._default_manager.filter(name__startswith=name).values_list("name", flat=True))
    free = (each for each in (name, *(f"{name} {number}" for number in range(2, 1_000))) if each not in taken)
    for row in kept.order_by("pk"):
        kept.model._default_manager.filter(pk=row.pk).update(name=next(free))


def _unused(rows: QuerySet[Row], by: type[Model], field: str) -> QuerySet[Row]:
    return rows.filter(~Exists(by._default_manager.filter(**{field: OuterRef("pk")})))
