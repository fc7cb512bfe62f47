"""Problem documents (RFC 9457): every error of the API in one shape."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from outreach.lib.errors import DomainError, Problem

MEDIA_TYPE = "application/problem+json"
PLAIN = "about:blank"  # RFC 9457 section 4.2.1: the status says it all
IN_USE = "Something else still uses this, so it can't be deleted."


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Answers what a view raised; None (a 500, logged) for what nobody anticipated.

    A DomainError keeps its status, title and problems; the fields of a ValidationError are dotted paths.
    """
    if isinstance(exc, DomainError):
        kind = "urn:outreach:problem:" + re.sub(r"(?<!^)(?=[A-Z])", "-", type(exc).__name__).lower()
        return _response(exc.status, str(exc), kind=kind, title=exc.title, problems=exc.problems)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, DjangoPermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, ProtectedError):
        return _response(409, IN_USE)
    if not isinstance(exc, exceptions.APIException):
        return None
    if isinstance(exc, exceptions.ValidationError):
        problems = tuple(_flatten("", exc.detail))
        detail = " ".join(f"{p.field}: {p.message}" if p.field else p.message for p in problems)
        response = _response(exc.status_code, detail, title="The request was refused", problems=problems)
    else:
        response = _response(exc.status_code, str(exc.detail))
    for header, value in (("WWW-Authenticate", "auth_header"), ("Retry-After", "wait")):
        if getattr(exc, value, None):
            response[header] = str(getattr(exc, value))
    return response


def document(
    status: int, detail: str, *, kind: str = PLAIN, title: str = "", problems: tuple[Problem, ...] = ()
) -> dict[str, Any]:
    """The members of a problem document; `errors` is there only when single fields are to blame."""
    body: dict[str, Any] = {
        "type": kind,
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if problems:
        body["errors"] = [{"field": problem.field, "message": problem.message} for problem in problems]
    return body


def plain_response(request: HttpRequest, status: int, detail: str) -> JsonResponse:
    """A problem document where no API view was reached."""
    return JsonResponse(document(status, detail), status=status, content_type=MEDIA_TYPE)


def _response(status: int, detail: str, **members: Any) -> Response:
    return Response(document(status, detail, **members), status=status, content_type=MEDIA_TYPE)


def _flatten(path: str, detail: Any) -> Iterator[Problem]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            here = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)
            yield from _flatten(".".join(part for part in (path, here) if part), inner)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            if nested and not inner:
                continue
            yield from _flatten(f"{path}.{index}" if nested and path else path, inner)
    else:
        yield Problem(path, str(detail))
