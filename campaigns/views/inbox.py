"""Answers, the ones that wait first."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import caller
from campaigns import answers, labelling, replies
from campaigns.models import Reply
from integrations.ports import ReplyClass
from outreach.lib import pages
from outreach.lib.errors import DomainError

TABS = {"waiting": "Waiting", "all": "All"}
MOST_FIRST = 50
CHOICES = answers.LABELS
STAYS = "What was stopped stays stopped."


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


@require_http_methods(["GET", "POST"])
def reply_label(request: HttpRequest, id: Any) -> HttpResponse:
    """Says what an answer means. "Asked us to stop" can't be taken back, so it is asked about first."""
    reply = get_object_or_404(answers.shown(), public_id=id)
    said = request.POST if request.method == "POST" else request.GET
    label, back = said.get("reply_class", ""), said.get("next") or reverse("inbox")
    if label == ReplyClass.UNSUBSCRIBE and "sure" not in request.POST:
        return _are_you_sure(request, reply, back)
    home = pages.back_to(request, reverse("inbox"))
    if request.method == "GET":
        return home
    try:
        changed = labelling.relabel(reply=reply, reply_class=label, by=caller(request), now=timezone.now())
    except DomainError as error:
        pages.refused(request, error)
        return HttpResponse(status=204, headers={"HX-Refresh": "true"}) if pages.is_part(request) else home
    if pages.is_part(request):
        context = {"reply": reply, "kinds": answers.KINDS, "choices": CHOICES, "back": back, "corrected": changed}
        return render(request, "campaigns/inbox_answer.html", context)
    words = answers.KINDS[reply.reply_class].words
    pages.said(request, f"The answer of {reply.prospect} counts as “{words}”. {STAYS}")
    return home


def _are_you_sure(request: HttpRequest, reply: Reply, back: str) -> HttpResponse:
    """The page that asks; a part of a page sends the whole window there."""
    label = str(ReplyClass.UNSUBSCRIBE)
    if pages.is_part(request):
        query = urlencode({"reply_class": label, "next": back})
        return HttpResponse(status=204, headers={"HX-Redirect": f"{request.path}?{query}"})
    return pages.confirm(
        request,
        title=f"Has {reply.prospect} asked us to stop?",
        text="They leave every campaign, and nobody writes to this address again. As it is their own wish, "
        "nobody here can take it back, also not by correcting the answer once more.",
        button="They asked us to stop",
        back=pages.back_to(request, reverse("inbox")).url,
        fields={"reply_class": [label], "sure": ["1"], "next": [back]},
    )
