"""Who may do what: one table of routes for the API and pages; `office_rights` has the one of the back office."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import keys
from accounts.models import ApiKey, Role, User
from outreach.lib import pages

if TYPE_CHECKING:  # the REST framework's views read the settings, which name this module
    from rest_framework.views import APIView

VIEWER, OPERATOR, MANAGER, ADMINISTRATOR = Role
PUBLIC = "public"  # anybody; whoever needs to be known proves it by a signed link
OWN_RULE = "own rule"  # the view decides, and says how in its docstring

Least = Role | str
_READ: dict[str, Least] = {"GET": VIEWER}
_EDIT: dict[str, Least] = {"GET": VIEWER, "PATCH": OPERATOR}
_LIST: dict[str, Least] = {"GET": VIEWER, "POST": OPERATOR}
_OPERATE: dict[str, Least] = {"POST": OPERATOR}
_MANAGE: dict[str, Least] = {"POST": MANAGER}
_PREVIEW: dict[str, Least] = {"POST": VIEWER}
_FORM: dict[str, Least] = {"GET": OPERATOR, "POST": OPERATOR}
_MANAGERS_FORM: dict[str, Least] = {"GET": MANAGER, "POST": MANAGER}
_ADMINISTRATORS_FORM: dict[str, Least] = {"GET": ADMINISTRATOR, "POST": ADMINISTRATOR}

# Every route by name: method → least role. A route or method that is not here is refused (HEAD counts as GET).
ROUTES: dict[str, dict[str, Least]] = {
    "today": _READ,
    "today-live": _READ,
    "search": _READ,
    "sign-in": {"GET": PUBLIC, "POST": PUBLIC},
    "sign-in-link": {"GET": PUBLIC, "POST": PUBLIC},
    "sign-out": {"POST": PUBLIC},
    "sending-stop": _FORM,  # stopping is quick, starting again is considered
    "sending-resume": _MANAGERS_FORM,
    "sending-settle": _MANAGERS_FORM,
    "sending-settle-live": {"GET": MANAGER},
    "sending-release": _OPERATE,
    "settings": _READ,
    "setup": _READ,
    "setup-start": _ADMINISTRATORS_FORM,
    "setup-practice": _MANAGE,
    "campaigns": _READ,
    "campaign": _READ,
    "campaign-live": _READ,
    "campaign-chart": _READ,
    "campaign-people": _READ,
    "campaign-forecast": _READ,
    "campaign-pause": _OPERATE,
    "campaign-resume": _OPERATE,
    "campaign-release": _OPERATE,
    "campaign-correct": _FORM,
    "campaign-settings": _FORM,
    "campaign-who": _READ,
    "campaign-archive": _FORM,
    "campaign-revise": _OPERATE,
    "campaign-changes": {"GET": VIEWER, "POST": OPERATOR},
    "campaign-discard": _FORM,
    "campaign-versions": _READ,
    "campaign-restore": _OPERATE,
    "campaign-new": _FORM,
    "campaign-duplicate": _OPERATE,
    "campaign-edit": _READ,
    "campaign-save": _OPERATE,
    "campaign-audience": _READ,
    "campaign-audience-people": _READ,
    "campaign-check": _READ,
    "campaign-launch": _FORM,
    "step-add": _OPERATE,
    "step-save": _OPERATE,
    "step-move": _OPERATE,
    "step-remove": _OPERATE,
    "step-preview": _PREVIEW,
    "step-html": _READ,
    "step-condition": _FORM,
    "campaign-rehearse": _FORM,
    "rehearsal": _READ,
    "rehearsal-live": _READ,
    "rehearsal-end": _OPERATE,
    "rehearsal-next": _OPERATE,
    "rehearsal-answer": _OPERATE,
    "prospect": _READ,
    "prospect-why": _READ,
    "prospect-note": _OPERATE,
    "prospect-stop": _FORM,
    "prospect-suppress": _FORM,
    "prospect-export": _MANAGE,
    "prospect-erase": _MANAGERS_FORM,
    "prospect-lift": _MANAGERS_FORM,  # saying no is quick, taking it back is considered
    "prospect-was-a-person": _OPERATE,
    "prospect-hold": _OPERATE,
    "prospect-release": _OPERATE,
    "prospect-answered": _OPERATE,
    "prospect-play": _OPERATE,
    "prospect-take-out": _OPERATE,
    "prospect-re-enter": _OPERATE,
    "prospect-try-again": _OPERATE,
    "prospect-owner": _OPERATE,
    "prospect-protect": _OPERATE,
    "prospect-unprotect": _OPERATE,  # the verb asks for the owner or a manager
    "prospect-next-step": _OPERATE,
    "prospect-next-step-done": _OPERATE,
    "prospect-stage": _OPERATE,
    "prospect-file-add": _OPERATE,
    "prospect-proof": _MANAGE,
    "file": _READ,
    "file-delete": _FORM,
    "site-protect": _OPERATE,
    "site-unprotect": _OPERATE,
    "site-stop": _FORM,
    "settings-hand-over": _MANAGERS_FORM,
    "prospects-act": _OPERATE,
    "message": _READ,
    "message-settle": _MANAGE,
    "messages-uncertain": _READ,
    "messages-send-again": _MANAGE,
    "tasks": _READ,
    "task": _OPERATE,
    "inbox": _READ,
    "reply-read": _OPERATE,
    "reply-label": _FORM,
    "rules": {"GET": VIEWER, "POST": MANAGER},
    "rules-country": _MANAGE,
    "suppressions": _READ,
    "suppression-add": _FORM,
    "suppressions-import": _FORM,
    "suppressions-export": {"GET": OPERATOR},
    "suppression-lift": _MANAGERS_FORM,
    "prospects": _READ,
    "prospect-add": _FORM,
    "prospect-edit": _FORM,
    "prospect-same": _OPERATE,
    "prospect-compare": _FORM,
    "prospect-address-add": _OPERATE,
    "prospect-address-use": _OPERATE,
    "duplicates": _READ,
    "duplicates-find": _OPERATE,
    "duplicate-dismiss": _OPERATE,
    "duplicate-return": _OPERATE,
    "merge-undo": _OPERATE,
    "segments": _READ,
    "segment": _READ,
    "segment-add": _FORM,
    "segment-edit": _FORM,
    "segment-try": _OPERATE,
    "prospects-export": {"GET": OPERATOR},
    "imports": _READ,
    "import-new": _FORM,
    "import-columns": _FORM,
    "import-preview": _FORM,
    "import-run": _OPERATE,
    "import": _READ,
    "import-live": _READ,
    "import-rejects": _READ,
    "import-undo": _FORM,
    "saved-mapping-remove": _OPERATE,
    "programs": _READ,
    "program-add": _FORM,
    "program-edit": _FORM,
    "mailboxes": _READ,
    "mailbox-add": _MANAGERS_FORM,
    "mailbox": _READ,
    "mailbox-edit": _MANAGERS_FORM,
    "mailbox-check": _MANAGE,
    "mailbox-pause": _FORM,
    "mailbox-retire": _MANAGERS_FORM,
    "mailbox-stop-reading": _MANAGE,
    "mailbox-resume": _MANAGE,
    "mailbox-bring-back": _MANAGE,
    "profile": {"GET": VIEWER, "POST": VIEWER},
    "team": _READ,
    "team-add": _ADMINISTRATORS_FORM,
    "team-person": _ADMINISTRATORS_FORM,
    "team-link": {"POST": ADMINISTRATOR},
    "team-deactivate": _ADMINISTRATORS_FORM,
    "team-reactivate": {"POST": ADMINISTRATOR},
    "api-keys": {"GET": ADMINISTRATOR},
    "api-key-add": _ADMINISTRATORS_FORM,
    "api-key-revoke": _ADMINISTRATORS_FORM,
    "health": {"GET": PUBLIC},
    "ready": {"GET": PUBLIC},
    "metrics": {"GET": OWN_RULE},
    "unsubscribe": {"GET": PUBLIC, "POST": PUBLIC},
    "click": {"GET": PUBLIC},
    "api-schema": {"GET": PUBLIC},
    "api-docs": {"GET": PUBLIC},
    "api-programs-list": _LIST,
    "api-programs-detail": _EDIT,
    "api-prospects-list": _LIST,
    "api-prospects-detail": _EDIT,
    "api-notes-list": _LIST,
    "api-files-list": _LIST,
    "api-files-detail": {"GET": VIEWER, "DELETE": OPERATOR},
    "api-files-content": _READ,
    "api-stages-list": _LIST,
    "api-prospects-next-step": _OPERATE,
    "api-prospects-next-step-done": _OPERATE,
    "api-prospects-owner": _OPERATE,
    "api-prospects-protect": _OPERATE,
    "api-prospects-unprotect": _OPERATE,  # the verb asks for the owner or a manager
    "api-prospects-proof": _MANAGE,
    "api-owners-hand-over": _MANAGE,
    "api-prospects-personal-data": _MANAGE,
    "api-prospects-erase": _MANAGE,
    "api-duplicates-list": _READ,
    "api-duplicates-detail": _READ,
    "api-duplicates-dismiss": _OPERATE,
    "api-merges-list": _LIST,
    "api-merges-detail": _READ,
    "api-merges-undo": _OPERATE,
    "api-segments-list": _LIST,
    "api-segments-detail": _EDIT,
    "api-segments-members": _READ,
    "api-segments-preview": _PREVIEW,
    "api-segments-export": {"GET": OPERATOR},
    "api-imports-list": _LIST,
    "api-imports-detail": _READ,
    "api-imports-rejects": _READ,
    "api-imports-columns": {"GET": VIEWER, "POST": OPERATOR},
    "api-imports-preview": _READ,
    "api-imports-start": _OPERATE,
    "api-imports-undo": {"GET": VIEWER, "POST": OPERATOR},
    "api-saved-mappings-list": _READ,
    "api-saved-mappings-detail": {"GET": VIEWER, "DELETE": OPERATOR},
    "api-suppressions-list": _LIST,  # anybody who operates may record a "no"; nobody lifts one through the API
    "api-suppressions-detail": _READ,
    "api-suppressions-upload": _OPERATE,
    "api-suppressions-export": {"GET": OPERATOR},
    "api-templates-list": _LIST,
    "api-templates-detail": _EDIT,
    "api-templates-versions": _LIST,
    "api-templates-preview": _PREVIEW,
    "api-campaigns-list": _LIST,
    "api-campaigns-detail": _EDIT,
    "api-campaigns-preflight": _READ,
    "api-campaigns-audience": _READ,
    "api-campaigns-forecast": _READ,
    "api-campaigns-launch": _OPERATE,
    "api-campaigns-pause": _OPERATE,
    "api-campaigns-resume": _OPERATE,
    "api-campaigns-release": _OPERATE,
    "api-campaigns-correct": _OPERATE,
    "api-campaigns-enroll": _OPERATE,
    "api-campaigns-explanation": _READ,
    "api-versions-list": _LIST,
    "api-versions-detail": {"GET": VIEWER, "DELETE": OPERATOR},
    "api-versions-changes": _READ,
    "api-versions-publish": _OPERATE,
    "api-steps-list": _LIST,
    "api-steps-detail": {"GET": VIEWER, "DELETE": OPERATOR},
    "api-enrollments-list": _READ,
    "api-enrollments-detail": _READ,
    "api-enrollments-take-out": _OPERATE,
    "api-messages-list": _READ,
    "api-messages-detail": _READ,
    "api-messages-settle": _MANAGE,
    "api-messages-draft": _READ,
    "api-messages-approve": _OPERATE,
    "api-messages-done": _OPERATE,
    "api-messages-leave-out": _OPERATE,
    "api-messages-send-again": _MANAGE,
    "api-events-list": _READ,
    "api-events-detail": _READ,
    "api-replies-list": _READ,
    "api-replies-detail": _EDIT,
    "api-mailboxes-list": {"GET": VIEWER, "POST": MANAGER},
    "api-mailboxes-detail": {"GET": VIEWER, "PATCH": MANAGER, "DELETE": MANAGER},
    "api-mailboxes-check": _MANAGE,
    "api-mailboxes-pause": _OPERATE,
    "api-mailboxes-retire": {"GET": MANAGER, "POST": MANAGER},
    "api-mailboxes-resume": _MANAGE,
    "api-mailboxes-bring-back": _MANAGE,
    "api-touch-rules": {"GET": VIEWER, "PATCH": MANAGER},
    "api-country-rules": {"GET": VIEWER, "PATCH": MANAGER},
    "api-sending": _READ,
    "api-sending-stop-all": _OPERATE,  # stopping is quick, starting again is considered
    "api-sending-resume-all": _MANAGE,
    "api-sending-settle": _MANAGE,
    "api-sending-release": _OPERATE,
}
# Routes that another table decides: the admin site asks RoleBackend for model permissions.
NAMESPACES: dict[str, str] = {"admin": OWN_RULE}


def role_of(request: HttpRequest | Request) -> Role | None:
    """The role this request acts with: its key's, else its user's; None for a stranger."""
    key = getattr(request, "auth", None)
    if isinstance(key, ApiKey):
        return keys.role_of_key(key=key)
    user = request.user
    return keys.role_of_user(user=user) if isinstance(user, User) and user.is_active else None


def least_role(route: str, method: str) -> Least | None:
    """What the table asks for; None when it does not list the route with this method."""
    return ROUTES.get(route, {}).get("GET" if method == "HEAD" else method)


class RoutePermission(BasePermission):
    """Reads the table; refuses what is not in it."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        match = request.resolver_match
        method, route = request.method or "", match.view_name if match else ""
        least = least_role(route, method)
        if least == PUBLIC:
            return True
        role = role_of(request)
        if role is None or route not in ROUTES:
            return False
        if least is None:  # a method the view lacks is answered 405, one that the table forgot is refused
            name = method.lower()
            return method == "OPTIONS" or name not in view.http_method_names or not hasattr(view, name)
        return isinstance(least, Role) and role.covers(least)


class PagePermissionMiddleware:
    """Asks the same table for every page, so that no view can forget to; the API and the back office ask themselves.

    What only some may see is kept by no cache, not even by the browser's for its back button after signing out.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        match = request.resolver_match
        if match and not match.namespaces and least_role(match.view_name, "GET") not in (PUBLIC, OWN_RULE):
            patch_cache_control(response, private=True, no_store=True)
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.namespaces or hasattr(view, "cls"):  # `cls`: the REST framework's views
            return None
        least = least_role(match.view_name, request.method or "")
        if least in (PUBLIC, OWN_RULE):
            return None
        if least is None and match.view_name in ROUTES:
            return HttpResponseNotAllowed(ROUTES[match.view_name])
        role = role_of(request)
        if role is None:
            return _sign_in_first(request)
        if isinstance(least, Role) and role.covers(least):
            return None
        return render(request, "shell/forbidden.html", {"least": least, "role": role}, status=403)


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    """A part of a page sends the whole window to sign in."""
    address = reverse("sign-in")
    if pages.is_part(request):
        return HttpResponse(status=401, headers={"HX-Redirect": address})
    return HttpResponseRedirect(f"{address}?{urlencode({'next': request.get_full_path()})}")
