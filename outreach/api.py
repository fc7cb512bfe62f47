"""The API, version 1: every address below /api/v1/, and what is answered where no view is reached."""

import sys

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.urls import path
from django.views import defaults
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from campaigns.api import (
    campaign_views,
    import_views,
    ledger_views,
    mailbox_views,
    privacy_views,
    proof_views,
    rules_views,
    stopping_views,
    version_views,
)
from integrations.api import views as integrations
from outreach.lib.problems import plain_response
from outreach.lib.retrying import is_away
from prospects.api import import_views as prospect_imports
from prospects.api import relationship_views, sameness_views
from prospects.api import views as prospects
from templates.api import views as templates

PREFIX = "/api/"
RETRY_SECONDS = 30  # a database that restarts is back by then

router = SimpleRouter(use_regex_path=False)
router.register("programs", prospects.ProgramViewSet, basename="api-programs")
router.register("prospects", prospects.ProspectViewSet, basename="api-prospects")
router.register("prospects/<uuid:prospect_id>/notes", relationship_views.NoteViewSet, basename="api-notes")
router.register("prospects/<uuid:prospect_id>/files", relationship_views.FileViewSet, basename="api-files")
router.register("prospects/<uuid:prospect_id>/stages", relationship_views.StageViewSet, basename="api-stages")
router.register("duplicates", sameness_views.DuplicateViewSet, basename="api-duplicates")
router.register("merges", sameness_views.MergeViewSet, basename="api-merges")
router.register("segments", prospects.SegmentViewSet, basename="api-segments")
router.register("imports", import_views.ImportViewSet, basename="api-imports")
router.register("saved-mappings", prospect_imports.SavedMappingViewSet, basename="api-saved-mappings")
router.register("suppressions", stopping_views.SuppressionViewSet, basename="api-suppressions")
router.register("templates", templates.TemplateViewSet, basename="api-templates")
router.register("campaigns", campaign_views.CampaignViewSet, basename="api-campaigns")
router.register("campaigns/<uuid:campaign_id>/steps", campaign_views.StepViewSet, basename="api-steps")
router.register("campaigns/<uuid:campaign_id>/versions", version_views.VersionViewSet, basename="api-versions")
router.register("enrollments", ledger_views.EnrollmentViewSet, basename="api-enrollments")
router.register("messages", ledger_views.MessageViewSet, basename="api-messages")
router.register("events", ledger_views.EventViewSet, basename="api-events")
router.register("replies", ledger_views.ReplyViewSet, basename="api-replies")
router.register("mailboxes", integrations.MailboxViewSet, basename="api-mailboxes")

# Swagger's page has one inline style; everything else it needs comes from our own static files.
docs = csp_update({"style-src": [UNSAFE_INLINE]})(SpectacularSwaggerSplitView.as_view(url_name="api-schema"))

urlpatterns = [
    *router.urls,
    path("templates/<uuid:id>/preview/", campaign_views.TemplatePreviewView.as_view(), name="api-templates-preview"),
    path(
        "campaigns/<uuid:id>/prospects/<uuid:prospect_id>/explanation/",
        campaign_views.ExplanationView.as_view(),
        name="api-campaigns-explanation",
    ),
    path(
        "prospects/<uuid:id>/personal-data/",
        privacy_views.PersonalDataView.as_view(),
        name="api-prospects-personal-data",
    ),
    path("prospects/<uuid:id>/erase/", privacy_views.EraseView.as_view(), name="api-prospects-erase"),
    path("prospects/<uuid:id>/next-step/", relationship_views.NextStepView.as_view(), name="api-prospects-next-step"),
    path(
        "prospects/<uuid:id>/next-step/done/",
        relationship_views.NextStepDoneView.as_view(),
        name="api-prospects-next-step-done",
    ),
    path("prospects/<uuid:id>/owner/", relationship_views.OwnerView.as_view(), name="api-prospects-owner"),
    path("prospects/<uuid:id>/protect/", relationship_views.ProtectView.as_view(), name="api-prospects-protect"),
    path("prospects/<uuid:id>/unprotect/", relationship_views.UnprotectView.as_view(), name="api-prospects-unprotect"),
    path("prospects/<uuid:id>/proof/", proof_views.ProofView.as_view(), name="api-prospects-proof"),
    path("owners/hand-over/", relationship_views.HandOverView.as_view(), name="api-owners-hand-over"),
    path("mailboxes/<uuid:id>/check/", integrations.MailboxCheckView.as_view(), name="api-mailboxes-check"),
    path("mailboxes/<uuid:id>/retire/", mailbox_views.MailboxRetireView.as_view(), name="api-mailboxes-retire"),
    path("country-rules/", rules_views.CountryRulesView.as_view(), name="api-country-rules"),
    path("touch-rules/", rules_views.TouchRulesView.as_view(), name="api-touch-rules"),
    path("sending/", stopping_views.SendingView.as_view(), name="api-sending"),
    path("sending/stop-all/", stopping_views.StopAllView.as_view(), name="api-sending-stop-all"),
    path("sending/resume-all/", stopping_views.ResumeAllView.as_view(), name="api-sending-resume-all"),
    path("sending/settle/", stopping_views.SettleView.as_view(), name="api-sending-settle"),
    path("sending/release/", stopping_views.ReleaseView.as_view(), name="api-sending-release"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", docs, name="api-docs"),
]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: a problem document for programs, Django's page for people."""
    if request.path.startswith(PREFIX):
        return plain_response(request, 400, "The request could not be read.")
    return defaults.bad_request(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, in the same two ways."""
    if request.path.startswith(PREFIX):
        return plain_response(request, 404, "There is nothing here; addresses end with a slash.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, in the same two ways; the log has the rest. Without a database 503: whoever asks again is heard then.

    A mail program's opt-out is not lost by it: it was never told that it counts.
    """
    if is_away(sys.exception()):
        return _away(request)
    if request.path.startswith(PREFIX):
        return plain_response(request, 500, "Something unexpected happened. It was logged.")
    return defaults.server_error(request)


def _away(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(PREFIX):
        answer: HttpResponse = plain_response(request, 503, "The database does not answer. Ask again in a moment.")
    else:
        answer = HttpResponse(get_template("503.html").render(), status=503)  # no request: the shell asks the database
    answer["Retry-After"] = str(RETRY_SECONDS)
    return answer
