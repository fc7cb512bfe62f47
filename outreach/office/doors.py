"""The site of the back office: one door for everybody, one shell, and a policy for scripts that is its own."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.sites import UnfoldAdminSite

from accounts.models import Role
from outreach import permissions
from outreach.lib import pages

APPS = {  # in this order, under these names
    "campaigns": "Campaigns",
    "prospects": "Prospects",
    "templates": "Templates",
    "integrations": "Mail",
    "accounts": "People and keys",
    "django_celery_beat": "Schedule",
}
# unfold's menus are Alpine expressions, and its date picker places itself by style attributes: in the office only.
LOOSER = {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]}


class OfficeSite(UnfoldAdminSite):
    """Roles decide who enters and what they see; `is_staff` is not asked. Its start page is Today."""

    site_title = site_header = "Outreach"
    index_title = "Back office"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever has a role may enter; what is inside is asked row by row."""
        return permissions.role_of(request) is not None

    def may_export(self, request: HttpRequest) -> bool:
        """Taking rows out of the house is for those who operate it."""
        role = permissions.role_of(request)
        return role is not None and role.covers(Role.OPERATOR)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        return csp_update(LOOSER)(super().admin_view(view, cacheable))

    def get_urls(self) -> list[URLPattern]:
        return [path("tables/", self.admin_view(self.tables), name="tables"), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseRedirect:
        """The start page is everybody's: Today."""
        return HttpResponseRedirect(reverse("today"))

    def tables(self, request: HttpRequest) -> TemplateResponse:
        """Every table the role may see."""
        page: TemplateResponse = super().index(request)
        return page

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["name"] = APPS.get(app["app_label"], app["name"])
        order = list(APPS)
        return sorted(apps, key=lambda app: order.index(app["app_label"]) if app["app_label"] in APPS else len(order))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one search, over everything."""
        return HttpResponseRedirect(f"{reverse('search')}?{urlencode({'q': request.GET.get('s', '')})}")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one page to sign in."""
        if self.has_permission(request):
            return pages.back_to(request, reverse("today"))
        wanted = request.GET.get("next") or reverse("today")
        return HttpResponseRedirect(f"{reverse('sign-in')}?{urlencode({'next': wanted})}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseRedirect:
        """Only a POST ends the session, as on our own page."""
        if request.method == "POST":
            auth.logout(request)
        return HttpResponseRedirect(reverse("sign-in"))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One's own password is changed where one's name is."""
        return HttpResponseRedirect(reverse("profile"))
