"""The list of people: narrowed by facets, with where each of them stands."""

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from campaigns import standing
from campaigns.views import people_actions
from outreach.lib import pages
from prospects import counting, listing, places
from prospects.listing import Choices, Facets
from prospects.models import Prospect, Stage
from prospects.segments import BadFilter

REACHES = {"yes": "With an address", "none": "Without an address"}
DEMOS = {"yes": "Demo world", "no": "Real people"}
STAGES = dict(Stage.Name.choices)
FIRST = ("q", "state", "tag", "country")  # the facets that are always shown


def prospects(request: HttpRequest) -> HttpResponse:
    """Newest first, a page at a time; how many there are is exact to 10,000."""
    facets, choices = listing.read(request.GET), listing.choices()
    now = timezone.now()
    found, problem = _found(facets, now)
    paged = pages.paged(request, listing.bounded(found, facets).select_related("site", "owner"))
    standings = standing.of(paged.rows)
    context = {
        "facets": facets,
        "choices": choices,
        "chips": _chips(request, facets, choices),
        "states": standing.STATES,
        "reaches": REACHES,
        "demos": DEMOS,
        "stages": STAGES,
        "actions": people_actions.actions(),
        "count": counting.counted(found, every=None if paged.older or paged.newer else paged.rows),
        "paged": paged,
        "rows": [(prospect, standings[prospect.pk]) for prospect in paged.rows],
        "problem": problem,
        "now": now,
        "query": request.GET.urlencode(),
        "is_more": any(value for name, value in facets.given().items() if name not in FIRST),
    }
    return render(request, "prospects/prospects.html", context)


def _found(facets: Facets, now: datetime) -> tuple[QuerySet[Prospect], str]:
    try:
        return standing.people(facets, now=now), ""
    except BadFilter as error:
        return Prospect.objects.none(), f"The segment's rule can't be read. {error}"


def _chips(request: HttpRequest, facets: Facets, choices: Choices) -> list[tuple[str, str]]:
    """What the list is narrowed to, in words, each with the list without it."""
    words = {
        "q": f"“{facets.q}”",
        "tag": f"Tag: {facets.tag}",
        "country": places.country_name(facets.country) or facets.country,
        "source": f"From: {facets.source}",
        "owner": f"Looked after by {facets.owner}",
        "reach": REACHES.get(facets.reach, facets.reach),
        "state": standing.STATES.get(facets.state, facets.state),
        "segment": next((f"In {row}" for row in choices.segments if str(row.public_id) == facets.segment), "Segment"),
        "site": f"Of {facets.site}",
        "demo": DEMOS.get(facets.demo, facets.demo),
        "stage": f"Stage: {STAGES.get(facets.stage, facets.stage).lower()}",
        "batch": "Of one import",
    }
    return [(words[name], _without(request, name)) for name in facets.given()]


def _without(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    for gone in (name, "before", "after"):
        query.pop(gone, None)
    return f"?{query.urlencode()}"
