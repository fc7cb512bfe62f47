"""The HTML version of a step as a document of its own, for the frame in the builder's preview."""

import uuid

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.clickjacking import xframe_options_sameorigin

from campaigns import drafting
from campaigns.models import Campaign
from campaigns.views import building_parts as parts

# Nothing runs in it, nothing is loaded into it, and only our own pages may frame it; a mail styles itself inline.
AS_A_MAIL = {
    "default-src": [NONE],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "form-action": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": True,
}


@method_decorator([csp(AS_A_MAIL), xframe_options_sameorigin], name="dispatch")
class StepHtml(View):
    """What is stored of it, as one person would see it; empty while it can't be said to them."""

    def get(self, request: HttpRequest, id: uuid.UUID, step_id: uuid.UUID) -> HttpResponse:
        campaigns = Campaign.objects.filter(rehearsal_of=None).select_related("program", "segment", "mailbox")
        without_secrets = campaigns.defer("mailbox__smtp_password", "mailbox__imap_password", "mailbox__service_key")
        campaign = get_object_or_404(without_secrets, public_id=id)
        contents, reader = drafting.contents(campaign=campaign), parts.reader(campaign, request.GET.get("as", ""))
        content = next((content for content in contents if content.step.public_id == step_id), None)
        if content is None or reader is None:
            raise Http404
        part = parts.step_part(campaign, contents, content, reader)
        return HttpResponse(part.preview.html if part.preview else "")
