"""Rehearsing: a sequence in minutes, through the real engine, to one's own address as chosen people.

A rehearsal is a campaign of its own beside the one it is of. The engine treats it like any other, with three
exceptions: every message goes to `rehearsal_to`, it waits for no cap, gap or window, and what comes back is no fact
about anybody.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, time

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from campaigns import drafting, playing, preflight, stopping, tracking
from campaigns.drafting import Content
from campaigns.models import Arm, Campaign, Enrollment, Message, SequenceVersion, Step
from campaigns.models.campaign import DelayUnit
from campaigns.playing import CannotAnswer
from integrations.models import Mailbox
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import new_public_id
from prospects import identity, suppression
from prospects.models import Prospect

MOST_PEOPLE = 5
MINUTES_BETWEEN = 2  # time enough to read a mail and to answer it
MIDNIGHT = time(0)
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
NOT_OURS = (
    "This is an address of {}, whom a campaign may write to: it would be a real mail to them. Use the address of a "
    "mailbox or of somebody who works here, as their account has it."
)
CONCERNS = ("mailbox", "program", "steps")  # of the pre-flight check: the audience gets nothing


class CannotRehearse(DomainError):
    """What is missing for a rehearsal; each problem names a field of the form, a step, or nothing."""

    status = 409


@transaction.atomic
def start(*, campaign: Campaign, prospects: Collection[Prospect], to: str, now: datetime, by: User | None) -> Campaign:
    """Begins a rehearsal of what the campaign says now, to the address `to` as each of 1 to 5 people.

    `to` is nobody's in the list of people, unless a mailbox or somebody who works here has it. What a draft is about to
    say is published first; an earlier rehearsal of the campaign ends. Raises CannotRehearse with everything that is
    wrong at once, and what `drafting.publish` raises.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)  # the planner is not in its way
    to = _checked(campaign, prospects, to)
    if campaign.current_version().published_at is None:
        drafting.publish(campaign=campaign, by=by)
    problems = [problem for problem in preflight.check(campaign=campaign) if problem.field.startswith(CONCERNS)]
    if problems:
        raise CannotRehearse("The sequence is not ready to be rehearsed.", problems)
    for earlier in Campaign.objects.filter(rehearsal_of=campaign).exclude(state=Campaign.State.ARCHIVED):
        end(rehearsal=earlier)
    rehearsal = _beside(campaign, to, now=now, by=by)
    version = _quickened(campaign.current_version(), rehearsal, now=now)
    tracking.register_links(version=version)
    _enroll(rehearsal, version, prospects, now=now, by=by)
    return rehearsal


@transaction.atomic
def end(*, rehearsal: Campaign) -> bool:
    """Nothing more of it goes out; what it was stays to be read. False when it was ended before."""
    open_ones = Campaign.objects.filter(pk=rehearsal.pk, rehearsal_of__isnull=False).exclude(
        state=Campaign.State.ARCHIVED
    )
    if not open_ones.update(state=Campaign.State.ARCHIVED, state_reason="The rehearsal was ended."):
        return False
    ids = list(Enrollment.objects.filter(campaign=rehearsal).order_by("id").values_list("id", flat=True))
    stopping.end_enrollments(enrollment_ids=ids, reason="rehearsal_over")
    rehearsal.refresh_from_db()
    return True


def is_rehearsed(*, campaign: Campaign, contents: Sequence[Content]) -> bool:
    """Whether the last rehearsal said just what these steps of the campaign say now. Two queries at most."""
    last = campaign.rehearsals.order_by("-id").first()
    if last is None or not contents or not all(content.is_published for content in contents):
        return False
    now = [(content.step.key, content.arm.template_version_id) for content in contents if content.arm]
    arms = Arm.objects.filter(step__sequence_version__campaign=last).order_by("step__position", "name")
    return now == list(dict(arms.values_list("step__key", "template_version_id")).items())


def answer(*, rehearsal: Campaign, enrollment: Enrollment, text: str, now: datetime) -> None:
    """Answers the newest mail as the person who is played, through the practice mailbox; see `playing.answer`.

    Raises CannotAnswer, also before the first mail.
    """
    sent = Message.objects.filter(enrollment=enrollment, campaign=rehearsal, state=Message.State.SENT)
    message = sent.select_related("mailbox", "prospect").order_by("-handed_over_at", "-id").first()
    if message is None:
        raise CannotAnswer("There is nothing to answer yet: wait for the first mail.")
    playing.answer(message=message, text=text, now=now)


@transaction.atomic
def hurry(*, rehearsal: Campaign, now: datetime) -> int:
    """What comes next goes out at once, for everybody who is still played; returns for how many people."""
    waiting = Enrollment.objects.filter(campaign=rehearsal, state=Enrollment.State.ACTIVE)
    planned = Message.objects.filter(campaign=rehearsal, state=Message.State.PLANNED, send_at__gt=now)
    hurried = planned.update(send_at=now)
    return hurried + waiting.filter(look_at__isnull=False, due_at__gt=now).update(due_at=now, look_at=now)


def _checked(campaign: Campaign, prospects: Collection[Prospect], to: str) -> str:
    problems = []
    if campaign.rehearsal_of_id or campaign.state == Campaign.State.ARCHIVED:
        problems.append(Problem("", "This campaign can't be rehearsed: restore it first."))
    if not 1 <= len(prospects) <= MOST_PEOPLE:
        problems.append(Problem("people", f"Choose one to {MOST_PEOPLE} people to play."))
    try:
        to = identity.normalise(to)
    except identity.BadAddress as error:
        problems.append(Problem("to", str(error)))
    else:
        if suppression.is_suppressed(identity.contact_keys(email=to)):
            problems.append(Problem("to", "This address is suppressed: nothing is ever sent to it."))
        elif _said_no(to):
            problems.append(Problem("to", "Whoever has this address is never written to again."))
        elif reader := _somebody_else(to):
            problems.append(Problem("to", NOT_OURS.format(reader)))
    if problems:
        raise CannotRehearse("", problems)
    return to


def _somebody_else(address: str) -> Prospect | None:
    """Whose of our people this address is or was; None for an address of a mailbox or of a colleague.

    What comes back to a rehearsal counts for nobody: somebody else's no would be lost.
    """
    key = identity.key_for("address", address)
    named = Prospect.objects.filter(contact_keys__contains=[key]).select_related("person").order_by("id").first()
    if named is None:
        return None
    colleagues = User.objects.filter(is_active=True).exclude(email="")
    ours = (colleagues.values_list("email"), Mailbox.objects.values_list("from_address"))
    if any(identity.key_for("address", own) == key for rows in ours for (own,) in rows):
        return None
    return named.person or named


def _said_no(address: str) -> bool:
    reader = Prospect.objects.filter(identity_key=identity.address_key(address))
    return reader.filter(Q(stopped_at__isnull=False) | Q(site__stopped_at__isnull=False)).exists()


def _beside(campaign: Campaign, to: str, *, now: datetime, by: User | None) -> Campaign:
    return Campaign.objects.create(
        name=f"Rehearsal {new_public_id().hex[-8:]} of {campaign.name}"[:100],
        program=campaign.program,
        segment=campaign.segment,
        mailbox=campaign.mailbox,
        time_zone=campaign.time_zone,
        skip_holidays=False,
        is_demo=campaign.is_demo,
        state=Campaign.State.RUNNING,
        rehearsal_of=campaign,
        rehearsal_to=to,
        launched_at=now,
        created_by=by,
        launched_by=by,
    )


def _quickened(original: SequenceVersion, rehearsal: Campaign, *, now: datetime) -> SequenceVersion:
    """The same steps with the same content, minutes apart and open around the clock."""
    version = SequenceVersion.objects.create(campaign=rehearsal, number=1, published_at=now)
    steps = list(original.steps.order_by("position").prefetch_related("arms"))
    copies = Step.objects.bulk_create(_quick(step, version) for step in steps)
    Arm.objects.bulk_create(
        Arm(step=copy, name=arm.name, template_version_id=arm.template_version_id)
        for step, copy in zip(steps, copies, strict=True)
        for arm in step.arms.all()
    )
    return version


def _quick(step: Step, version: SequenceVersion) -> Step:
    return Step(
        sequence_version=version,
        key=step.key,
        position=step.position,
        channel=step.channel,
        delay=MINUTES_BETWEEN if step.position > 1 else 0,
        delay_unit=DelayUnit.MINUTES,
        window_start=MIDNIGHT,
        window_end=MIDNIGHT,
        weekdays=EVERY_DAY,
    )


def _enroll(
    rehearsal: Campaign, version: SequenceVersion, prospects: Iterable[Prospect], *, now: datetime, by: User | None
) -> None:
    first = version.steps.order_by("position")[:1].get()
    Enrollment.objects.bulk_create(
        Enrollment(
            campaign=rehearsal,
            prospect=prospect,
            sequence_version=version,
            mailbox_id=rehearsal.mailbox_id,
            next_step_key=first.key,
            due_at=now,
            look_at=now,
            enrolled_by=by,
        )
        for prospect in prospects
    )
