"""Programs, prospects, segments and imports over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.callers import caller
from outreach.lib.api import KeysetPagination
from outreach.lib.endpoints import ApiViewSet
from prospects import editing, importing, segments
from prospects.api import serializers
from prospects.api.filters import ImportFilter, ProspectFilter
from prospects.models import ImportBatch, ImportRow, Program, Prospect, Segment

COUNT_LIMIT = 10_000


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

    queryset = Prospect.objects.select_related("site")
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
        serializer.save(created_by=caller(self.request))

    @extend_schema(responses=serializers.ProspectSerializer(many=True), filters=False)
    @action(detail=True, filterset_class=None)
    def members(self, request: Request, **kwargs: Any) -> Response:
        """The people who are in it now."""
        people = segments.members(segment=self.get_object()).select_related("site")
        return self.paged(people, serializers.ProspectSerializer)

    @extend_schema(request=serializers.SegmentPreviewSerializer, responses={200: serializers.SegmentCountSerializer})
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """How many people a filter finds; counted to 10000."""
        body = serializers.SegmentPreviewSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        found = Prospect.objects.filter(segments.compile(body.validated_data["filter"]))
        count = found.order_by()[: COUNT_LIMIT + 1].count()
        label = f"{COUNT_LIMIT}+" if count > COUNT_LIMIT else str(count)
        return Response({"count": min(count, COUNT_LIMIT), "label": label})


class ByLine(KeysetPagination):
    """Rejected rows stand in the order of the file."""

    ordering = "line"


@extend_schema_view(
    create=extend_schema(
        request={"multipart/form-data": serializers.ImportUploadSerializer},
        responses={201: serializers.ImportSerializer},
    )
)
class ImportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet[ImportBatch]):
    """Files of people. The answer comes when the file has been read; good rows stay, rejected ones are listed."""

    queryset = ImportBatch.objects.all()
    serializer_class = serializers.ImportSerializer
    filterset_class = ImportFilter
    parser_classes = [MultiPartParser]

    def create(self, request: Request) -> Response:
        body = serializers.ImportUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        upload = body.validated_data["file"]
        batch = importing.import_file(
            source=upload.file,
            file_name=upload.name,
            by=caller(request),
            mapping=body.validated_data.get("mapping"),
            source_name=body.validated_data.get("source_name", ""),
            tags=tuple(body.validated_data.get("tags", ())),
        )
        return Response(self.get_serializer(batch).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=serializers.ImportRejectSerializer(many=True), filters=False)
    @action(detail=True, filterset_class=None, pagination_class=ByLine)
    def rejects(self, request: Request, **kwargs: Any) -> Response:
        """The rows that were not taken: line, reason and what they said."""
        rows = ImportRow.objects.filter(batch=self.get_object())
        return self.paged(rows, serializers.ImportRejectSerializer)
