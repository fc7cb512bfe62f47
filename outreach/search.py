"""Search over everything: people, sites, campaigns, segments, templates, mailboxes, suppressions, messages."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from campaigns.models import Campaign, Message
from integrations.models import Mailbox
from outreach.lib import pages
from outreach.lib.text import printable
from prospects import identity, listing
from prospects.models import Prospect, Segment, Site, Suppression
from templates.models import Template

MOST = 10
SUGGESTED, EACH, FEWEST = 8, 4, 2  # hits in all, of one sort, and letters before any are shown
LONGEST = 200
SHORT = 3  # the index for parts of words begins at three letters
RECENT = 5_000  # shorter ones are looked up among so many of the newest people


@dataclass(frozen=True)
class Hit:
    """One thing that was found."""

    title: str
    url: str
    more: str = ""


@dataclass(frozen=True)
class Group:
    """What was found of one sort; `all_url` leads to the rest when there is more."""

    title: str
    hits: list[Hit]
    all_url: str = ""


def search(request: HttpRequest) -> HttpResponse:
    """At most ten of each sort, in one query each; the bar asks for the first few while somebody types."""
    q = printable(request.GET.get("q", ""))[:LONGEST]
    if pages.is_part(request):
        return render(request, "shell/search_hits.html", {"q": q, "groups": _suggested(q)})
    found = [group for group in (finder(q) for finder in FINDERS) if group.hits] if q else []
    return render(request, "shell/search.html", {"q": q, "groups": found, "is_short": 0 < len(q) < SHORT})


def _suggested(q: str) -> list[Group]:
    """The first hits of the first sorts that have any: whatever is enough is not looked further for."""
    found: list[Group] = []
    left = SUGGESTED
    for finder in FINDERS if len(q) >= FEWEST else ():
        group = finder(q)
        if group.hits:
            found.append(Group(group.title, group.hits[: min(EACH, left)]))
            left -= len(found[-1].hits)
        if not left:
            break
    return found


def _group(title: str, rows: Iterable[Any], hit: Callable[[Any], Hit], all_url: str = "") -> Group:
    hits = [hit(row) for row in rows]
    return Group(title, hits[:MOST], all_url if len(hits) > MOST else "")


def _people(q: str) -> Group:
    found = Prospect.objects.present()
    if len(q) < SHORT:
        found = found.filter(pk__in=Prospect.objects.order_by("-id").values("pk")[:RECENT])
    rows = listing.with_words(found, q).order_by("-id")[: MOST + 1]
    all_url = f"{reverse('prospects')}?{urlencode({'q': q})}"
    return _group("People", rows, _person, all_url)


def _person(row: Prospect) -> Hit:
    more = " · ".join(part for part in (row.email if row.full_name else "", row.company) if part)
    return Hit(str(row), reverse("prospect", args=[row.public_id]), more)


def _sites(q: str) -> Group:
    domain = q.lower().partition("://")[2] or q.lower()
    rows = Site.objects.filter(domain__startswith=domain.removeprefix("www.").partition("/")[0]).order_by("domain")
    return _group(
        "Sites",
        rows[: MOST + 1],
        lambda row: Hit(row.domain, f"{reverse('prospects')}?{urlencode({'site': row.domain})}", "its people"),
    )


def _campaigns(q: str) -> Group:
    rows = Campaign.objects.filter(name__icontains=q, rehearsal_of=None).order_by("-id")[: MOST + 1]
    return _group(
        "Campaigns",
        rows,
        lambda row: Hit(row.name, reverse("campaign", args=[row.public_id]), row.get_state_display().lower()),
        reverse("campaigns"),
    )


def _segments(q: str) -> Group:
    rows = Segment.objects.filter(name__icontains=q).order_by("-id")[: MOST + 1]
    return _group(
        "Segments", rows, lambda row: Hit(row.name, reverse("segment", args=[row.public_id])), reverse("segments")
    )


def _templates(q: str) -> Group:
    rows = Template.objects.filter(name__icontains=q).order_by("-id")[: MOST + 1]
    return _group(
        "Templates",
        rows,
        lambda row: Hit(row.name, reverse("admin:templates_template_change", args=[row.pk]), "in the back office"),
        reverse("admin:templates_template_changelist"),
    )


def _mailboxes(q: str) -> Group:
    rows = Mailbox.objects.filter(Q(name__icontains=q) | Q(from_address__icontains=q)).order_by("-id")[: MOST + 1]
    return _group(
        "Mailboxes",
        rows,
        lambda row: Hit(row.name, reverse("mailbox", args=[row.public_id]), row.from_address),
        reverse("mailboxes"),
    )


def _suppressions(q: str) -> Group:
    """An address in any spelling, or a domain."""
    keys = [identity.key_for("address", q)] if "@" in q else [identity.key_for("domain", identity.ascii_host(q))]
    rows = Suppression.objects.filter(key__in=keys)[:MOST]
    listed = f"{reverse('suppressions')}?{urlencode({'q': q})}"
    return _group("Suppressions", rows, lambda row: Hit(row.value or q, listed, row.get_reason_display().lower()))


def _messages(q: str) -> Group:
    """By Message-ID, with or without its angle brackets, or by our own id."""
    named = Q(message_id=f"<{q.strip('<>')}>")
    with suppress(ValueError):
        named |= Q(public_id=UUID(q))
    rows = Message.objects.filter(named, campaign__rehearsal_of=None).select_related("prospect", "campaign")[:MOST]
    return _group(
        "Messages",
        rows,
        lambda row: Hit(f"To {row.recipient}", reverse("message", args=[row.public_id]), row.campaign.name),
    )


FINDERS = (_people, _sites, _campaigns, _segments, _templates, _mailboxes, _suppressions, _messages)
