"""Rows that may be one person: the list, two side by side, and what is decided about them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.callers import caller
from outreach.lib import pages
from outreach.lib.errors import DomainError
from prospects import addresses, dedupe, editing, merging, sameness
from prospects.models import Duplicate, Merge, Prospect

SHOWN, MOST_COUNTED = 50, 1_000
LATELY = 10


@require_GET
def duplicates(request: HttpRequest) -> HttpResponse:
    """The likeliest pairs first; decided ones make room for the next."""
    pairs = dedupe.open_pairs()
    rows = list(pairs[: SHOWN + 1])
    count = len(rows) if len(rows) <= SHOWN else pairs.order_by()[: MOST_COUNTED + 1].count()
    now = timezone.now()
    merges = Merge.objects.filter(undone_at=None).select_related("survivor", "merged", "created_by").order_by("-id")
    context = {
        "rows": [(pair, sameness.likely(pair.score)) for pair in rows[:SHOWN]],
        "more": max(count - SHOWN, 0),
        "count": f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}",
        "merges": [(row, merging.is_undoable(row, now=now)) for row in merges[:LATELY]],
        "is_quick": sameness.is_quick(),
    }
    return render(request, "prospects/duplicates.html", context)


@require_POST
def duplicates_find(request: HttpRequest) -> HttpResponse:
    """Looks over everybody now, where that takes seconds."""
    if not sameness.is_quick():
        pages.refused(request, "With so many people this takes a minute or more: it is done once a day by itself.")
    else:
        found = dedupe.find()
        pages.said(request, f"{found:,} new pairs found." if found != 1 else "1 new pair found.")
    return redirect("duplicates")


@require_POST
def duplicate_dismiss(request: HttpRequest, id: Any) -> HttpResponse:
    """Two people after all; undo offers the pair again."""
    pair = get_object_or_404(Duplicate.objects.select_related("first", "second"), public_id=id)
    if dedupe.dismiss(duplicate=pair, by=caller(request), now=timezone.now()):
        undo = reverse("duplicate-return", args=[pair.public_id])
        pages.said(request, f"{pair.first} and {pair.second} stay two people.", undo=undo)
    return pages.back_to(request, reverse("duplicates"))


@require_POST
def duplicate_return(request: HttpRequest, id: Any) -> HttpResponse:
    """Takes a decision back."""
    pair = get_object_or_404(Duplicate, public_id=id)
    if dedupe.bring_back(duplicate=pair):
        pages.said(request, "The pair is offered again.")
    return pages.back_to(request, reverse("duplicates"))


@require_http_methods(["GET", "POST"])
def prospect_compare(request: HttpRequest, id: Any, other: Any) -> HttpResponse:
    """Two side by side; whoever is kept takes over what the other knows."""
    first, second = _person(id), _person(other)
    if request.method == "POST":
        keeps, goes = (second, first) if request.POST.get("keep") == "second" else (first, second)
        try:
            made = merging.merge(survivor=keeps, merged=goes, by=caller(request), now=timezone.now())
        except DomainError as error:
            pages.refused(request, error)
            return redirect("prospect-compare", id, other)
        undo = reverse("merge-undo", args=[made.public_id])
        pages.said(request, f"{goes} is now the same person as {keeps}.", undo=undo)
        return pages.back_to(request, reverse("prospect", args=[keeps.public_id]))
    context = {
        "first": first,
        "second": second,
        "lines": sameness.compare(first, second),
        "pair": sameness.pair_of(first, second),
        "gone": first.person_id or second.person_id or first.erased_at or second.erased_at or first == second,
    }
    return render(request, "prospects/compare.html", context)


@require_POST
def prospect_same(request: HttpRequest, id: Any) -> HttpResponse:
    """Somebody says that this is the person of another address: compare first."""
    person = _person(id)
    text = request.POST.get("other", "").replace("\0", "")[:300]
    other = sameness.named(text)
    if other is None or other == person:
        who = "This is the same row." if other else f"Nobody here has “{text[:100]}”."
        pages.refused(request, f"{who} Type the address, X handle or LinkedIn page of the other one.")
        return redirect("prospect", id)
    return redirect("prospect-compare", person.public_id, other.public_id)


@require_POST
def merge_undo(request: HttpRequest, id: Any) -> HttpResponse:
    """Two people again; what ended stays ended."""
    made = get_object_or_404(Merge.objects.select_related("survivor", "merged"), public_id=id)
    try:
        merging.undo(merge=made, by=caller(request), now=timezone.now())
    except DomainError as error:
        pages.refused(request, error)
    else:
        pages.said(request, f"{made.survivor} and {made.merged} are two people again. What was stopped stays stopped.")
    return pages.back_to(request, reverse("prospect", args=[made.survivor.public_id]))


@require_POST
def address_add(request: HttpRequest, id: Any) -> HttpResponse:
    """Another address of this person."""
    person = _person(id)
    email = request.POST.get("email", "").replace("\0", "")[:400]
    try:
        added = addresses.add_address(prospect=person, email=email, by=caller(request))
    except DomainError as error:
        pages.refused(request, error)
    else:
        pages.said(request, f"{added.email} is known as {person}'s. A no to it is a no to all.")
    return redirect("prospect", id)


@require_POST
def address_use(request: HttpRequest, id: Any) -> HttpResponse:
    """From now on mail goes to this further address; the one before it stays known."""
    person = _person(id)
    rows = addresses.listed(prospect=person)
    found = next((row for row, _ in rows if str(row.pk) == request.POST.get("address")), None)
    if found is not None:
        try:
            editing.change_prospect(prospect=person, by=caller(request), email=found.email)
        except DomainError as error:
            pages.refused(request, error)
        else:
            pages.said(request, f"Mail to {person} goes to {found.email} from now on.")
    return redirect("prospect", id)


def _person(id: Any) -> Prospect:
    return get_object_or_404(Prospect.objects.select_related("site", "owner"), public_id=id)
