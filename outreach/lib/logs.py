"""What the log leaves out."""

import logging

from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware


class ReadinessFilter(logging.Filter):
    """Drops the two lines that every "not ready yet" would log: the answer itself says it, and is asked each second."""

    def filter(self, record: logging.LogRecord) -> bool:
        event = record.msg if isinstance(record.msg, dict) else {}
        path = getattr(getattr(record, "request", None), "path", "") or str(event.get("request", "")).rpartition(" ")[2]
        return path != "/ready"


class PathMiddleware(RequestMiddleware):
    """Names a request by its path alone: what is asked for behind the question mark may be a person's address."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Method and path."""
        return f"{request.method} {request.path}"
