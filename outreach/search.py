"""One search over everything."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse


def search(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Not built yet."""
    raise Http404
