"""What can be done to several people at once: the menu of the list, each entry a verb that works in sets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone

from accounts.callers import caller, role_of
from accounts.models import User
from campaigns import enrolling, entering, reentering, stopping
from campaigns.models import Campaign
from campaigns.views.forms import OwnerForm, StageForm
from outreach.lib.words import people
from prospects import holding, owning, stages, tagging
from prospects.models import Program, Prospect, Stage

BATCH = 5_000
FEW = 100  # people for whom it is worth asking which campaigns they can enter
Ids = Sequence[int]


@dataclass(frozen=True)
class Done:
    """What was done, in words; `undo` is the action that takes it back, on `ids`, with `fields`."""

    words: str
    undo: str = ""
    ids: tuple[int, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    in_vain: bool = False  # nothing came of it


class TagForm(forms.Form):
    tag = forms.CharField(max_length=50)


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=150, label="Why")


class CampaignForm(forms.Form):
    campaign = forms.ModelChoiceField(
        queryset=Campaign.objects.none(),
        to_field_name="public_id",
        empty_label="Choose a campaign",
        help_text="Launched campaigns that they can enter.",
    )

    def __init__(self, *args: Any, ids: Ids, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = entering.open_to(prospect_ids=ids) if len(ids) <= FEW else entering.launched()
        self.fields["campaign"].queryset = offered.order_by("name")  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Action:
    """One entry of the menu: its words, what it asks, what it warns of, and what it calls.

    `for_all` says whether it can be done to a whole list; else it needs people who were looked at and chosen.
    """

    words: str
    button: str
    does: Callable[..., Done]
    form: type[forms.Form] | None = None
    text: str = ""
    danger: bool = False
    for_all: bool = True
    why_not: Callable[[Ids], str] | None = None  # a sentence when it can be done for none of them

    def asks(self, data: Any, ids: Ids) -> forms.Form | None:
        """The form of what it asks, for these people."""
        if self.form is CampaignForm:
            return CampaignForm(data, ids=ids)
        return self.form(data) if self.form else None


def _batches(ids: Ids) -> Iterator[Ids]:
    """Each is a transaction of its own: what is done stays done, nobody waits for a lock on a whole table."""
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _add_tag(ids: Ids, request: HttpRequest, tag: str) -> Done:
    got = [id for some in _batches(ids) for id in tagging.add_tag(prospect_ids=some, tag=tag)]
    return Done(f"{people(len(got))} got the tag {tag}.", "untag", tuple(got), (("tag", tag),))


def _remove_tag(ids: Ids, request: HttpRequest, tag: str) -> Done:
    lost = [id for some in _batches(ids) for id in tagging.remove_tag(prospect_ids=some, tag=tag)]
    return Done(f"The tag {tag} was taken from {people(len(lost))}.", "tag", tuple(lost), (("tag", tag),))


def _assign(ids: Ids, request: HttpRequest, owner: User | None) -> Done:
    by, got, kept = caller(request), 0, 0
    role = role_of(by)
    for some in _batches(ids):
        got += len(owning.assign(prospect_ids=some, owner=owner, by=by, role=role))
        kept += owning.left_out(prospect_ids=some, owner=owner, by=by, role=role)
    said = f"{people(got)} looked after by {owner or 'nobody'} now."
    if kept:
        said += f" {people(kept)} {'is' if kept == 1 else 'are'} protected: their owner or a manager has to do that."
    return Done(said, in_vain=not got and bool(kept))


def _move(ids: Ids, request: HttpRequest, program: Program, stage: str, why: str) -> Done:
    by, now, moved = caller(request), timezone.now(), 0
    for some in _batches(ids):
        moved += len(stages.move_all(prospect_ids=some, program=program, to=stage, why=why, by=by, now=now))
    return Done(f"{people(moved)} moved to {Stage.Name(stage).label.lower()} in {program}.")


def _hold(ids: Ids, request: HttpRequest, reason: str) -> Done:
    by = caller(request)
    held = [id for some in _batches(ids) for id in holding.hold(prospect_ids=some, reason=reason, by=by)]
    said = f"{people(len(held))} put on hold: nothing is sent until somebody releases them."
    return Done(said, "release", tuple(held))


def _release(ids: Ids, request: HttpRequest) -> Done:
    freed = [id for some in _batches(ids) for id in holding.release(prospect_ids=some)]
    again = (("reason", "Put on hold again"),)
    return Done(f"{people(len(freed))} released: what was held goes on.", "hold", tuple(freed), again)


def _stop(ids: Ids, request: HttpRequest, reason: str) -> Done:
    chosen = Prospect.objects.filter(pk__in=ids).order_by("-pk")
    ended = sum(stopping.stop_person(prospect=prospect, reason=reason, by=caller(request)) for prospect in chosen)
    campaigns = f" They were taken out of running campaigns ({ended})." if ended else ""
    return Done(f"{people(len(ids))} will never be written to again.{campaigns}")


def _enrol(ids: Ids, request: HttpRequest, campaign: Campaign) -> Done:
    now, by = timezone.now(), caller(request)
    count, reasons = 0, []
    for some in _batches(ids):
        reasons.append(entering.left_out(campaign=campaign, prospect_ids=some))
        count += len(reentering.re_enter(campaign=campaign, prospect_ids=some, now=now, by=by))
        count += enrolling.enroll(campaign=campaign, prospects=Prospect.objects.filter(pk__in=some), now=now, by=by)
    why = "; ".join(filter(None, reasons))
    if not count:
        return Done(f"Nobody was enrolled in {campaign}: {why or 'nobody could be'}.", in_vain=True)
    return Done(f"{people(count)} enrolled in {campaign}.{f' Left out: {why}.' if why else ''}")


def _no_campaign(ids: Ids) -> str:
    return entering.nowhere(prospect_ids=ids) if len(ids) <= FEW else ""


ACTIONS: dict[str, Action] = {
    "tag": Action("Add a tag", "Add the tag", _add_tag, TagForm),
    "untag": Action("Remove a tag", "Remove the tag", _remove_tag, TagForm),
    "owner": Action("Say who looks after them", "Save", _assign, OwnerForm),
    "stage": Action("Move to a stage", "Move them", _move, StageForm),
    "enrol": Action(
        "Enrol in a campaign",
        "Enrol them",
        _enrol,
        CampaignForm,
        "They get the first message when its time has come; who must not be written to is left out.",
        why_not=_no_campaign,
    ),
    "hold": Action("Put on hold", "Put on hold", _hold, ReasonForm, "Nothing is sent until somebody releases them."),
    "release": Action("Release", "Release", _release, None, "What was held goes on within its windows."),
    "stop": Action(
        "Never write to them again",
        "Never write again",
        _stop,
        ReasonForm,
        "What is planned is cancelled at once and they leave every campaign. A mistake is lifted on each one's page.",
        danger=True,
        for_all=False,
    ),
}


def actions() -> dict[str, str]:
    """The menu: name → words."""
    return {name: action.words for name, action in ACTIONS.items()}
