"""Why, and why not: one person in one campaign, step by step."""

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaigns import explaining
from campaigns.explaining import Line
from campaigns.models import Campaign
from prospects.models import Prospect

FACTS = {  # what stands behind a sentence, in the order in which people ask for it
    "version": "Text",
    "variant": "Variant",
    "mailbox": "Mailbox",
    "due_at": "Due",
    "zone": "Their clock",
    "until": "Until",
    "opens_at": "Opens",
    "holiday": "Holiday",
    "condition": "Only for",
    "reason": "Reason",
    "campaign": "Campaign",
    "approved_by": "Approved by",
    "done_by": "Done by",
    "server": "The server said",
    "last_decided_at": "Last looked at",
}
BADGES = {
    "sent": ("Sent", "good"),
    "planned": ("Planned", "accent"),
    "wait": ("Waits", ""),
    "send": ("Next", "accent"),
    "ask": ("For a person", "warn"),
    "hold": ("Held", "warn"),
    "skip": ("Left out", ""),
    "stop": ("Stops", "bad"),
    "stopped": ("Stopped", "bad"),
    "finished": ("Finished", "good"),
    "active": ("Under way", "accent"),
    "not_sent": ("Not sent", ""),
    "later": ("Later", ""),
    "cancelled": ("Cancelled", ""),
    "refused": ("Refused", "bad"),
    "uncertain": ("Not sure", "warn"),
    "abandoned": ("Not sure", "warn"),
}


@require_safe
def prospect_why(request: HttpRequest, id: uuid.UUID, campaign_id: uuid.UUID) -> HttpResponse:
    """What was sent, what comes next, what never comes, each with its reason and what stands behind it."""
    person = get_object_or_404(Prospect, public_id=id, erased_at=None)
    campaign = get_object_or_404(Campaign, public_id=campaign_id, rehearsal_of=None)
    now = timezone.now()
    found = explaining.explain(prospect=person, campaign=campaign, now=now, clock=_said)
    lines = [(line, *BADGES.get(line.verdict, ("", "")), _facts(line)) for line in found.lines]
    return render(request, "campaigns/why.html", {"prospect": person, "campaign": campaign, "lines": lines, "now": now})


def _said(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M}"


def _facts(line: Line) -> list[tuple[str, Any]]:
    why = line.values.get("why")
    known = {**line.values, **(why if isinstance(why, dict) else {})}
    return [(label, _readable(known[name])) for name, label in FACTS.items() if known.get(name)]


def _readable(value: Any) -> str:
    try:
        return _said(datetime.fromisoformat(str(value))) if len(str(value)) > 10 else str(value)
    except ValueError:
        return str(value)
