"""What the rules over all campaigns, and one person of a site at a time, know of those whom a forecast follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection

from campaigns.forecast.neighbours import Known, Line
from campaigns.forecast.routes import Way
from campaigns.models import Campaign
from campaigns.rules import lining_up, ruling, touched
from prospects.models import Site

_RANKS = f"SELECT q.id, {lining_up.RANK} FROM prospects_prospect q WHERE q.id = ANY(%s)"  # noqa: S608


@dataclass
class Lined:
    """Who stands behind the first of their site; who is `kept` by one who waits themselves; for whom it is `over`."""

    lines: dict[Line, list[Way]] = field(default_factory=dict)
    kept: set[int] = field(default_factory=set)  # turns
    over: set[int] = field(default_factory=set)  # turns: somebody of their site has answered


def known(ways: Sequence[Way], *, lines: dict[Line, list[Way]]) -> Known:
    """The touches of these people and sites, and when somebody answered there. One query without rules, else five."""
    if not ruling.apart().is_anything:
        return Known(lines=lines)
    touches = touched.load(way.whom for way in ways)
    answered = {}
    if touches.apart.after_answer:
        sites = {way.site_id for way in ways if way.site_id is not None}
        there = Site.objects.filter(pk__in=sites, answered_at__isnull=False)
        answered = {pk: at for pk, at in there.values_list("pk", "answered_at") if at is not None}
    return Known(touches, answered, lines)


def line_up(ways: Iterable[Way], *, waiting: set[int]) -> Lined:
    """Those of campaigns that take one person of a site at a time stand behind the first there.

    `waiting` are the turns of those who get nothing before somebody does something about them; whoever stands behind
    such a first one does not either. Three queries where there are such campaigns, else one.
    """
    one_at_a_time = set(Campaign.objects.filter(one_per_site=True).values_list("pk", flat=True))
    places: dict[Line, list[Way]] = {}
    for way in ways:
        if way.route.campaign_id in one_at_a_time and way.site_id is not None:
            places.setdefault((way.route.campaign_id, way.site_id), []).append(way)
    found = Lined()
    if not places:
        return found
    everybody = [way for line in places.values() for way in line]
    turns = lining_up.of(
        lining_up.Way(way.turn, way.route.campaign_id, way.person_id, way.site_id or 0) for way in everybody
    )
    with connection.cursor() as cursor:
        cursor.execute(_RANKS, [[way.person_id for way in everybody]])
        ranks = dict(cursor.fetchall())
    for place, line in places.items():
        found.over |= {way.turn for way in line if turns[way.turn] == lining_up.ANSWERED}
        here = [way for way in line if way.turn not in found.over]
        here.sort(key=lambda way: (not way.has_begun, ranks[way.person_id], way.person_id))
        if here and here[0].turn in waiting:
            found.kept |= {way.turn for way in here}
        elif len(here) > 1:
            found.lines[place] = [way for way in here[1:] if way.turn not in waiting]
    return found
