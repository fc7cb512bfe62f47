"""Editing a running sequence: a new version is written beside the one that runs, compared with it, and published."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts.models import User
from campaigns import (
    comparing,
    drafting,
    enrolling,
    errands,
    fates,
    moving,
    planning,
    preflight,
    taking_along,
    tracking,
)
from campaigns.comparing import Change
from campaigns.drafting import Content, NotEditable
from campaigns.fates import Fate, Kind, Standing
from campaigns.models import Arm, Campaign, SequenceVersion, Step
from outreach.lib.errors import DomainError, Problem
from outreach.lib.retrying import retried

LAUNCHED = (Campaign.State.RUNNING, Campaign.State.PAUSED)
EVERYBODY = SequenceVersion.Audience.EVERYBODY


class NotPublished(DomainError):
    """The new version has problems (all of them are in `problems`), or changes nothing."""

    status = 409
    title = "This version can't be published"


class SeenBefore(DomainError):
    """What is about to be published is not what was looked at: somebody went on writing."""

    status = 409
    title = "It was changed meanwhile"


@dataclass(frozen=True)
class Group:
    """People who stand alike, and what the new version means for them; `position` is the step they stand before in
    the version that they are on, 0 when they have finished.
    """

    version: int
    position: int
    people: int
    standing: Standing
    fate: Fate
    next_position: int  # 0 when nothing is left for them


@dataclass(frozen=True)
class Revision:
    """What a new version changes, for whom, and what keeps it from being published."""

    version: SequenceVersion
    before: SequenceVersion
    changes: tuple[Change, ...]
    groups: tuple[Group, ...]
    problems: tuple[Problem, ...]
    seen: str  # names exactly what was compared: `publish` takes it
    people: Counter[Kind] = field(default_factory=Counter)

    @property
    def addable(self) -> int:
        """How many have finished and would get what was added behind their last step."""
        return self.people[Kind.GOES_ON_AGAIN]


@transaction.atomic
def begin(*, campaign: Campaign, by: User | None) -> SequenceVersion:
    """A new version of a launched campaign's sequence to write in, a copy of what runs; or the one that is being
    written already. Raises NotEditable.
    """
    state = Campaign.objects.select_for_update(no_key=True).values_list("state", flat=True).get(pk=campaign.pk)
    if state not in LAUNCHED or campaign.rehearsal_of_id:
        raise NotEditable("Only the sequence of a campaign that runs or is paused is edited so.")
    newest = campaign.current_version()
    if newest.published_at is None:
        return newest
    version = SequenceVersion.objects.create(campaign=campaign, number=newest.number + 1)
    for step in newest.steps.order_by("position").prefetch_related("arms"):
        _copy(step, version)
    return version


def _copy(step: Step, version: SequenceVersion) -> None:
    same = comparing.settings_of(step)
    copy = Step.objects.create(sequence_version=version, key=step.key, position=step.position, **same)
    Arm.objects.bulk_create(
        Arm(step=copy, name=arm.name, template_version_id=arm.template_version_id) for arm in step.arms.all()
    )


@transaction.atomic
def discard(*, campaign: Campaign) -> bool:
    """Throws away the version that is being written; False when there is none. What runs goes on as it is."""
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    written = draft(campaign=campaign)
    if written is None:
        return False
    Step.objects.filter(sequence_version=written).delete()
    written.delete()
    return True


def draft(*, campaign: Campaign) -> SequenceVersion | None:
    """The version that is being written for a launched campaign; None when there is none, or it was never launched."""
    if not campaign.launched_at:
        return None
    newest = campaign.current_version()
    return None if newest.published_at else newest


def look(*, campaign: Campaign) -> Revision:
    """What the version that is being written changes, and for whom, as of now. Raises NotEditable without one."""
    version = draft(campaign=campaign)
    if version is None:
        raise NotEditable("Nothing is being edited here.")
    before = campaign.live_version()
    new = drafting.contents(campaign=campaign, version=version)
    changes = comparing.changes(drafting.contents(campaign=campaign, version=before), new)
    problems = preflight.of_sequence(campaign=campaign)
    groups = _groups(campaign, version)
    people: Counter[Kind] = Counter()
    for group in groups:
        people[group.fate.kind] += group.people
    return Revision(version, before, changes, groups, problems, _named(new), people)


def _groups(campaign: Campaign, version: SequenceVersion) -> tuple[Group, ...]:
    """Everybody by where they stand; those who finished only where something would come next for them."""
    found = moving.standings(campaign=campaign, version=version)
    steps = moving.steps_of({version.pk, *(each.version_id for each in found)})
    numbers = dict(campaign.sequence_versions.values_list("pk", "number"))
    new = steps[version.pk]
    groups = []
    for each in found:
        old = steps[each.version_id]
        its = fates.fate(each, old=old, new=new, finished_too=True)
        if its.kind == Kind.STAYS:
            continue
        position = old[each.at].position if each.at in old else 0
        first = new[its.first].position if its.first else 0
        groups.append(Group(numbers[each.version_id], position, each.people, each, its, first))
    return tuple(sorted(groups, key=lambda group: (group.version, group.position or len(new) + 99, group.fate.kind)))


def _named(contents: Sequence[Content]) -> str:
    said = [
        [each.step.key, each.step.position, each.subject, each.text, each.html, comparing.settings_of(each.step)]
        for each in contents
    ]
    return hashlib.sha256(json.dumps(said, default=str, sort_keys=True).encode()).hexdigest()[:32]


def changes_of(*, version: SequenceVersion) -> tuple[Change, ...]:
    """What this version changed against the one published before it; of the first, nothing."""
    before = SequenceVersion.objects.filter(campaign=version.campaign_id, number__lt=version.number)
    earlier = before.filter(published_at__isnull=False).order_by("-number").first()
    if earlier is None:
        return ()
    old, new = (drafting.contents(campaign=version.campaign, version=each) for each in (earlier, version))
    return comparing.changes(old, new)


def publish(
    *,
    campaign: Campaign,
    audience: str = EVERYBODY,
    reaches_finished: bool = False,
    seen: str = "",
    now: datetime,
    by: User | None,
    seconds: float = errands.TO_THE_END,
) -> SequenceVersion:
    """What was written is what runs from this commit on; its `counts` say what that did to how many people so far.

    For EVERYBODY who is under way it goes on in the new version, whoever's message is with a server once that is
    settled; with `reaches_finished` also for those who had finished and for whom something was added. They move within
    `seconds`; a tick goes on with the rest, and until then nothing of the campaign is handed over. Otherwise it is only
    for people who are enrolled from now on. `seen` is what was looked at (`Revision.seen`); "" publishes whatever is
    there. Nobody gets a step twice. Raises NotEditable, NotPublished, SeenBefore.
    """
    version = put_in_force(
        campaign=campaign, audience=audience, reaches_finished=reaches_finished, seen=seen, now=now, by=by
    )
    if audience == EVERYBODY:
        taking_along.go_on(seconds=seconds, campaign=campaign)
        version.refresh_from_db()
    return version


@retried
@transaction.atomic
def put_in_force(
    *, campaign: Campaign, audience: str, reaches_finished: bool, seen: str = "", now: datetime, by: User | None
) -> SequenceVersion:
    """As `publish`, but nobody has moved yet: call `taking_along.go_on` after the commit."""
    if campaign.rehearsal_of_id or draft(campaign=campaign) is None:
        raise NotEditable("Nothing is being edited here.")
    version = drafting.editable_version(campaign)
    if errands.of_campaign(campaign):
        raise NotPublished(
            "People are still coming into this campaign, or going on in its last version: wait a minute."
        )
    _check(campaign, version, seen)
    drafting.publish(campaign=campaign, by=by)
    with planning.alone():
        enrolling.alone()
        SequenceVersion.objects.filter(pk=version.pk).update(
            published_at=now, published_by=by, audience=audience, reaches_finished=reaches_finished
        )
        tracking.register_links(version=version)
        if audience == EVERYBODY:
            _take_over_behind(campaign, version)
            taking_along.ask(version=version, now=now, by=by)
    version.refresh_from_db()
    return version


def _check(campaign: Campaign, version: SequenceVersion, seen: str) -> None:
    problems = preflight.of_sequence(campaign=campaign)
    if problems:
        raise NotPublished("This version is not ready.", problems)
    new = drafting.contents(campaign=campaign, version=version)
    if seen and seen != _named(new):
        raise SeenBefore("Somebody went on writing since you looked: look at the changes again, then publish them.")
    if not comparing.changes(drafting.contents(campaign=campaign, version=campaign.live_version()), new):
        raise NotPublished("Nothing is changed: there is nothing to publish.")


def _take_over_behind(campaign: Campaign, version: SequenceVersion) -> None:
    """Who still follows an earlier version follows this one instead."""
    moving.follow()
    earlier = campaign.sequence_versions.exclude(pk=version.pk).exclude(behind=[])
    waiting = {pk for ids in earlier.values_list("behind", flat=True) for pk in ids}
    earlier.update(behind=[])
    SequenceVersion.objects.filter(pk=version.pk).update(behind=sorted(waiting))
