"""Programs, prospects, segments and imports over HTTP."""

from typing import Any

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.callers import caller
from outreach.lib.endpoints import ApiViewSet
from prospects import counting, editing, exporting, segments
from prospects.api import serializers
from prospects.api.filters import ProspectFilter
from prospects.models import Program, Prospect, Segment
from prospects.segments import saving


class ProgramViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    ApiViewSet[Program],
):
    """Affiliate programs: who the mail legally comes from."""

    queryset = Program.objects.all()
    serializer_class = serializers.ProgramSerializer


class ProspectViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    ApiViewSet[Prospect],
):
    """People. Nobody is deleted here: stop or suppress them, so that an import can't bring them back."""

    queryset = Prospect.objects.present().select_related("site", "owner")
    serializer_class = serializers.ProspectSerializer
    filterset_class = ProspectFilter

    def perform_create(self, serializer: BaseSerializer[Prospect]) -> None:
        serializer.instance = editing.add_prospect(by=caller(self.request), **serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Prospect]) -> None:
        prospect = self.get_object()
        editing.change_prospect(prospect=prospect, by=caller(self.request), **serializer.validated_data)
        serializer.instance = self.get_object()


class SegmentViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    ApiViewSet[Segment],
):
    """Saved filters over prospects."""

    queryset = Segment.objects.all()
    serializer_class = serializers.SegmentSerializer

    def perform_create(self, serializer: BaseSerializer[Segment]) -> None:
        given = serializer.validated_data
        serializer.instance = saving.add_segment(name=given["name"], rule=given["filter"], by=caller(self.request))

    def perform_update(self, serializer: BaseSerializer[Segment]) -> None:
        given = serializer.validated_data
        serializer.instance = saving.change_segment(
            segment=self.get_object(), name=given.get("name"), rule=given.get("filter")
        )

    @extend_schema(responses=serializers.ProspectSerializer(many=True), filters=False)
    @action(detail=True, filterset_class=None)
    def members(self, request: Request, **kwargs: Any) -> Response:
        """The people who are in it now."""
        people = segments.members(segment=self.get_object(), now=timezone.now()).select_related("site", "owner")
        return self.paged(people, serializers.ProspectSerializer)

    @extend_schema(
        parameters=[serializers.FileFormatSerializer],
        responses={(200, media_type.partition(";")[0]): bytes for media_type in exporting.FORMATS.values()},
        filters=False,
    )
    @action(detail=True, filterset_class=None, url_path="export")
    def export(self, request: Request, **kwargs: Any) -> StreamingHttpResponse:
        """The people who are in it now as a file, streamed: everything that is known of them."""
        segment = get_object_or_404(Segment, public_id=kwargs["id"])
        asked = serializers.FileFormatSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        file_format = asked.validated_data["file_format"]
        found = segments.members(segment=segment, now=timezone.now())
        return StreamingHttpResponse(
            exporting.file(found, file_format=file_format, by=caller(request)),
            content_type=exporting.FORMATS[file_format],
            headers={"Content-Disposition": f'attachment; filename="people.{file_format}"'},
        )

    @extend_schema(request=serializers.SegmentPreviewSerializer, responses={200: serializers.SegmentCountSerializer})
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """How many people a filter finds: exact to 10,000, beyond that an estimate."""
        body = serializers.SegmentPreviewSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rule = Segment(filter=body.validated_data["filter"])
        count = counting.counted(segments.members(segment=rule, now=timezone.now()))
        return Response({"count": count.number, "exact": not count.about, "label": count.amount})
