"""Who is asking and from where, as the verbs want to know it."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from accounts import keys
from accounts.models import Role, User


def caller(request: HttpRequest) -> User | None:
    """The person behind a request of the API (its key's owner) or of the back office; None for a stranger."""
    return request.user if isinstance(request.user, User) else None


def role_of(by: User | None) -> Role | None:
    """What they may do; a stranger has no role."""
    return keys.role_of_user(user=by) if by else None


def client_address(request: HttpRequest) -> str:
    """The network address of who asks; "" when it can't be told.

    Behind a proxy that is trusted (TRUST_PROXY) it is the last one in X-Forwarded-For, which the proxy itself wrote;
    what stands before it, anybody may have written. Of IPv6 the network (/64) is meant: a visitor has all of it.
    """
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_PROXY:
        seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or seen
    try:
        found = ipaddress.ip_address(seen)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(found), 64), strict=False))
    return str(found)
