"""What a draft is about to say and when: saved as it is typed, right or wrong, and published by the launch."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from django.db import transaction
from django.db.models import F, Prefetch

from accounts.models import User
from campaigns import conditions, framing
from campaigns.conditions import Rule
from campaigns.models import Arm, Campaign, SequenceVersion, Step, StepDraft
from campaigns.models.campaign import DelayUnit, workdays
from outreach.lib.errors import DomainError, Problem
from outreach.lib.models import DatabaseClock
from templates import linting, versions
from templates.engine import BadSource
from templates.linting import TemplateProblems
from templates.models import Channel, Template

NINE, FIVE = time(9), time(17)
FOLLOW_UP_DELAY = 3
FOOT = """
--
{{ sender_name }}, {{ program }}
{{ postal_address }}
No more mail from us: {{ unsubscribe_url }}
"""
BLANK = f"Hi {{{{ first_name | default: 'there' }}}},\n\n\n{FOOT}"
NEEDED = {"unsubscribe_url": "unsubscribe link", "postal_address": "postal address"}


class InvalidCampaign(DomainError):
    """A field of a campaign or step has a value that can't be."""


class NotEditable(DomainError):
    """This version of the sequence was published: its steps no longer change."""

    status = 409


@dataclass(frozen=True)
class Content:
    """What one step says now: its draft, or else the version its arm points to; `arm` is None before a publication.

    The first mail of a sequence `begins` the thread that mails without a subject go on in.
    """

    step: Step
    arm: Arm | None
    draft: StepDraft | None
    subject: str = ""
    text: str = ""
    html: str = ""
    begins: bool = False

    @property
    def says_nothing(self) -> bool:
        """True for a step that nobody wrote anything into yet, between a greeting and a foot at most."""
        return not (self.html.strip() or framing.parts(self.text).body) or self.text.strip() == BLANK.strip()

    @property
    def is_published(self) -> bool:
        """True when the arm's version says exactly this."""
        if self.arm is None:
            return False
        version = self.arm.template_version
        return (version.subject, version.text, version.html) == (self.subject, self.text, self.html)


def contents(*, campaign: Campaign, version: SequenceVersion | None = None) -> tuple[Content, ...]:
    """What each step of the newest sequence, or of this version, says now, in order; a fixed number of queries."""
    arms = Arm.objects.select_related("template_version__template").order_by("name")
    steps = Step.objects.filter(sequence_version=version or campaign.current_version()).order_by("position")
    found = [content_of(step) for step in steps.select_related("draft").prefetch_related(Prefetch("arms", arms))]
    first = next((content for content in found if content.step.channel == Channel.EMAIL), None)
    return tuple(replace(content, begins=content is first) for content in found)


def content_of(step: Step) -> Content:
    """The same of one step, whose draft is selected and whose arms are prefetched with version and template."""
    draft: StepDraft | None = getattr(step, "draft", None)
    arm = next(iter(step.arms.all()), None)
    says = draft or (arm.template_version if arm else None)
    if says is None:
        return Content(step=step, arm=None, draft=None)
    return Content(step=step, arm=arm, draft=draft, subject=says.subject, text=says.text, html=says.html)


def problems(content: Content) -> tuple[Problem, ...]:
    """Everything that keeps this step from being launched, by `subject`, `text` and `html`; empty when it is fine."""
    if content.says_nothing:
        return (Problem("text", "It says nothing yet: write its text."),)
    found = list(linting.lint(subject=content.subject, text=content.text, html=content.html))
    found += conditions.problems(content.step.condition)
    if content.step.channel == Channel.TASK:
        return tuple(found)
    if content.begins and not content.subject.strip():
        found.append(Problem("subject", "The first mail needs a subject."))
    return (*found, *_lacking("text", content.text), *_lacking("html", content.html))


def _lacking(field: str, source: str) -> list[Problem]:
    """What every commercial mail must carry, in each of its parts."""
    if not source:
        return []
    try:
        used = linting.variables(subject="", text=source)
    except BadSource:  # the linter has said so
        return []
    part = "HTML" if field == "html" else field
    return [
        Problem(field, f"There is no {what} in the {part}: add {{{{ {name} }}}}.")
        for name, what in NEEDED.items()
        if name not in used
    ]


@transaction.atomic
def save_text(*, step: Step, subject: str, text: str, html: str = "") -> StepDraft:
    """Keeps what was typed, half-written or not; what the step said before stays with its arm. Raises NotEditable."""
    editable_step(step)
    said = {"subject": subject, "text": text.replace("\r\n", "\n"), "html": html.replace("\r\n", "\n")}
    StepDraft.objects.update_or_create(step=step, defaults={**said, "saved_at": DatabaseClock()})
    return StepDraft.objects.get(step=step)


@transaction.atomic
def add_step(
    *,
    campaign: Campaign,
    subject: str = "",
    text: str | None = None,
    html: str = "",
    position: int | None = None,
    timing: dict[str, Any] | None = None,
    by: User | None,
) -> Step:
    """A step that is still being written, at its place or at the end; its window is that of the step before.

    Without a text it greets and ends as the first step does.
    Raises NotEditable, and InvalidCampaign for a timing that can't be.
    """
    version = editable_version(campaign)
    last = version.steps.order_by("position").last()
    end = last.position + 1 if last else 1
    position = min(max(position or end, 1), end)
    version.steps.filter(position__gte=position).update(position=F("position") + 1)
    timing = timing or _timing_after(last)
    check_timing(**{name: timing[name] for name in ("delay_unit", "window_start", "window_end", "weekdays")})
    step = Step.objects.create(sequence_version=version, key=new_key(), position=position, **timing)
    StepDraft.objects.create(step=step, subject=subject, text=frame(version) if text is None else text, html=html)
    return step


def frame(version: SequenceVersion) -> str:
    """An empty message in the words that the first step greets and ends with, once somebody has written it."""
    arms = Arm.objects.select_related("template_version").order_by("name")
    steps = version.steps.select_related("draft").prefetch_related(Prefetch("arms", arms)).order_by("position")
    first = steps.first()
    written = content_of(first) if first else None
    return BLANK if written is None or written.says_nothing else framing.empty(written.text) or BLANK


def new_key() -> str:
    """A name for a step that stays the same whatever its place."""
    return uuid.uuid4().hex[:12]


def _timing_after(last: Step | None) -> dict[str, Any]:
    if last is None:
        days = {"window_start": NINE, "window_end": FIVE, "weekdays": workdays()}
        return {"delay": 0, "delay_unit": DelayUnit.BUSINESS_DAYS, **days}
    days = {"window_start": last.window_start, "window_end": last.window_end, "weekdays": last.weekdays}
    return {"delay": FOLLOW_UP_DELAY, "delay_unit": DelayUnit.BUSINESS_DAYS, **days}


@transaction.atomic
def change_timing(
    *, step: Step, delay: int, delay_unit: str, window_start: time, window_end: time, weekdays: Iterable[int]
) -> Step:
    """When a step goes out: so long after the one before, inside the window. Raises NotEditable, InvalidCampaign."""
    days = sorted(set(weekdays))
    check_timing(delay_unit=delay_unit, window_start=window_start, window_end=window_end, weekdays=days)
    editable_step(step)
    step.delay, step.delay_unit, step.weekdays = delay, delay_unit, days
    step.window_start, step.window_end = window_start, window_end
    step.save(update_fields=["delay", "delay_unit", "window_start", "window_end", "weekdays"])
    return step


def check_timing(*, delay_unit: str, window_start: time, window_end: time, weekdays: Iterable[int]) -> None:
    """Raises InvalidCampaign, by field, for a step that could never go out."""
    days, found = set(weekdays), []
    if delay_unit not in DelayUnit.values:
        found.append(Problem("delay_unit", f"One of {', '.join(DelayUnit.values)}."))
    if window_end != time(0) and window_end <= window_start:
        found.append(Problem("window_end", "The window ends before it starts; 00:00 means midnight."))
    if not days or not days <= set(range(1, 8)):
        found.append(Problem("weekdays", "At least one day, from 1 (Monday) to 7 (Sunday)."))
    if found:
        raise InvalidCampaign("", found)


@transaction.atomic
def change_condition(*, step: Step, condition: Rule) -> Step:
    """For whom a step is: a segment's rule, `{}` for everybody. Raises NotEditable, InvalidCampaign."""
    check_condition(condition)
    editable_step(step)
    step.condition = condition
    step.save(update_fields=["condition"])
    return step


def check_condition(condition: Any) -> None:
    """Raises InvalidCampaign for one that can't be read."""
    if found := conditions.problems(condition):
        raise InvalidCampaign("", found)


@transaction.atomic
def change_hand(*, step: Step, channel: str, needs_approval: bool) -> Step:
    """Who hands it over: the mailbox by itself, the mailbox once somebody approved each text, or a person.

    Raises NotEditable, InvalidCampaign.
    """
    if channel not in Channel.values:
        raise InvalidCampaign("", [Problem("channel", f"One of {', '.join(Channel.values)}.")])
    editable_step(step)
    step.channel, step.needs_approval = channel, needs_approval and channel != Channel.TASK
    step.save(update_fields=["channel", "needs_approval"])
    return step


@transaction.atomic
def move(*, step: Step, up: bool) -> bool:
    """Changes places with the step before (or after) it; False at the end of the list. Raises NotEditable.

    The first step's delay never counts: between the first two places the delays stay where they are.
    """
    version = editable_step(step)
    step.refresh_from_db()
    other = version.steps.filter(position=step.position + (-1 if up else 1)).first()
    if other is None:
        return False
    step.position, other.position = other.position, step.position
    if 1 in (step.position, other.position):
        step.delay, other.delay = other.delay, step.delay
        step.delay_unit, other.delay_unit = other.delay_unit, step.delay_unit
    for moved in (step, other):
        moved.save(update_fields=["position", "delay", "delay_unit"])
    return True


@transaction.atomic
def remove_step(*, step: Step) -> None:
    """Takes a step out of a draft's sequence and closes the gap. Raises NotEditable."""
    version = editable_step(step)
    position = Step.objects.values_list("position", flat=True).get(pk=step.pk)
    step.delete()
    version.steps.filter(position__gt=position).update(position=F("position") - 1)


def editable_version(campaign: Campaign) -> SequenceVersion:
    """The sequence of a draft, or the one that is being written for a launched campaign (`revising.begin`).

    Its campaign is locked until the transaction's end. Raises NotEditable.
    """
    locked = Campaign.objects.select_for_update(no_key=True)  # the planner is not in its way
    state = locked.values_list("state", flat=True).get(pk=campaign.pk)
    version = campaign.current_version()
    if version.published_at:
        raise NotEditable("This campaign was launched: its steps change only in a new version of its sequence.")
    if state == Campaign.State.ARCHIVED:
        raise NotEditable("This campaign is archived: restore it first.")
    return version


def editable_step(step: Step) -> SequenceVersion:
    """The same by one of its steps. Raises NotEditable."""
    version = editable_version(step.sequence_version.campaign)
    if not version.steps.filter(pk=step.pk).exists():
        raise NotEditable("This step was removed.")
    return version


@transaction.atomic
def publish(*, campaign: Campaign, by: User | None) -> int:
    """Every saved draft becomes a version of the step's own template; returns how many did.

    Raises NotEditable, and TemplateProblems with all that is wrong, by `steps[n]`; then nothing was published.
    """
    editable_version(campaign)
    written = contents(campaign=campaign)
    wrong = [
        Problem(f"steps[{content.step.position}]", problem.message)
        for content in written
        if content.draft or not content.arm
        for problem in problems(content)
    ]
    if wrong:
        raise TemplateProblems(problems=wrong)
    drafts = [content for content in written if content.draft]
    for content in drafts:
        if not content.is_published:
            _publish(content, campaign, by)
    StepDraft.objects.filter(step__in=[content.step for content in drafts]).delete()
    return len(drafts)


def _publish(content: Content, campaign: Campaign, by: User | None) -> None:
    says = {"subject": content.subject, "text": content.text, "html": content.html}
    template = content.arm.template_version.template if content.arm else None
    if content.arm and template and not _is_shared(template, content.step):
        version = versions.publish(template=template, language=content.arm.template_version.language, **says, by=by)
    else:
        name = _free_name(f"{campaign.name[:80]} · step {content.step.position}")
        version = versions.create_template(name=name, channel=content.step.channel, **says, by=by).current_version()
    Arm.objects.update_or_create(
        step=content.step, name=content.arm.name if content.arm else "A", defaults={"template_version": version}
    )


def _is_shared(template: Template, step: Step) -> bool:
    """Whether another step says it too; the same step in another version, or in a rehearsal, is none."""
    return Arm.objects.filter(template_version__template=template).exclude(step__key=step.key).exists()


def _free_name(wanted: str) -> str:
    taken = set(Template.objects.filter(name__startswith=wanted).values_list("name", flat=True))
    numbers = (f"{wanted} ({number})" for number in range(2, len(taken) + 3))
    return next(name for name in (wanted, *numbers) if name not in taken)
