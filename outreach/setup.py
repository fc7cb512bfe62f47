"""From the demo world to real use, step by step."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse


def setup(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def setup_start(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def setup_practice(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404
