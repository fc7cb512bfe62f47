"""Saved filters."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.callers import caller
from outreach.lib import pages
from outreach.lib.pages import Paged
from prospects import listing, wording
from prospects.forms import SegmentForm
from prospects.models import Prospect, Segment
from prospects.segments import BadFilter, members

SEGMENTS_A_PAGE = 20


def segments(request: HttpRequest) -> HttpResponse:
    """All segments and their rules in words; how many people each has is asked for by the page, one by one."""
    paged = pages.paged(request, Segment.objects.select_related("created_by"), size=SEGMENTS_A_PAGE)
    rows = [(segment, wording.words(segment.filter)) for segment in paged.rows]
    return render(request, "prospects/segments.html", {"paged": paged, "rows": rows})


def segment(request: HttpRequest, id: Any) -> HttpResponse:
    """Who is in one segment now; a part of a page gets how many only."""
    chosen = get_object_or_404(Segment.objects.select_related("created_by"), public_id=id)
    context: dict[str, Any] = {"segment": chosen, "words": wording.words(chosen.filter), "now": timezone.now()}
    try:
        found = members(segment=chosen)
        if pages.is_part(request):
            size = listing.counted(found, limit=listing.COSTLY_LIMIT)
            return HttpResponse(f"over {size.number:,}" if size.more else f"{size.number:,}")
        paged = pages.paged(request, found.select_related("site"))
        rows = [(person, None) for person in paged.rows]
        context |= {"count": _count(found, paged), "paged": paged, "rows": rows}
    except BadFilter as error:
        if pages.is_part(request):
            return HttpResponse("can't be read")
        context["problem"] = str(error)
    return render(request, "prospects/segment.html", context)


def _count(found: QuerySet[Prospect], paged: Paged) -> listing.Count:
    every = None if paged.older or paged.newer else paged.rows
    return listing.counted(found, every=every, limit=listing.COSTLY_LIMIT)


@require_http_methods(["GET", "POST"])
def segment_add(request: HttpRequest) -> HttpResponse:
    """Saves whom the list shows (its query string) under a name; says first what of it can't be saved."""
    facets = listing.read(request.GET)
    form = SegmentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        saved = pages.called(form, listing.save_segment, facets=facets, by=caller(request))
        if saved is not None:
            pages.said(request, f"The segment {saved} is saved.")
            return redirect("segment", saved.public_id)
    rule = listing.as_rule(facets)
    context = {
        "form": form,
        "words": wording.words(rule),
        "left_out": [said for name, said in listing.NOT_SAVED.items() if getattr(facets, name)],
        "count": listing.counted(_found(rule), limit=listing.COSTLY_LIMIT),
    }
    return render(request, "prospects/segment_form.html", context)


def _found(rule: dict[str, Any]) -> QuerySet[Prospect]:
    try:
        return members(segment=Segment(filter=rule))
    except BadFilter:
        return Prospect.objects.none()
