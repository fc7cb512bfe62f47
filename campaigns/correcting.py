"""A correction: one mail in the same thread to everybody who received a text that was wrong, and to nobody else.

It is a step of a new version of the sequence, right behind the step that was wrong, for those who received that text.
So it comes under every stop and rule that any other step does, and once.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from accounts.models import User
from campaigns import drafting, errands, known, revising, taking_along
from campaigns.models import Arm, Campaign, Message, SequenceVersion, Step
from campaigns.models.campaign import DelayUnit
from outreach.lib.errors import DomainError
from templates.models import TemplateVersion

MOST = 50  # texts of a campaign that can be chosen, the newest first


class CannotCorrect(DomainError):
    """The sequence is being edited, or nobody received that text."""

    status = 409
    title = "It can't be corrected so"


@dataclass(frozen=True)
class Wrong:
    """A text that people received, of which step, and how many did."""

    version: TemplateVersion
    step: Step
    people: int


def received(*, campaign: Campaign) -> list[Wrong]:
    """The texts that people received from this campaign, the newest first. Three queries."""
    got = Message.objects.filter(campaign=campaign, state__in=known.GOT, awaits="").order_by()
    counts = dict(got.values_list("template_version").annotate(people=Count("prospect", distinct=True)))
    said = TemplateVersion.objects.filter(pk__in=counts).select_related("template").order_by("-id")[:MOST]
    arms = Arm.objects.filter(step__sequence_version__campaign=campaign, template_version__in=counts)
    steps = {arm.template_version_id: arm.step for arm in arms.select_related("step").order_by("id")}
    return [Wrong(each, steps[each.pk], counts[each.pk]) for each in said if each.pk in steps]


def frame(*, campaign: Campaign) -> str:
    """What a correction begins with: greeting and foot of the sequence's first step."""
    return drafting.frame(campaign.live_version())


def correct(
    *,
    campaign: Campaign,
    version: TemplateVersion,
    text: str,
    now: datetime,
    by: User | None,
    seconds: float = errands.TO_THE_END,
) -> SequenceVersion:
    """Whoever received this text gets the correction next, in the same thread; what comes after it waits for it.

    Also those who had finished, unless they answered or stopped. People move as `revising.publish` has it. Raises
    CannotCorrect, and what that raises for a text that can't be sent.
    """
    made = _put_in_force(campaign, version, text, now, by)
    taking_along.go_on(seconds=seconds, campaign=campaign)
    made.refresh_from_db()
    return made


@transaction.atomic
def _put_in_force(
    campaign: Campaign, version: TemplateVersion, text: str, now: datetime, by: User | None
) -> SequenceVersion:
    wrong = next((each for each in received(campaign=campaign) if each.version == version), None)
    if wrong is None:
        raise CannotCorrect("Nobody received this text from this campaign.")
    if revising.draft(campaign=campaign) is not None:
        raise CannotCorrect("The sequence is being edited: publish that first, or throw it away.")
    written = revising.begin(campaign=campaign, by=by)
    place = written.steps.filter(key=wrong.step.key).values_list("position", flat=True).first() or 0
    window = {name: getattr(wrong.step, name) for name in ("window_start", "window_end", "weekdays")}
    timing = {"delay": 0, "delay_unit": DelayUnit.MINUTES, **window}
    step = drafting.add_step(campaign=campaign, text=text, position=place + 1, timing=timing, by=by)
    rule = {"field": f"{known.RECEIVED}.{campaign.public_id}", "op": "is", "value": str(version.public_id)}
    drafting.change_condition(step=step, condition=rule)
    everybody = revising.EVERYBODY
    return revising.put_in_force(campaign=campaign, audience=everybody, reaches_finished=True, now=now, by=by)
