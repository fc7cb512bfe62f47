"""The forecast of a campaign: day by day, when it ends, and the first messages by name."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaigns.forecast import foretelling
from campaigns.forecast.forecasting import Day, Forecast
from campaigns.models import Campaign
from integrations.models import Mailbox
from outreach.lib import pages
from prospects import segments
from prospects.models import Prospect

DAYS = 60  # one by one; what comes later is one line
LATE = timedelta(minutes=1)  # from then on it is said how old a forecast is


@require_safe
def campaign_forecast(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """What a campaign would do from now on; a part of it (`?summary`) is what other pages show."""
    campaign = get_object_or_404(Campaign.objects.filter(rehearsal_of=None).select_related("mailbox"), public_id=id)
    context: dict[str, Any] = {"campaign": campaign, "summary_only": "summary" in request.GET}
    if context["summary_only"]:
        return render(request, "campaigns/forecast_summary.html", {**context, **summary(campaign)})
    context |= summary(campaign)
    if (found := context["forecast"]) is not None:
        context |= _details(found)
    name = "campaigns/forecast_body.html" if pages.is_part(request) else "campaigns/forecast.html"
    return render(request, name, context)


def summary(campaign: Campaign) -> dict[str, Any]:
    """What pages say of a campaign's forecast: nothing of a segment that can't be read, which they say elsewhere."""
    now = timezone.now()
    try:
        return said(foretelling.of(campaign=campaign, now=now))
    except segments.BadFilter:
        return {"forecast": None, "unreadable": True}


def said(found: Forecast | None) -> dict[str, Any]:
    """A forecast as the parts of pages take it."""
    now = timezone.now()
    tomorrow = (now + timedelta(days=1)).date()
    return {
        "forecast": found,
        "tomorrow": next((day.all for day in found.days if day.day == tomorrow), 0) if found else 0,
        "is_old": found is not None and now - found.made_at > LATE,
    }


def _details(found: Forecast) -> dict[str, Any]:
    boxes = list(Mailbox.objects.filter(pk__in={pk for day in found.days for pk in day.counts}).only("pk", "name"))
    people = Prospect.objects.in_bulk([each.person_id for each in found.first])
    names = {box.pk: box for box in boxes}
    return {
        "boxes": boxes,
        "days": [(day, [(box, day.counts.get(box.pk, 0)) for box in boxes]) for day in found.days[:DAYS]],
        "later": _later(found.days[DAYS:]),
        "first": [
            (each, people[each.person_id], names.get(each.mailbox_id))
            for each in found.first
            if each.person_id in people
        ],
    }


def _later(days: Sequence[Day]) -> dict[str, Any] | None:
    return {"days": len(days), "messages": sum(day.all for day in days), "until": days[-1].day} if days else None
