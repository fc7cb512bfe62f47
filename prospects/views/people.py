"""The list of people, and adding and changing one."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse


def prospects(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def prospect_add(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404


def prospect_edit(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404
