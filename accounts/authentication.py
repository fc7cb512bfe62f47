"""How a program proves who it is: `Authorization: Bearer ok_…` (RFC 6750)."""

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from accounts import keys, throttling
from accounts.callers import client_address
from accounts.models import ApiKey, User


class ApiKeyAuthentication(BaseAuthentication):
    """`request.user` becomes the key's owner, `request.auth` the key. No header: somebody else may answer."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Raises AuthenticationFailed for a key that does not count (any more), Throttled after many of them.

        A right key always works: 256 random bits are not guessed, and one program's old key must not shut out another.
        """
        scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        now = timezone.now()
        key = keys.authenticate(raw=raw.strip(), now=now)
        if key is None:
            if not throttling.spend(throttling.api_keys(address=client_address(request)), now=now):
                raise Throttled(throttling.seconds_left(now=now), "Too many wrong API keys from this address.")
            raise AuthenticationFailed("This API key is not known, has expired or was revoked.")
        return key.owner, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="outreach"'


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Tells drf-spectacular about the header."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An API key; see docs/api.md."}
