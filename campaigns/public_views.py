"""What people who get our mail may do without logging in: opt out, and follow a link."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns import stopping, tracking
from campaigns.models import Message
from outreach.lib import signing


@csrf_exempt  # RFC 8058 section 3.1: the POST comes from a mail program, without cookies or any other context
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button and changes nothing, since scanners fetch every link; POST opts out and answers 200."""
    message = _message(tracking.UNSUBSCRIBE, token)
    if message is None:
        return render(request, "campaigns/link_unknown.html", status=404)
    said = {"program": message.campaign.program, "is_rehearsal": bool(message.campaign.rehearsal_of_id)}
    if request.method != "POST":
        return render(request, "campaigns/unsubscribe.html", said)
    one_click = request.POST.get("List-Unsubscribe") == "One-Click"
    stopping.unsubscribe(message=message, source="one-click" if one_click else "page", now=timezone.now())
    page = "rehearsal_unsubscribed" if said["is_rehearsal"] else "unsubscribed"
    return render(request, f"campaigns/{page}.html", said)


@never_cache
@require_http_methods(["GET", "HEAD"])
def click(request: HttpRequest, token: str) -> HttpResponse:
    """Leads on to the stored address behind a mailed link."""
    try:
        url = tracking.record_click(token=token, by_machine=request.method == "HEAD", now=timezone.now())
    except signing.BadToken:
        return render(request, "campaigns/link_unknown.html", status=404)
    response = HttpResponseRedirect(url)
    response["X-Robots-Tag"] = "noindex"
    return response


def _message(purpose: str, token: str) -> Message | None:
    try:
        public_id, _ = signing.read_token(purpose, token)
    except signing.BadToken:
        return None
    messages = Message.objects.select_related("prospect", "campaign__program")
    return messages.filter(public_id=public_id).first()
