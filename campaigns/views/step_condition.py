"""For whom a step is: conditions in rows, as a segment has them, with who meets them now."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from campaigns import drafting, known
from campaigns.models import Step
from outreach.lib import pages
from outreach.lib.errors import DomainError
from prospects import offering
from prospects.segments import composing
from prospects.views import segment_builder as builder
from prospects.views.segment_builder import Draft

EVERYBODY: dict[str, Any] = {}


@require_http_methods(["GET", "POST"])
def step_condition(request: HttpRequest, id: uuid.UUID, step_id: uuid.UUID) -> HttpResponse:
    """Shows the condition of a draft's step, and saves it; `do=everybody` takes it away."""
    steps = Step.objects.filter(sequence_version__campaign__public_id=id).select_related("sequence_version__campaign")
    step, offer = get_object_or_404(steps, public_id=step_id), offering.offer()
    if request.method != "POST":
        wanted = _ready_made(step).get(request.GET.get("only", ""), ("", step.condition))[1]
        return _page(request, step, builder.of_rule(wanted, offer, name=""), offer)
    do = request.POST.get("do", "")
    draft = builder.changed(builder.read(request.POST, offer), do, offer)
    if pages.is_part(request):
        return render(request, "prospects/segment_rows.html", builder.rows_shown(draft, offer))
    if do not in ("save", "everybody"):
        return _page(request, step, draft, offer)
    wrong = draft.problem or (draft.sheet and composing.problems(draft.sheet, offer.kinds))
    if do == "save" and wrong:
        return _page(request, step, draft, offer, status=400)
    try:
        drafting.change_condition(step=step, condition=draft.rule if do == "save" else EVERYBODY)
    except DomainError as error:
        pages.refused(request, error)
        return _page(request, step, draft, offer, status=400)
    pages.said(request, "Saved.")
    return HttpResponseRedirect(f"{reverse('campaign-edit', args=[id])}#step-{step_id}")


def _ready_made(step: Step) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is asked for most, by the word in the address: its words and its rule."""
    clicked = f"{known.CLICKED}.{step.sequence_version.campaign.public_id}"
    return {
        "clicked": ("Who clicked a link of this campaign", {"field": clicked, "op": "is", "value": True}),
        "silent": ("Who clicked none", {"field": clicked, "op": "is", "value": False}),
    }


def _page(request: HttpRequest, step: Step, draft: Draft, offer: offering.Offer, *, status: int = 200) -> HttpResponse:
    context = {
        "campaign": step.sequence_version.campaign,
        "step": step,
        "ready_made": [(word, said) for word, (said, _) in _ready_made(step).items()] if step.position > 1 else [],
        **builder.rows_shown(draft, offer, unsaid=status != 200),
        **builder.tried(draft, offer),
    }
    return render(request, "campaigns/step_condition.html", context, status=status)
