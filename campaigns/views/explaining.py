"""Why, and why not: one person in one campaign, step by step."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaigns import drafting, explaining, lines, wording
from campaigns.explaining import Explanation
from campaigns.lines import Line
from campaigns.models import Campaign, Enrollment
from campaigns.views import building_parts
from campaigns.views.building_parts import Preview
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
    "last_decided_at": "Since",
}
BADGES = {
    "sent": ("Sent", "good"),
    lines.CAME_BACK: ("Came back", "bad"),
    lines.PUT_OFF: ("Put off", "warn"),
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
    explaining.WOULD_SKIP: ("Later", ""),
    "passed": ("Not sent", ""),
    "refused": ("Refused", "bad"),
    "uncertain": ("Not sure", "warn"),
    "abandoned": ("Not sure", "warn"),
}
NEVER = ("skip", "not_sent", "passed")  # verdicts of a step whose text nobody gets

PAGES = {  # where a cure is: the words of its link, and the route
    wording.PERSON: ("Their page", "prospect"),
    wording.CAMPAIGN: ("The campaign", "campaign"),
    wording.SETTINGS: ("Its settings", "campaign-settings"),
    wording.MAILBOX: ("The mailbox", "mailbox"),
    wording.RULES: ("The rules", "rules"),
    wording.TASKS: ("Tasks", "tasks"),
    wording.TODAY: ("Today", "today"),
}


@require_safe
def prospect_why(request: HttpRequest, id: uuid.UUID, campaign_id: uuid.UUID) -> HttpResponse:
    """What was sent, what comes next, what never comes, each with its reason and what can be done about it."""
    person = get_object_or_404(Prospect, public_id=id, erased_at=None)
    campaigns = Campaign.objects.select_related("program", "mailbox")
    campaign = get_object_or_404(campaigns, public_id=campaign_id, rehearsal_of=None)
    now = timezone.now()
    found = explaining.explain(prospect=person, campaign=campaign, now=now, clock=_said)
    of = {
        **dict.fromkeys((wording.CAMPAIGN, wording.SETTINGS), campaign.public_id),
        wording.PERSON: person.public_id,
        wording.MAILBOX: (found.enrollment or campaign).mailbox.public_id,
    }
    unsent = _unsent(found, campaign, person)
    page = {
        "prospect": person,
        "campaign": campaign,
        "now": now,
        "never": NEVER,
        "active": found.state == Enrollment.State.ACTIVE,
        "clock": timezone.get_current_timezone_name(),
        "lines": [(line, *_badge(line), _facts(line), _cure(line, of), unsent.get(line.step)) for line in found.lines],
    }
    return render(request, "campaigns/why.html", page)


def _badge(line: Line) -> tuple[str, str]:
    if line.cure is wording.ANSWERED:
        return "Answered", "good"
    return BADGES.get(line.verdict, ("", ""))


def _unsent(found: Explanation, campaign: Campaign, person: Prospect) -> dict[int, Preview]:
    """By the place of each step of which no text went out: what the person would read."""
    wanted = {line.step for line in found.lines if not (line.message and line.message.text)} - {0}
    if found.enrollment is None or not wanted:
        return {}
    contents = drafting.contents(campaign=campaign, version=found.enrollment.sequence_version)
    chosen = [content for content in contents if content.step.position in wanted]
    return {content.step.position: building_parts.preview(campaign, contents, content, person) for content in chosen}


def _cure(line: Line, of: Mapping[str, uuid.UUID]) -> tuple[str, str]:
    """The link to where something can be done: its words and address."""
    if line.cure is None or not line.cure.page:
        return "", ""
    name, route = PAGES[line.cure.page]
    return name, reverse(route, args=[of[line.cure.page]] if line.cure.page in of else [])


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
