"""Who is offered to be played in a rehearsal: first whom the steps fit worst, then people as they usually are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from campaigns import blanks, lacking
from campaigns.models import Campaign
from prospects import listing, segments
from prospects.models import Prospect

MOST_OFFERED = 5
MOST_FOUND = 10
WORST = 2  # of those offered, at most: they show what is left out, the others what is sent
LOOKED_AT = 200  # people among whom different ones are sought


@dataclass(frozen=True)
class Part:
    """A person to play; `lacks` is what the steps say and is not known of them, in words, what they need in front."""

    prospect: Prospect
    lacks: tuple[str, ...]


def offered(*, campaign: Campaign, first: Iterable[Prospect] = (), search: str = "") -> list[Part]:
    """`first`, then up to ten of the campaign's segment whom the search names; without one, up to five in all.

    Of these, up to two lack what the steps say; the others differ in what is not known of them, a complete one in
    front. A fixed number of queries.
    """
    used = lacking.used_by(campaign=campaign)
    try:
        members = segments.members(segment=campaign.segment).exclude(email="").select_related("site").order_by("-id")
        if search:
            found = list(listing.with_words(members, search)[:MOST_FOUND])
            return [_part(person, used) for person in dict.fromkeys([*first, *found])]
        parts = _unlike(members, used)
    except segments.BadFilter:
        parts = []
    chosen = {person: _part(person, used) for person in first}
    return list({**chosen, **{part.prospect: part for part in parts}}.values())[: max(MOST_OFFERED, len(chosen))]


def _unlike(members: QuerySet[Prospect], used: Sequence[str]) -> list[Part]:
    """The worst off, then one of each kind again and again, the best known kind in front."""
    newest = [_part(person, used) for person in members[:LOOKED_AT]]
    poor = [_part(person, used) for person in members.filter(blanks.any_empty(used))[:LOOKED_AT]] if used else []
    kinds: dict[tuple[str, ...], list[Part]] = {}
    for part in newest:
        kinds.setdefault(part.lacks, []).append(part)
    rows = [kinds[kind] for kind in sorted(kinds, key=lambda kind: (len(kind), kind))]
    varied = [row[place] for place in range(MOST_OFFERED) for row in rows if place < len(row)]
    worst = {part.lacks: part for part in sorted(poor, key=lambda part: len(part.lacks))}  # one of each kind
    return [*list(reversed(worst.values()))[:WORST], *varied]


def _part(person: Prospect, used: Sequence[str]) -> Part:
    missing = [blanks.words(name) for name in used if not blanks.value(prospect=person, variable=name)]
    return Part(person, tuple(dict.fromkeys(missing)))
