"""Doing one thing to several people, or to everybody on a list: asked first, said after, undone where possible."""

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from campaigns import standing
from campaigns.views.people_actions import ACTIONS, Action, Done
from outreach.lib import pages
from outreach.lib.errors import DomainError
from outreach.lib.words import people
from prospects import listing
from prospects.models import Prospect
from prospects.segments import BadFilter

MOST = 100  # boxes of a page
MOST_OF_A_LIST = 200_000  # more is work for an import or a segment: a page must answer
MOST_UNDONE = 5_000  # keys that a session keeps
NAMED = 5
UNDO = "people_undo"  # in the session: the last thing that can be taken back


@dataclass(frozen=True)
class Chosen:
    """Whom it is about: their keys, the public ids of those chosen by boxes ((): the whole list), and some names."""

    ids: list[int]
    public_ids: tuple[str, ...]
    names: tuple[str, ...]


def act(request: HttpRequest) -> HttpResponse:
    """The page behind the list's menu: first asks, naming the number of people, then does it."""
    back = reverse("prospects")
    if request.GET.get("undo"):
        return _undo(request, back)
    action, chosen = ACTIONS.get(request.POST.get("action", "")), _chosen(request)
    if refusal := _refusal(action, chosen):
        pages.refused(request, refusal)
        return pages.back_to(request, back)
    assert action is not None
    sure = "sure" in request.POST
    form = action.asks(request.POST if sure else None, chosen.ids)
    if not sure or (form is not None and not form.is_valid()):
        return _ask(request, action, chosen, form, back)
    fields = form.cleaned_data if form is not None else {}
    try:
        done = action.does(chosen.ids, request, **fields)
    except DomainError as error:
        if form is None:
            pages.refused(request, error)
            return pages.back_to(request, back)
        pages.show_problems(form, error)
        return _ask(request, action, chosen, form, back)
    _say(request, done)
    return pages.back_to(request, back)


def _refusal(action: Action | None, chosen: Chosen) -> str:
    if action is None or not chosen.ids:
        return "Choose people by the boxes beside them, and what to do with them."
    if not chosen.public_ids and not action.for_all:
        return f"“{action.words}” is for people whom you chose by the boxes beside them."
    if len(chosen.ids) > MOST_OF_A_LIST:
        return f"That are more than {MOST_OF_A_LIST:,} people at once; narrow the list first."
    return action.why_not(chosen.ids) if action.why_not else ""


def _chosen(request: HttpRequest) -> Chosen:
    if "all" in request.POST:
        return _everybody(request.POST.get("next", ""))
    ids = []
    for said in request.POST.getlist("id")[:MOST]:
        try:
            ids.append(UUID(said))
        except ValueError:
            continue
    rows = list(Prospect.objects.present().filter(public_id__in=ids).order_by("-id"))
    names = tuple(str(row)[:60] for row in rows[:NAMED])
    return Chosen([row.pk for row in rows], tuple(str(row.public_id) for row in rows), names)


def _everybody(address: str) -> Chosen:
    """Whom the list at that address shows on all its pages."""
    facets = listing.read(QueryDict(urlsplit(address).query).dict())
    try:
        found = standing.people(facets, now=timezone.now()).order_by("-pk")
        ids = list(found.values_list("pk", flat=True)[: MOST_OF_A_LIST + 1])
    except BadFilter:
        return Chosen([], (), ())
    rows = Prospect.objects.filter(pk__in=ids[:NAMED]).order_by("-pk")
    return Chosen(ids, (), tuple(str(row)[:60] for row in rows))


def _ask(request: HttpRequest, action: Action, chosen: Chosen, form: forms.Form | None, back: str) -> HttpResponse:
    where = request.POST.get("next") or back
    fields = {
        **({"id": list(chosen.public_ids)} if chosen.public_ids else {"all": ["1"]}),
        "action": [request.POST["action"]],
        "sure": ["1"],
        "next": [where],
    }
    more = len(chosen.ids) - len(chosen.names)
    rest = f" and {more:,} more" if more else ""
    return pages.confirm(
        request,
        title=f"{action.words}: {people(len(chosen.ids))}?",
        text=f"{action.text} This is about {', '.join(chosen.names)}{rest}.".strip(),
        button=action.button,
        back=pages.back_to(request, back).url,
        danger=action.danger,
        fields=fields,
        form=form,
    )


def _say(request: HttpRequest, done: Done) -> None:
    if done.in_vain:
        pages.warned(request, done.words)
        return
    if not done.undo or not 1 <= len(done.ids) <= MOST_UNDONE:
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
    done = ACTIONS[kept["action"]].does(kept["ids"], request, **kept["fields"])
    pages.said(request, f"Taken back. {done.words}")
    return pages.back_to(request, back)
