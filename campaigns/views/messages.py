"""One message as it was handed over, and those we are not sure about."""

from collections import Counter
from typing import Any
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.callers import caller
from campaigns import lines, reconciling, resending, timeline, wording
from campaigns.models import Event, Message
from outreach.lib import pages
from outreach.lib.errors import DomainError
from outreach.lib.text import printable
from outreach.lib.words import number

RELATED = ("campaign", "mailbox", "step", "prospect", "template_version__template")
MOST_EVENTS = 100


def message(request: HttpRequest, id: Any) -> HttpResponse:
    """The exact text, why it was sent, and what became of it."""
    found = get_object_or_404(Message.objects.select_related(*RELATED), public_id=id)
    events = Event.objects.filter(message=found).order_by("-id")[:MOST_EVENTS]
    title, tone = timeline.message_title(found)
    context = {
        "message": found,
        "title": title,
        "tone": tone,
        "facts": timeline.message_facts(found),
        "events": [(event, *timeline.event_words(event)) for event in events],
        "not_sent": lines.cancelled(found.cancel_reason)[1] if found.state == Message.State.CANCELLED else "",
        "is_unsure": found.state == Message.State.UNCERTAIN,
    }
    return render(request, "campaigns/message.html", context)


@require_POST
def message_settle(request: HttpRequest, id: Any) -> HttpResponse:
    """A named person says whether a message was sent."""
    found = get_object_or_404(Message.objects.select_related(*RELATED, "enrollment"), public_id=id)
    sent = request.POST.get("sent")
    home = reverse("message", args=[found.public_id])
    if sent not in ("yes", "no", "again"):
        pages.refused(request, "Say whether it was sent.")
        return pages.back_to(request, home)
    note = printable(request.POST.get("note", ""), keep="\n")
    if sent == "again":
        _send_again(request, [found.pk], note)
    elif not reconciling.decide(message=found, sent=sent == "yes", note=note, by=caller(request)):
        pages.refused(request, "This message has been settled already.")
    elif sent == "yes":
        pages.said(request, f"Settled: the mail to {found.prospect} was sent, the campaign goes on for them.")
    else:
        pages.said(request, f"Settled: the mail to {found.prospect} counts as not sent, and they leave the campaign.")
    return pages.back_to(request, home)


@require_POST
def messages_send_again(request: HttpRequest) -> HttpResponse:
    """A named person says that several messages were not sent, and sends them."""
    found = Message.objects.filter(public_id__in=_public_ids(request), state=Message.State.UNCERTAIN)
    ids = list(found.order_by("id").values_list("pk", flat=True)[: resending.MOST])
    _send_again(request, ids, printable(request.POST.get("note", ""), keep="\n"))
    return pages.back_to(request, reverse("messages-uncertain"))


def _public_ids(request: HttpRequest) -> list[UUID]:
    try:
        return [UUID(text) for text in request.POST.getlist("message")[: resending.MOST]]
    except ValueError as error:
        raise BadRequest("A message is named by its id.") from error


def _send_again(request: HttpRequest, ids: list[int], note: str) -> None:
    try:
        done = resending.send_again(message_ids=ids, note=note, by=caller(request), now=timezone.now())
    except DomainError as error:
        pages.refused(request, error)
        return
    if done.slots:
        what = "1 mail is" if len(done.slots) == 1 else f"{number(len(done.slots))} mails are"
        pages.said(request, f"{what} sent in the next free places, unless a proof turns up that they had been sent.")
    for rule, count in Counter(done.kept.values()).most_common():
        what = "1 mail stays" if count == 1 else f"{number(count)} mails stay"
        pages.refused(request, f"{what} as before: {wording.words(rule)}.")


def uncertain(request: HttpRequest) -> HttpResponse:
    """Mails of which nobody can tell yet whether they were sent."""
    unsure = Message.objects.filter(state=Message.State.UNCERTAIN, campaign__rehearsal_of=None)
    paged = pages.paged(request, unsure.select_related(*RELATED))
    return render(request, "campaigns/uncertain.html", {"paged": paged})
