"""Duplicates and merges over HTTP: the same verbs as the pages."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.callers import caller
from outreach.lib.endpoints import ApiViewSet
from prospects import dedupe, merging
from prospects.api import sameness_serializers as serializers
from prospects.models import Duplicate, Merge


class DuplicateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet[Duplicate]):
    """Pairs that may be one person and are still to be decided: merge them, or dismiss the pair."""

    queryset = dedupe.open_pairs()
    serializer_class = serializers.DuplicateSerializer

    @extend_schema(request=None, responses={200: serializers.DuplicateSerializer})
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, **kwargs: str) -> Response:
        """Two people: the pair is never offered again."""
        pair = self.get_object()
        dedupe.dismiss(duplicate=pair, by=caller(request), now=timezone.now())
        pair.refresh_from_db(fields=["dismissed_at"])
        return Response(self.get_serializer(pair).data)


class MergeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, ApiViewSet[Merge]):
    """Two rows made one person. Whoever said no under either stays without mail, also after an undo."""

    queryset = Merge.objects.select_related("survivor", "merged")
    serializer_class = serializers.MergeSerializer

    def perform_create(self, serializer: BaseSerializer[Merge]) -> None:
        serializer.instance = merging.merge(by=caller(self.request), now=timezone.now(), **serializer.validated_data)

    @extend_schema(request=None, responses={200: serializers.MergeSerializer})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, **kwargs: str) -> Response:
        """Two people again, for 30 days; campaigns that ended stay ended."""
        made = merging.undo(merge=self.get_object(), by=caller(request), now=timezone.now())
        return Response(self.get_serializer(made).data)
