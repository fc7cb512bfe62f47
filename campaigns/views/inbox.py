"""Answers, the ones that wait first."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from campaigns import answers, replies
from campaigns.models import Reply
from integrations.ports import ReplyClass
from outreach.lib import pages

TABS = {"waiting": "Waiting", "all": "All"}
MOST_FIRST = 50
CHOICES = {str(name): kind.words for name, kind in answers.KINDS.items() if name}


def inbox(request: HttpRequest) -> HttpResponse:
    """Unread answers, interested people and questions first; `?tab=all` is every answer, `?kind=` one class."""
    tab = "all" if request.GET.get("tab") == "all" else "waiting"
    kind = request.GET.get("kind", "")
    kind = kind if kind in CHOICES else ""
    rows = answers.of_kind(answers.waiting() if tab == "waiting" else answers.shown(), kind)
    first: list[Reply] = []
    if tab == "waiting" and not kind:
        if not {"before", "after"} & request.GET.keys():
            first = list(rows.filter(reply_class__in=answers.FIRST).order_by("-pk")[:MOST_FIRST])
        rows = rows.exclude(reply_class__in=answers.FIRST)
    context = {
        "tab": tab,
        "tabs": TABS,
        "kind": kind,
        "choices": CHOICES,
        "kinds": answers.KINDS,
        "first": first,
        "more_first": len(first) == MOST_FIRST,
        "positive": ReplyClass.POSITIVE,
        "paged": pages.paged(request, rows),
    }
    return render(request, "campaigns/inbox.html", context)


@require_POST
def reply_read(request: HttpRequest, id: Any) -> HttpResponse:
    """Takes an answer off the waiting ones; `?read=no` puts it back."""
    reply = get_object_or_404(Reply.objects.select_related("prospect"), public_id=id)
    read = request.GET.get("read") != "no"
    replies.mark_read(reply=reply, read=read)
    words = "does not wait any more" if read else "waits again"
    undo = reverse("reply-read", args=[reply.public_id]) + ("?read=no" if read else "")
    pages.said(request, f"The answer of {reply.prospect} {words}.", undo=undo)
    return pages.back_to(request, reverse("inbox"))
