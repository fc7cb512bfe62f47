"""Trying a sequence out on oneself."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse


def campaign_rehearse(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def rehearsal(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def rehearsal_live(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def rehearsal_end(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def rehearsal_answer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404
