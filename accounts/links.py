"""One-time links by which a person sets a password; an administrator hands them over, no mail server is needed."""

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User


class PasswordLinks(PasswordResetTokenGenerator):
    """Django's: signed, for PASSWORD_RESET_TIMEOUT seconds, and void once the password or the last sign-in changed."""

    key_salt = "accounts.links.PasswordLinks"


PASSWORD_LINKS = PasswordLinks()


def password_link(*, person: User) -> dict[str, str]:
    """What the route `sign-in-link` wants to know; nothing is stored."""
    return {"uidb64": urlsafe_base64_encode(force_bytes(person.pk)), "token": PASSWORD_LINKS.make_token(person)}
