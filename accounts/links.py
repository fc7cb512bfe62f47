"""One-time links by which a person sets a password; an administrator hands them over, no mail server is needed."""

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User


class PasswordLinks(PasswordResetTokenGenerator):
    """Django's: signed, for PASSWORD_RESET_TIMEOUT seconds, and void once the password or the last sign-in changed."""

    key_salt = "accounts.links.PasswordLinks"


PASSWORD_LINKS = PasswordLinks()


def opened_at(*, path: str, here: str) -> tuple[str, bool]:
    """The address to hand over, and whether it opens on other machines: the public one, else that of this request."""
    address = here if _is_loopback(settings.PUBLIC_URL) else f"{settings.PUBLIC_URL.rstrip('/')}{path}"
    return address, not _is_loopback(address)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.endswith(".localhost")


def password_link(*, person: User) -> dict[str, str]:
    """What the route `sign-in-link` wants to know; nothing is stored."""
    return {"uidb64": urlsafe_base64_encode(force_bytes(person.pk)), "token": PASSWORD_LINKS.make_token(person)}
