"""/metrics, for Prometheus on this machine and for administrators."""

import ipaddress

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from accounts import keys
from accounts.models import Role
from outreach.permissions import role_of

FORWARDED = ("X-Forwarded-For", "X-Real-Ip", "Forwarded")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For a direct connection from this machine, an administrator's session, or an administrator's API key.

    A request that says it was forwarded comes from elsewhere, whatever address the proxy has.
    """
    if _is_local(request) or _role(request) == Role.ADMINISTRATOR:
        response: HttpResponse = ExportToDjangoView(request)
        return response
    return HttpResponse("Only for administrators and for programs on this machine.\n", status=403)


def _is_local(request: HttpRequest) -> bool:
    if any(header in request.headers for header in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _role(request: HttpRequest) -> Role | None:
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        key = keys.authenticate(raw=raw.strip(), now=timezone.now())
        return keys.role_of_key(key=key) if key else None
    return role_of(request)
