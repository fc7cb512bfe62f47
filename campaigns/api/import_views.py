"""Imports over HTTP, and taking one back: who stays is for campaigns to say."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import caller
from campaigns import undoing
from prospects.api import import_views
from prospects.api.import_serializers import ImportSerializer, ImportUndoSerializer


class ImportViewSet(import_views.ImportViewSet):
    """Files of people. A file is stored and then brought in by a worker: ask for its status until it is done.

    With `start` false it waits: look at its columns and at what it would do first.
    """

    @extend_schema(methods=["GET"], responses=ImportUndoSerializer, filters=False)
    @extend_schema(methods=["POST"], request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["get", "post"], filterset_class=None)
    def undo(self, request: Request, **kwargs: Any) -> Response:
        """What taking this import back would do. Who is in a campaign, answered or has notes stays.

        POST lets it begin: ask for the import until its `undone_at` is there; `undo` says what was done so far.
        """
        batch = self.get_object()
        if request.method == "POST":
            undoing.ask(batch=batch, by=caller(request), now=timezone.now())
            return Response(self.get_serializer(batch).data, status=status.HTTP_202_ACCEPTED)
        return Response(ImportUndoSerializer(undoing.foresee(batch=batch)).data)
