"""What the REST framework's settings name. Imports no views: they read those settings while they are imported."""

from rest_framework.pagination import CursorPagination

from outreach.lib.problems import problem_response

__all__ = ["KeysetPagination", "problem_response"]


class KeysetPagination(CursorPagination):
    """Newest first by key, no counts: page one thousand costs what page one costs. Answers results, next, previous."""

    ordering = "-id"
    page_size_query_param = "page_size"
    max_page_size = 500
