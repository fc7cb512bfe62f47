"""What the REST framework's settings name. Imports no views: they read those settings while they are imported."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser

from outreach.lib.problems import problem_response

__all__ = ["JsonParser", "KeysetPagination", "problem_response"]


class JsonParser(JSONParser):
    """JSON and nothing else; a body that is nested beyond reading is the caller's mistake, not ours."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error


class KeysetPagination(CursorPagination):
    """Newest first by key, no counts: page one thousand costs what page one costs. Answers results, next, previous."""

    ordering = "-id"
    page_size_query_param = "page_size"
    max_page_size = 500
