"""Every address of the installation. Who may use which is in outreach.permissions."""

from django.contrib import admin
from django.urls import include, path

from outreach import dashboard, health, metrics, search, setup, shell

urlpatterns = [
    path("", dashboard.today, name="today"),
    path("today/live/", dashboard.today_live, name="today-live"),
    path("search/", search.search, name="search"),
    path("sign-in/", shell.SignIn.as_view(), name="sign-in"),
    path("sign-out/", shell.sign_out, name="sign-out"),
    path("sending/stop/", shell.sending_stop, name="sending-stop"),
    path("sending/resume/", shell.sending_resume, name="sending-resume"),
    path("sending/held/live/", shell.sending_settle_live, name="sending-settle-live"),
    path("sending/held/", shell.sending_settle, name="sending-settle"),
    path("sending/release/", shell.sending_release, name="sending-release"),
    path("settings/", shell.settings_index, name="settings"),
    path("setup/", setup.setup, name="setup"),
    path("setup/start/", setup.setup_start, name="setup-start"),
    path("setup/practice-mailbox/", setup.setup_practice, name="setup-practice"),
    path("", include("campaigns.page_urls")),
    path("", include("prospects.page_urls")),
    path("", include("integrations.page_urls")),
    path("", include("accounts.page_urls")),
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
