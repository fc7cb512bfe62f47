"""Whom a launched campaign writes to: how it takes new people, and the sum."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaigns import audience, growing
from campaigns.models import Campaign
from prospects import segments

SHOWN = 50  # of those who come in next


def _launched(id: uuid.UUID) -> Campaign:
    found = Campaign.objects.filter(rehearsal_of=None).exclude(state=Campaign.State.DRAFT)
    return get_object_or_404(found.select_related("program", "segment", "mailbox"), public_id=id)


@require_safe
def campaign_who(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Who is written to, who is left out and why, and how new people come in."""
    found = _launched(id)
    return render(request, "campaigns/who.html", {"campaign": found, **_sum(found)})


def _sum(campaign: Campaign) -> dict[str, Any]:
    try:
        return {"audience": audience.add_up(campaign=campaign), **_coming(campaign)}
    except segments.BadFilter as error:
        return {"problem": str(error)}


def _coming(campaign: Campaign) -> dict[str, Any]:
    """Who comes in next, with the day: the first of them by name."""
    now = timezone.now()
    if (day := growing.next_day(campaign=campaign, now=now)) is None:
        return {}
    people = list(growing.coming(campaign=campaign, now=now)[: campaign.live_daily_cap])
    return {"next_day": day, "coming": people[:SHOWN], "count": len(people), "more": max(0, len(people) - SHOWN)}
