"""The list of campaigns, and one campaign as it runs."""

import uuid
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import caller
from campaigns import (
    agenda,
    ahead,
    analytics,
    answers,
    errands,
    first_batches,
    lifecycle,
    obstacles,
    present,
    roster,
    situation,
)
from campaigns.analytics import Reached
from campaigns.forecast import foretelling
from campaigns.models import Campaign, Enrollment, Message, Step
from campaigns.situation import Situation
from campaigns.views import forecasts
from campaigns.views.building_forms import AnyTimeFields
from outreach.lib import pages
from outreach.lib.errors import DomainError
from outreach.lib.text import printable
from outreach.lib.words import people

ROWS = 25
STATES = (Campaign.State.RUNNING, Campaign.State.DRAFT, Campaign.State.PAUSED, Campaign.State.ARCHIVED)
TAB_NAMES = {"running": "Running", "draft": "Drafts", "paused": "Paused", "archived": "Archived"}


def _real() -> QuerySet[Campaign]:
    return Campaign.objects.filter(rehearsal_of=None)


def campaigns(request: HttpRequest) -> HttpResponse:
    """Every campaign but the archived, or those in one state (`?state=`), newest first."""
    state = request.GET.get("state", "")
    state = state if state in STATES else ""
    how_many = dict(_real().values_list("state").annotate(n=Count("id")))
    rows = _real().filter(state=state) if state else _real().exclude(state=Campaign.State.ARCHIVED)
    goes_out = {"state": Message.State.PLANNED, "overdue_at": None, "awaits": ""}
    planned = Message.objects.filter(campaign=OuterRef("pk"), **goes_out).order_by("send_at")
    rows = rows.select_related("mailbox", "count").annotate(next_at=Subquery(planned.values("send_at")[:1]))
    paged = pages.paged(request, rows, size=ROWS)
    context = {
        "paged": paged,
        "lines": _lines(paged.rows),
        "state": state,
        "tabs": [(each, TAB_NAMES[each], how_many.get(each, 0)) for each in STATES],
        "all": sum(n for each, n in how_many.items() if each != Campaign.State.ARCHIVED),
        "any": bool(how_many),
    }
    return render(request, "campaigns/campaigns.html", context)


def _lines(rows: Any) -> list[dict[str, Any]]:
    seen, now = situation.look(), timezone.now()
    reached = analytics.reached([row.pk for row in rows])
    unplanned = [row for row in rows if row.next_at is None]
    coming = ahead.of(seen=seen, campaigns=unplanned, now=now)
    return [
        {
            "campaign": row,
            "count": (count := situation.standing(row)),
            "done": count.enrolled - count.active,
            "written": (mine := reached.get(row.pk, Reached())).written,
            "numbers": mine.numbers,
            "health": obstacles.health(
                campaign=row, reached=mine, next_at=row.next_at, seen=seen, now=now, coming=coming.get(row.pk)
            ),
            "next_at": _leaves_at(row, seen, coming.get(row.pk)),
            "now": now,
        }
        for row in rows
    ]


def _leaves_at(row: Any, seen: Situation, coming: ahead.Ahead | None) -> datetime | None:
    if row.state != Campaign.State.RUNNING or seen.control.is_off:
        return None
    return row.next_at or (coming.at if coming else None)


def _launched(id: uuid.UUID) -> Campaign:
    return get_object_or_404(_real().select_related("program", "segment", "mailbox", "count"), public_id=id)


def campaign(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """One campaign as it runs; a draft is built elsewhere."""
    found = _launched(id)
    if found.state == Campaign.State.DRAFT:
        return redirect("campaign-edit", id=id)
    return render(request, "campaigns/campaign.html", {**_live(found), "days": _days(found)})


def campaign_live(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """What changes on a campaign's page, but for the chart."""
    return render(request, "campaigns/campaign_live.html", {**_live(_launched(id)), "is_part": True})


def _live(found: Campaign) -> dict[str, Any]:
    seen, rows, now = situation.look(), analytics.steps(campaign=found), timezone.now()
    count = situation.standing(found)
    funnel = analytics.funnel(enrolled=count.enrolled, rows=rows)
    slots = agenda.upcoming(seen=seen, campaign=found)
    next_at = slots[0].send_at if slots else None
    coming = ahead.of(seen=seen, campaigns=[] if slots else [found], now=now).get(found.pk)
    reached = Reached(funnel.written, funnel.numbers)
    foretold = foretelling.kept(campaign=found, now=now) if count.active else None
    return {
        **forecasts.said(foretold),
        "campaign": found,
        "further": seen.senders(found)[1:],
        "changing": errands.of_campaign(found),
        "count": count,
        "done": count.enrolled - count.active,
        "funnel": funnel,
        "steps": rows,
        "slots": slots,
        "held": obstacles.holding(seen, campaign=found),
        "health": obstacles.health(campaign=found, reached=reached, next_at=next_at, seen=seen, now=now, coming=coming),
        "coming": [coming] if coming and coming.at else [],
        "fresh": ahead.is_fresh(found, now=now),
        "now": now,
        "replies": agenda.latest_replies(campaign=found),
        "kinds": answers.KINDS,
        "may_be_archived": found.state == Campaign.State.PAUSED or not count.active,
    }


def campaign_chart(request: HttpRequest, id: uuid.UUID) -> JsonResponse:
    """The chart's numbers, day by day (UTC)."""
    days = _days(_launched(id))
    names = ("sent", "replied", "positive", "bounced", "unsubscribed")
    series = {name: [getattr(numbers, name) for _, numbers in days] for name in names}
    return JsonResponse({"days": [f"{day.day} {day:%b}" for day, _ in days], **series})


def _days(found: Campaign) -> list[Any]:
    return analytics.days(campaign=found, today=timezone.now().astimezone(UTC).date())


def campaign_people(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """The people of a campaign, all or by where they stand (`?standing=`)."""
    found = _launched(id)
    standing = printable(request.GET.get("standing", ""))
    paged = pages.paged(request, roster.people(campaign=found, standing=standing))
    total = Step.objects.filter(sequence_version=found.live_version()).count()
    active = [row for row in paged.rows if row.state == Enrollment.State.ACTIVE]
    now = timezone.now()
    following = present.of_many(ways=active, now=now)
    context = {
        "campaign": found,
        "standing": standing,
        "tabs": roster.tabs(situation.standing(found), standing=standing),
        "paged": paged,
        "now": now,
        "rows": [(row, roster.words(row, steps=total), following.get(row.pk)) for row in paged.rows],
    }
    return render(request, "campaigns/campaign_people.html", context)


@require_POST
def campaign_pause(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Holds the campaign from this moment on."""
    found = _launched(id)
    if lifecycle.pause(campaign=found, by=caller(request)):
        who = people(situation.standing(found).active)
        text = f"{found.name} is paused: {who} wait where they are. What is being handed over now may still arrive."
        pages.said(request, text, undo=reverse("campaign-resume", args=[id]))
    else:
        pages.refused(request, f"{found.name} is not running, so there is nothing to pause.")
    return pages.back_to(request, _address(found))


@require_POST
def campaign_resume(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Lets a paused campaign go on."""
    found = _launched(id)
    if lifecycle.resume(campaign=found, by=caller(request)):
        pages.said(request, f"{found.name} goes on.", undo=reverse("campaign-pause", args=[id]))
    else:
        pages.refused(request, f"{found.name} is not paused.")
    return pages.back_to(request, _address(found))


@require_POST
def campaign_release(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Lets those go who wait behind the first batch."""
    found = _launched(id)
    if first_batches.release(campaign=found, now=timezone.now(), by=caller(request)):
        pages.said(request, f"Everybody else in {found.name} gets their first message as soon as there is room.")
    else:
        pages.refused(request, "Nobody waits for that here.")
    return pages.back_to(request, _address(found))


@require_http_methods(["GET", "POST"])
def campaign_settings(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """What can be changed of a launched campaign: how people come in, its mailboxes and pace, days off, goals."""
    found = _launched(id)
    form = AnyTimeFields(found, request.POST or None)
    fixed = {"campaign": found, "now": timezone.now()}
    if form.is_valid() and pages.called(form, lifecycle.change_campaign, **fixed) is not None:
        pages.said(request, "Saved. It holds from now on, for what is planned already too.")
        return redirect(_address(found))
    return render(request, "campaigns/settings.html", {"campaign": found, "form": form})


def campaign_archive(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks, then puts the campaign away."""
    found = _launched(id)
    if request.method == "POST":
        return _archived(request, found)
    active = situation.standing(found).active
    waiting = f"{people(active)} under way in it will get nothing more from it. " if active else ""
    text = f"{waiting}Its numbers, people and answers stay readable, and it can be taken back at any time."
    return pages.confirm(
        request, title=f"Archive {found.name}?", text=text, button="Archive", back=_address(found), danger=bool(active)
    )


def _archived(request: HttpRequest, found: Campaign) -> HttpResponseRedirect:
    try:
        if lifecycle.archive(campaign=found, by=caller(request)):
            undo = reverse("campaign-restore", args=[found.public_id])
            pages.said(request, f"{found.name} is archived.", undo=undo)
    except DomainError as error:
        pages.refused(request, error)
        return redirect(_address(found))
    return pages.back_to(request, reverse("campaigns"))


@require_POST
def campaign_restore(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Takes an archived campaign back."""
    found = _launched(id)
    if lifecycle.restore(campaign=found, by=caller(request)):
        how = "a draft again" if found.state == Campaign.State.DRAFT else "back, and paused: resume it when you like"
        pages.said(request, f"{found.name} is {how}.")
    else:
        pages.refused(request, f"{found.name} is not archived.")
    return pages.back_to(request, _address(found))


def _address(found: Campaign) -> str:
    return reverse("campaign", args=[found.public_id])
