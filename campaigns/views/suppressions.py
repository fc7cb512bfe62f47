"""Whom we never write to."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse


def suppressions(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def suppression_add(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404
