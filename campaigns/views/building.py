"""One page that makes a campaign: who, what they get, from whom, when, check and launch."""

import uuid
from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.callers import caller
from campaigns import audience, beginning, drafting, errands, lifecycle, preflight, rehearsing, revising, senders
from campaigns.models import Campaign, Step
from campaigns.views import building_parts as parts
from campaigns.views import building_warnings as warnings
from campaigns.views import forecasts
from campaigns.views.building_forms import TEXTS, CampaignForm, NewCampaignForm, StepForm
from outreach.lib import pages, words
from outreach.lib.errors import DomainError
from outreach.lib.text import printable
from prospects import segments
from prospects.models import Segment

MOST_FIRST = 1_000_000


def _campaign(id: uuid.UUID) -> Campaign:
    found = Campaign.objects.filter(rehearsal_of=None).select_related("program", "segment", "mailbox")
    return get_object_or_404(
        found.defer("mailbox__smtp_password", "mailbox__imap_password", "mailbox__service_key"), public_id=id
    )


def _edit(campaign: Campaign, place: str = "") -> str:
    """The builder; without a place where something was told, as that stands at its top."""
    return reverse("campaign-edit", args=[campaign.public_id]) + place


@require_http_methods(["GET", "POST"])
def campaign_new(request: HttpRequest) -> HttpResponse:
    """Says what is missing, or asks for a name and makes a draft."""
    wanted = request.POST.get("segment") or request.GET.get("segment") or ""
    segment = Segment.objects.filter(public_id=wanted).first() if parts.is_uuid(wanted) else None
    start, by = beginning.start(), caller(request)
    form = NewCampaignForm(request.POST or None, initial={"name": beginning.free_name()})
    if request.method == "POST" and form.is_valid():
        made = pages.called(form, beginning.begin, segment=segment, by=by)
        if made is not None:
            return redirect("campaign-edit", id=made.public_id)
    return render(request, "campaigns/build_new.html", {"form": form, "start": start, "segment": segment})


@require_POST
def campaign_duplicate(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Makes a draft of the same and opens it."""
    copy = beginning.duplicate(campaign=_campaign(id), by=caller(request))
    pages.said(request, f"This is “{copy}”: the same people, messages and times, as a draft.")
    return redirect("campaign-edit", id=copy.public_id)


@require_safe
def campaign_edit(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """The builder of a draft, and of a new version of what runs; else a launched campaign has its own page."""
    campaign = _campaign(id)
    written = revising.draft(campaign=campaign)
    if campaign.state != Campaign.State.DRAFT and written is None:
        return redirect("campaign", id=id)
    search, chosen = printable(request.GET.get("who", ""))[:100], request.GET.get("as", "")
    listed, reader = parts.readers(campaign, search=search, chosen=chosen)
    if nobody := bool(search) and not listed:
        listed, reader = parts.readers(campaign, chosen=chosen)
    contents = drafting.contents(campaign=campaign)
    page = {
        "form": CampaignForm(campaign),
        "steps": parts.step_parts(campaign, contents, reader),
        "readers": listed,
        "reader": reader,
        "search": search,
        "nobody": nobody,
        "rehearsed": rehearsing.is_rehearsed(campaign=campaign, contents=contents),
        "variables": parts.variables(campaign),
        "windows": parts.windows(contents),
    }
    if written is not None:
        return render(
            request,
            "campaigns/revise.html",
            {**page, "campaign": campaign, "version": written, "live": campaign.live_version()},
        )
    return render(request, "campaigns/build.html", {**page, **_sender(campaign)})


def _sender(campaign: Campaign) -> dict[str, Any]:
    return {"campaign": campaign, "sent_today": parts.sent_today(campaign, timezone.now())}


@require_POST
def campaign_save(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Saves the fields of one part of the page."""
    campaign = _campaign(id)
    form = CampaignForm(campaign, request.POST, only_posted=True)
    fixed = {"campaign": campaign, "now": timezone.now()}
    saved = form.is_valid() and pages.called(form, lifecycle.change_campaign, **fixed) is not None
    if pages.is_part(request):
        page = {"form": form, "saved_at": timezone.now() if saved else None, **_sender(_campaign(id))}
        answer = render(request, "campaigns/build/saved.html", page)
        changes_people = {"segment", "mailbox"} & form.fields.keys()
        answer["HX-Trigger"] = "audience-changed, draft-saved" if changes_people else "draft-saved"
        return answer
    for problem in parts.refusals(form):
        pages.refused(request, problem)
    if saved:
        pages.said(request, "Saved.")
    return HttpResponseRedirect(_edit(campaign))


@require_safe
def campaign_audience(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """The sum: in the segment, left out by reason, written to."""
    campaign = _campaign(id)
    name = "campaigns/build/audience.html" if pages.is_part(request) else "campaigns/build_audience.html"
    try:
        page = {
            "campaign": campaign,
            "audience": audience.add_up(campaign=campaign),
            "warnings": warnings.elsewhere(campaign),
        }
    except segments.BadFilter as error:
        page = {"campaign": campaign, "problem": str(error)}
    return render(request, name, {**page, "is_part": pages.is_part(request)})


@require_safe
def campaign_audience_people(request: HttpRequest, id: uuid.UUID, reason: str) -> HttpResponse:
    """The people behind one number of the sum."""
    campaign = _campaign(id)
    try:
        found, said = warnings.people(campaign, reason)
        paged = pages.paged(request, found.select_related("site"))
    except audience.UnknownReason as error:
        raise Http404 from error
    except segments.BadFilter as error:
        pages.refused(request, error)
        return HttpResponseRedirect(_edit(campaign))
    page = {"campaign": campaign, "paged": paged, "words": said}
    return render(request, "campaigns/build_people.html", page)


@require_safe
def campaign_check(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Everything that keeps the draft from its launch, each with the place that mends it, and what else to mind."""
    campaign = _campaign(id)
    name = "campaigns/build/check.html" if pages.is_part(request) else "campaigns/build_check.html"
    said = warnings.of(campaign)
    page = {"campaign": campaign, "obstacles": _obstacles(campaign), "warnings": said}
    if pages.is_part(request):
        page["minds"] = warnings.by_step(drafting.contents(campaign=campaign), said)
    return render(request, name, page)


def _obstacles(campaign: Campaign) -> list[parts.Obstacle]:
    problems = preflight.check(campaign=campaign)
    return parts.obstacles(campaign, drafting.contents(campaign=campaign), problems) if problems else []


@require_http_methods(["GET", "POST"])
def campaign_launch(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks with the number of people, then launches; what is not ready goes back to the builder."""
    campaign = _campaign(id)
    if campaign.state != Campaign.State.DRAFT:
        return _launched_before(request, campaign)
    if request.method == "POST":
        return _launch(request, campaign)
    if obstacles := _obstacles(campaign):
        page = {"campaign": campaign, "obstacles": obstacles, "warnings": warnings.of(campaign)}
        return render(request, "campaigns/build_check.html", page)
    contents = drafting.contents(campaign=campaign)
    sum_of = audience.add_up(campaign=campaign)
    page = {"campaign": campaign, "audience": sum_of, "steps": len(contents), "most": sum_of.written * len(contents)}
    page |= forecasts.summary(campaign) | {"summary_only": True, "senders": senders.of(campaign)}
    page["warnings"] = warnings.of(campaign, added_up=sum_of)
    page["rehearsed"] = rehearsing.is_rehearsed(campaign=campaign, contents=contents)
    return render(request, "campaigns/build_launch.html", page)


def _launch(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    try:
        batch = request.POST.get("first_batch", "")
        first = int(batch) if batch.isdecimal() and 0 < int(batch) < MOST_FIRST else None
        fixed: dict[str, Any] = {"campaign": campaign, "now": timezone.now(), "by": caller(request)}
        fixed["seconds"] = errands.HURRY
        launched = lifecycle.launch(**fixed, first_batch=first)
    except DomainError as error:
        campaign.refresh_from_db(fields=["state", "launched_at"])
        if campaign.state != Campaign.State.DRAFT:  # another click was quicker
            return _launched_before(request, campaign)
        pages.refused(request, error)
        return HttpResponseRedirect(_edit(campaign))
    so_far = "" if launched.is_done else " so far, the others come in during the next minutes and"
    who = f"{words.people(launched.enrolled)}{so_far} will be written to"
    pages.said(request, f"“{campaign}” is launched: {who}{_first(first)}.")
    return redirect("campaign", id=campaign.public_id)


def _first(batch: int | None) -> str:
    return f", the first {words.number(batch)} at once and the others when you say so" if batch else ""


def _launched_before(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """A second click, or a page from before: said in words, and nobody is written to twice."""
    if campaign.launched_at:
        at = timezone.localtime(campaign.launched_at)
        said = f"“{campaign}” was launched already, on {at.day} {at:%B at %H:%M}: this click changed nothing."
    else:
        said = f"“{campaign}” is archived: restore it, then launch it."
    pages.said(request, said)
    return redirect("campaign", id=campaign.public_id)


def _step(campaign: Campaign, step_id: uuid.UUID) -> Step:
    steps = Step.objects.filter(sequence_version__campaign=campaign).select_related("sequence_version__campaign")
    return get_object_or_404(steps, public_id=step_id)


@require_POST
def step_add(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """A blank step at the end, or with ?undo=1 the one that was removed last, in its place."""
    campaign = _campaign(id)
    removed = parts.recall(request, campaign) if request.GET.get("undo") else {}
    try:
        if removed is None:
            raise drafting.NotEditable("It was brought back already.")
        step = drafting.add_step(campaign=campaign, by=caller(request), **removed)
    except DomainError as error:
        pages.refused(request, error)
        return HttpResponseRedirect(_edit(campaign))
    return HttpResponseRedirect(_edit(campaign, f"#step-{step.public_id}"))


@require_POST
def step_save(request: HttpRequest, id: uuid.UUID, step_id: uuid.UUID) -> HttpResponse:
    """Saves one step as it stands, right or wrong, and shows what one person would read."""
    campaign = _campaign(id)
    step = _step(campaign, step_id)
    form = StepForm(_content(campaign, step), request.POST)
    form.full_clean()
    try:
        if texts := form.texts():
            drafting.save_text(step=step, **texts)
        if timing := form.timing():
            drafting.change_timing(step=step, **timing)
        if hand := form.handed_over():
            drafting.change_hand(step=step, **hand)
    except DomainError as error:
        pages.show_problems(form, error)
    if pages.is_part(request):
        return _pane(request, campaign, step, form)
    for problem in parts.refusals(form):
        pages.refused(request, problem)
    return HttpResponseRedirect(_edit(campaign, "" if form.errors else f"#step-{step_id}"))


@require_POST
def step_preview(request: HttpRequest, id: uuid.UUID, step_id: uuid.UUID) -> HttpResponse:
    """What one person would read of what was written here; saves nothing."""
    campaign = _campaign(id)
    return _pane(request, campaign, _step(campaign, step_id), None)


def _content(campaign: Campaign, step: Step) -> drafting.Content:
    found = [content for content in drafting.contents(campaign=campaign) if content.step.pk == step.pk]
    if not found:
        raise Http404
    return found[0]


def _pane(request: HttpRequest, campaign: Campaign, step: Step, form: StepForm | None) -> HttpResponse:
    """Preview and checks of one step; what was posted counts before what is stored."""
    contents = drafting.contents(campaign=campaign)
    stored = next((content for content in contents if content.step.pk == step.pk), None)
    if stored is None:
        raise Http404
    posted: dict[str, Any] = {n: request.POST[n].replace("\r\n", "\n") for n in TEXTS if n in request.POST}
    reader = parts.reader(campaign, request.POST.get("as", ""))
    part = parts.step_part(campaign, contents, replace(stored, **posted), reader, form)
    page = {"campaign": campaign, "part": part, "reader": reader, "contents": contents}
    answer = render(request, "campaigns/build/pane.html", {**page, "windows": parts.windows(contents), "is_part": True})
    if form is not None:
        answer["HX-Trigger"] = "draft-saved"
    return answer


@require_POST
def step_move(request: HttpRequest, id: uuid.UUID, step_id: uuid.UUID) -> HttpResponse:
    """Changes places with the step before it (`direction=up`) or after it."""
    campaign = _campaign(id)
    try:
        drafting.move(step=_step(campaign, step_id), up=request.POST.get("direction") == "up")
    except DomainError as error:
        pages.refused(request, error)
    return HttpResponseRedirect(_edit(campaign, f"#step-{step_id}"))


@require_POST
def step_remove(request: HttpRequest, id: uuid.UUID, step_id: uuid.UUID) -> HttpResponse:
    """Takes a step out; one click brings it back."""
    campaign = _campaign(id)
    step = _step(campaign, step_id)
    content = _content(campaign, step)
    try:
        drafting.remove_step(step=step)
    except DomainError as error:
        pages.refused(request, error)
    else:
        parts.remember(request, campaign, content)
        undo = reverse("step-add", args=[id]) + "?undo=1"
        pages.said(request, f"Step {content.step.position} was removed.", undo=undo)
    return HttpResponseRedirect(_edit(campaign))
