"""Doing one thing to several people: asked first, said after, undone where that is possible."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.callers import caller
from campaigns import enrolling, stopping
from campaigns.models import Campaign
from outreach.lib import pages
from outreach.lib.errors import DomainError
from outreach.lib.words import people
from prospects import holding, tagging
from prospects.models import Prospect

MOST = 100
UNDO = "people_undo"  # in the session: the last thing that can be taken back


@dataclass(frozen=True)
class Done:
    """What was done, in words; `undo` is the action that takes it back, on `ids`, with `fields`."""

    words: str
    undo: str = ""
    ids: tuple[int, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


class TagForm(forms.Form):
    tag = forms.CharField(max_length=50)


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=150, label="Why")


class CampaignForm(forms.Form):
    campaign = forms.ModelChoiceField(
        queryset=Campaign.objects.filter(
            rehearsal_of=None, state__in=[Campaign.State.RUNNING, Campaign.State.PAUSED]
        ).order_by("name"),
        to_field_name="public_id",
        help_text="A launched campaign.",
    )


@dataclass(frozen=True)
class Action:
    """One entry of the menu: its words, what it asks, what it warns of, and what it calls."""

    words: str
    button: str
    does: Callable[..., Done]
    form: type[forms.Form] | None = None
    text: str = ""
    danger: bool = False


def act(request: HttpRequest) -> HttpResponse:
    """The page behind the list's menu: first asks, naming the number of people, then does it."""
    back = reverse("prospects")
    if request.GET.get("undo"):
        return _undo(request, back)
    action, chosen = ACTIONS.get(request.POST.get("action", "")), _chosen(request)
    if action is None or not chosen:
        pages.refused(request, "Choose people by the boxes beside them, and what to do with them.")
        return pages.back_to(request, back)
    sure = "sure" in request.POST
    form = action.form(request.POST if sure else None) if action.form else None
    if not sure or (form is not None and not form.is_valid()):
        return _ask(request, action, chosen, form, back)
    fields = form.cleaned_data if form is not None else {}
    try:
        done = action.does(chosen, request, **fields)
    except DomainError as error:
        if form is None:
            pages.refused(request, error)
            return pages.back_to(request, back)
        pages.show_problems(form, error)
        return _ask(request, action, chosen, form, back)
    _say(request, done)
    return pages.back_to(request, back)


def _chosen(request: HttpRequest) -> list[Prospect]:
    ids = []
    for said in request.POST.getlist("id")[:MOST]:
        try:
            ids.append(UUID(said))
        except ValueError:
            continue
    return list(Prospect.objects.filter(public_id__in=ids).order_by("-id"))


def _ask(
    request: HttpRequest, action: Action, chosen: list[Prospect], form: forms.Form | None, back: str
) -> HttpResponse:
    where = request.POST.get("next") or back
    fields = {
        "id": [str(prospect.public_id) for prospect in chosen],
        "action": [request.POST["action"]],
        "sure": ["1"],
        "next": [where],
    }
    names = ", ".join(str(prospect)[:60] for prospect in chosen[:5])
    rest = f" and {len(chosen) - 5} more" if len(chosen) > 5 else ""
    return pages.confirm(
        request,
        title=f"{action.words}: {people(len(chosen))}?",
        text=f"{action.text} This is about {names}{rest}.".strip(),
        button=action.button,
        back=pages.back_to(request, back).url,
        danger=action.danger,
        fields=fields,
        form=form,
    )


def _say(request: HttpRequest, done: Done) -> None:
    if not done.undo or not done.ids:
        pages.said(request, done.words)
        return
    token = get_random_string(16)
    request.session[UNDO] = {"token": token, "action": done.undo, "ids": done.ids, "fields": dict(done.fields)}
    pages.said(request, done.words, undo=f"{reverse('prospects-act')}?undo={token}")


def _undo(request: HttpRequest, back: str) -> HttpResponse:
    kept = request.session.get(UNDO) or {}
    if kept.get("token") != request.GET.get("undo"):
        pages.refused(request, "This can't be taken back any more.")
        return pages.back_to(request, back)
    del request.session[UNDO]
    chosen = list(Prospect.objects.filter(pk__in=kept["ids"]))
    done = ACTIONS[kept["action"]].does(chosen, request, **kept["fields"])
    pages.said(request, f"Taken back. {done.words}")
    return pages.back_to(request, back)


def _keys(chosen: list[Prospect]) -> list[int]:
    return [prospect.pk for prospect in chosen]


def _add_tag(chosen: list[Prospect], request: HttpRequest, tag: str) -> Done:
    ids = tagging.add_tag(prospect_ids=_keys(chosen), tag=tag)
    return Done(f"{people(len(ids))} got the tag {tag}.", "untag", tuple(ids), (("tag", tag),))


def _remove_tag(chosen: list[Prospect], request: HttpRequest, tag: str) -> Done:
    ids = tagging.remove_tag(prospect_ids=_keys(chosen), tag=tag)
    return Done(f"The tag {tag} was taken from {people(len(ids))}.", "tag", tuple(ids), (("tag", tag),))


def _hold(chosen: list[Prospect], request: HttpRequest, reason: str) -> Done:
    ids = holding.hold(prospect_ids=_keys(chosen), reason=reason, by=caller(request))
    return Done(f"{people(len(ids))} put on hold: nothing is sent until somebody releases them.", "release", tuple(ids))


def _release(chosen: list[Prospect], request: HttpRequest) -> Done:
    ids = holding.release(prospect_ids=_keys(chosen))
    again = (("reason", "Put on hold again"),)
    return Done(f"{people(len(ids))} released: what was held goes on.", "hold", tuple(ids), again)


def _stop(chosen: list[Prospect], request: HttpRequest, reason: str) -> Done:
    ended = sum(stopping.stop_person(prospect=prospect, reason=reason, by=caller(request)) for prospect in chosen)
    campaigns = f" They were taken out of running campaigns ({ended})." if ended else ""
    return Done(f"{people(len(chosen))} will never be written to again.{campaigns}")


def _enrol(chosen: list[Prospect], request: HttpRequest, campaign: Campaign) -> Done:
    wanted = Prospect.objects.filter(pk__in=_keys(chosen))
    count = enrolling.enroll(campaign=campaign, prospects=wanted, now=timezone.now(), by=caller(request))
    left = len(chosen) - count
    rest = f" {people(left)} left out: no address, never to be written to, or in it already." if left else ""
    return Done(f"{people(count)} enrolled in {campaign}.{rest}")


ACTIONS: dict[str, Action] = {
    "tag": Action("Add a tag", "Add the tag", _add_tag, TagForm),
    "untag": Action("Remove a tag", "Remove the tag", _remove_tag, TagForm),
    "enrol": Action(
        "Enrol in a campaign",
        "Enrol them",
        _enrol,
        CampaignForm,
        "They get the first message when its time has come; who must not be written to is left out.",
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
    ),
}


def actions() -> dict[str, str]:
    """The menu: name → words."""
    return {name: action.words for name, action in ACTIONS.items()}
