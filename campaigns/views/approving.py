"""Tasks: texts to read and approve and things to do by hand, one person after the other."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.callers import caller
from campaigns import approving, relationship, standing, timeline
from campaigns.models import Message
from outreach.lib import pages
from outreach.lib.errors import DomainError

LISTED = 50
ENTRIES = 8
MINE = "mine"


@require_safe
def tasks(request: HttpRequest) -> HttpResponse:
    """What waits, and the one that is chosen by `?task=` (else the oldest) with what is known of its person."""
    return _page(request)


@require_POST
def task(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Keeps the text, and with `do` approves it, notes it as done, or leaves the step out; then the next one comes."""
    message = get_object_or_404(Message, public_id=id)
    subject, text, do = (request.POST.get(name, "") for name in ("subject", "text", "do"))
    following = _after(request, message)
    fixed: dict[str, Any] = {"message": message, "by": caller(request), "now": timezone.now()}
    try:
        if do != "leave-out":
            approving.write(subject=subject, text=text, **fixed)
        said = _did(do, fixed)
    except DomainError as error:
        if not approving.waiting().filter(pk=message.pk).exists():
            pages.refused(request, error)
            return redirect(_address(request))
        return _page(request, typed=(subject, text), refused=error, chosen=message)
    pages.said(request, said)
    return redirect(_address(request, following if do in DO else message.public_id))


DO = {
    "approve": approving.approve,
    "done": approving.done,
    "leave-out": approving.leave_out,
}


def _did(do: str, fixed: dict[str, Any]) -> str:
    result, person = DO[do](**fixed) if do in DO else None, fixed["message"].prospect
    if do == "approve" and result is not None:
        return f"Approved: it goes out to {person} {timezone.localtime(result):%-d %b at %H:%M}."
    if do == "done":
        return f"Done for {person}: they go on to the next step."
    if do == "leave-out":
        return f"Left out for {person}: they go on to the next step."
    return "Saved."


def _page(
    request: HttpRequest,
    *,
    typed: tuple[str, str] | None = None,
    refused: DomainError | None = None,
    chosen: Message | None = None,
) -> HttpResponse:
    waiting = list(_waiting(request)[: LISTED + 1])
    wanted = str(chosen.public_id) if chosen else request.GET.get("task", "")
    found = next((each for each in waiting if str(each.public_id) == wanted), None) or next(iter(waiting), None)
    page = {
        "waiting": waiting[:LISTED],
        "has_more": len(waiting) > LISTED,
        "mine": request.GET.get("whose") == MINE,
        **(_chosen(request, found) if found else {}),
    }
    if typed and found:
        page["words"] = approving.Words(*typed)
    page["problems"] = [problem.message for problem in refused.problems] or [str(refused)] if refused else []
    return render(request, "campaigns/tasks.html", page, status=400 if refused else 200)


def _chosen(request: HttpRequest, message: Message) -> dict[str, Any]:
    person, now = message.prospect, timezone.now()
    suppressed = standing.reasons(person.contact_keys)
    return {
        "task": message,
        "prospect": person,
        "words": approving.words_of(message),
        "timeline": timeline.of(prospect=person, suppressed=suppressed, limit=ENTRIES),
        "relationship": relationship.of(prospect=person, by=caller(request), today=timezone.localdate()),
        "now": now,
    }


def _waiting(request: HttpRequest) -> Any:
    return approving.waiting(owner=caller(request) if request.GET.get("whose") == MINE else None)


def _after(request: HttpRequest, message: Message) -> uuid.UUID | None:
    """The one that comes next in the list, so that the keyboard can go on."""
    ids = [each.public_id for each in _waiting(request)[: LISTED + 1]]
    place = ids.index(message.public_id) if message.public_id in ids else -1
    later = ids[place + 1 :] if place >= 0 else []
    return next(iter(later), None)


def _address(request: HttpRequest, task: uuid.UUID | None = None) -> str:
    asked = {"whose": request.GET.get("whose", ""), "task": str(task or "")}
    query = urlencode({name: value for name, value in asked.items() if value})
    return reverse("tasks") + (f"?{query}" if query else "")
