"""Every address of the installation. Who may use which is in outreach.permissions."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from outreach import health, metrics

admin.site.site_header = admin.site.site_title = "Outreach"
admin.site.index_title = "Back office"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="landing"),
    path("", include("campaigns.public_urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("outreach.api")),
    path("health", health.health, name="health"),
    path("ready", health.ready, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
]
handler400 = "outreach.api.bad_request"
handler404 = "outreach.api.page_not_found"
handler500 = "outreach.api.server_error"
