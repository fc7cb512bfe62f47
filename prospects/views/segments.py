"""Saved filters."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from outreach.lib import pages
from prospects import counting
from prospects.models import Segment
from prospects.segments import BadFilter, members, naming, wording

SEGMENTS_A_PAGE = 20


def segments(request: HttpRequest) -> HttpResponse:
    """All segments and their rules in words; how many people each has is asked for by the page, one by one."""
    paged = pages.paged(request, Segment.objects.select_related("created_by"), size=SEGMENTS_A_PAGE)
    names = naming.names_in(row.filter for row in paged.rows)
    rows = [(segment, wording.words(segment.filter, names)) for segment in paged.rows]
    return render(request, "prospects/segments.html", {"paged": paged, "rows": rows})


def segment(request: HttpRequest, id: Any) -> HttpResponse:
    """Who is in one segment now; a part of a page gets how many only."""
    chosen, now = get_object_or_404(Segment.objects.select_related("created_by"), public_id=id), timezone.now()
    names = naming.names_in([chosen.filter])
    context: dict[str, Any] = {"segment": chosen, "words": wording.words(chosen.filter, names), "now": now}
    try:
        found = members(segment=chosen, now=now)
        if pages.is_part(request):
            return HttpResponse(counting.counted(found).amount)
        paged = pages.paged(request, found.select_related("site"))
        count = counting.counted(found, every=None if paged.older or paged.newer else paged.rows)
        context |= {"count": count, "paged": paged, "rows": [(person, None) for person in paged.rows]}
    except BadFilter as error:
        if pages.is_part(request):
            return HttpResponse("can't be read")
        context["problem"] = str(error)
    return render(request, "prospects/segment.html", context)
