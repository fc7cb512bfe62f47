"""Affiliate programs."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse


def programs(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def program_add(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def program_edit(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404
