"""How recipients reach our public pages: over HTTP on loopback, or through the same request path in this process."""

import http.client
import ipaddress
import socket
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

SECONDS = 15


class Unvisited(Exception):
    """Nobody answered; it may be tried later."""


class Visitor(Protocol):
    """One request without cookies, redirects not followed."""

    def visit(self, method: str, url: str, *, agent: str, body: bytes = b"", content_type: str = "") -> int:
        """Returns the status of the answer. Raises Unvisited."""
        ...


def is_ours(url: str) -> bool:
    """Whether a link of a mail leads to this installation."""
    return url.startswith(settings.PUBLIC_URL + "/")


class InProcess:
    """The whole of Django's request handling, without a web server."""

    def __init__(self) -> None:
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # the middleware warns of a missing folder
        self._client = Client(enforce_csrf_checks=True, raise_request_exception=False)  # loads the middleware once

    def visit(self, method: str, url: str, *, agent: str, body: bytes = b"", content_type: str = "") -> int:
        parts = urlsplit(url)
        self._client.cookies.clear()
        answer = self._client.generic(
            method,
            parts.path,
            data=body,
            content_type=content_type or "application/octet-stream",
            secure=parts.scheme == "https",
            headers={"host": parts.netloc, "user-agent": agent},
        )
        return int(answer.status_code)


class OverHttp:
    """A real request; anything but loopback is refused."""

    def visit(self, method: str, url: str, *, agent: str, body: bytes = b"", content_type: str = "") -> int:
        parts = urlsplit(url)
        headers = {"User-Agent": agent} | ({"Content-Type": content_type} if content_type else {})
        try:
            address = socket.gethostbyname(parts.hostname or "")
            if not ipaddress.ip_address(address).is_loopback:
                raise Unvisited(f"The demo world reaches loopback only, and {parts.hostname} is elsewhere.")
            connection = http.client.HTTPConnection(address, parts.port or 80, timeout=SECONDS)
            try:
                connection.request(method, parts.path, body=body or None, headers={**headers, "Host": parts.netloc})
                return connection.getresponse().status
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise Unvisited(f"{method} was not answered: {error}") from error
