"""The list of people: narrowed by facets, with where each of them stands."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from campaigns import standing
from campaigns.views import chosen_people
from outreach.lib import pages
from outreach.lib.pages import Paged
from prospects import listing, places
from prospects.listing import Choices, Count, Facets
from prospects.models import Prospect
from prospects.segments import BadFilter

REACHES = {"yes": "With an address", "none": "Without an address"}
DEMOS = {"yes": "Demo world", "no": "Real people"}


def prospects(request: HttpRequest) -> HttpResponse:
    """Newest first, a page at a time; counted to 10,000."""
    facets, choices = listing.read(request.GET), listing.choices()
    found, problem = _found(facets)
    paged = pages.paged(request, found.select_related("site", "owner"))
    standings = standing.of(paged.rows)
    context = {
        "facets": facets,
        "choices": choices,
        "chips": _chips(request, facets, choices),
        "states": standing.STATES,
        "reaches": REACHES,
        "demos": DEMOS,
        "actions": chosen_people.actions(),
        "count": _count(found, facets, paged),
        "paged": paged,
        "rows": [(prospect, standings[prospect.pk]) for prospect in paged.rows],
        "problem": problem,
        "now": timezone.now(),
        "is_more": any((facets.source, facets.owner, facets.reach, facets.segment, facets.site, facets.demo)),
    }
    return render(request, "prospects/prospects.html", context)


def _count(found: QuerySet[Prospect], facets: Facets, paged: Paged) -> Count:
    limit = listing.COSTLY_LIMIT if facets.q or facets.state or facets.segment else listing.COUNT_LIMIT
    return listing.counted(found, every=None if paged.older or paged.newer else paged.rows, limit=limit)


def _found(facets: Facets) -> tuple[QuerySet[Prospect], str]:
    try:
        return standing.people(facets), ""
    except BadFilter as error:
        return listing.people(Facets()).none(), f"The segment's rule can't be read. {error}"


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
    }
    return [(words[name], _without(request, name)) for name in facets.given()]


def _without(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    for gone in (name, "before", "after"):
        query.pop(gone, None)
    return f"?{query.urlencode()}"
