"""One person: who they are, what they got, why, and what can be done."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse


def prospect(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def prospect_note(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def prospect_stop(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def prospect_suppress(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def prospect_hold(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def prospect_release(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def prospect_answered(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def prospects_act(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def message(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def message_settle(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def uncertain(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404
