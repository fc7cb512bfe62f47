"""Today: the state of things, what needs a person, what goes out."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render


def today(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    return render(request, "shell/settings.html")


def today_live(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404
