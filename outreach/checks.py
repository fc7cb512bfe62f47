"""What `manage.py check`, and with it every start, says of a configuration that can't work."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def public_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Every mail's unsubscribe link begins with PUBLIC_URL; outside of this machine it must be HTTPS (RFC 8058)."""
    found = urlsplit(settings.PUBLIC_URL)
    if found.scheme not in ("http", "https") or not found.hostname:
        hint = "Write it as in https://outreach.example.com"
        return [Error(f"PUBLIC_URL={settings.PUBLIC_URL} is no web address.", hint=hint, id="outreach.E001")]
    if found.scheme == "http" and found.hostname not in LOOPBACK:
        hint = "Mail programs show their unsubscribe button for HTTPS alone (RFC 8058 section 3.1)."
        return [Warning(f"PUBLIC_URL={settings.PUBLIC_URL} is not HTTPS.", hint=hint, id="outreach.W001")]
    return []
