"""Imports over HTTP: the same verbs as the pages."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import caller
from outreach.lib.api import KeysetPagination
from outreach.lib.endpoints import ApiViewSet
from prospects.api import import_serializers as serializers
from prospects.api.filters import ImportFilter
from prospects.importing import choosing, previewing, saved, uploading
from prospects.importing.choosing import Settings
from prospects.models import ImportBatch, ImportRow, SavedMapping


class NotWaiting(uploading.UnreadableFile):
    """The import began before."""

    status = 409
    title = "The import has begun"


class ByPlace(KeysetPagination):
    """Rejected rows stand in the order of the file."""

    ordering = "id"


@extend_schema_view(
    create=extend_schema(
        request={"multipart/form-data": serializers.ImportUploadSerializer},
        responses={201: serializers.ImportSerializer},
    )
)
class ImportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet[ImportBatch]):
    """All but the undo, which campaigns adds."""

    queryset = ImportBatch.objects.all()
    serializer_class = serializers.ImportSerializer
    filterset_class = ImportFilter
    parser_classes = [MultiPartParser, JSONParser]

    def create(self, request: Request) -> Response:
        body = serializers.ImportUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        upload = said["file"]
        batch = uploading.store(
            source=upload.file,
            file_name=upload.name,
            by=caller(request),
            now=timezone.now(),
            source_name=said.get("source_name", ""),
            tags=tuple(said.get("tags", ())),
        )
        try:
            self._choose(batch, said, request)
        except choosing.UnfitColumns:
            if said["start"]:  # nobody is going to look at it
                batch.delete()
                raise
        if said["start"]:
            uploading.queue(batch=batch)
        batch.refresh_from_db()
        return Response(self.get_serializer(batch).data, status=status.HTTP_201_CREATED)

    @extend_schema(methods=["GET"], responses=serializers.ImportSheetSerializer(many=True), filters=False)
    @extend_schema(
        methods=["POST"], request=serializers.ColumnsSerializer, responses=serializers.ImportSheetSerializer(many=True)
    )
    @action(detail=True, methods=["get", "post"], filterset_class=None, pagination_class=None)
    def columns(self, request: Request, **kwargs: Any) -> Response:
        """What each column of each sheet means, or seems to; POST says it, before the import begins."""
        batch = self._waiting()
        if request.method == "POST":
            body = serializers.ColumnsSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            self._choose(batch, body.validated_data, request)
            batch.refresh_from_db()
        return Response(serializers.ImportSheetSerializer(choosing.sheets(batch=batch), many=True).data)

    @extend_schema(responses=serializers.ImportPreviewSerializer, filters=False)
    @action(detail=True, filterset_class=None)
    def preview(self, request: Request, **kwargs: Any) -> Response:
        """What the first rows would do; nothing is stored."""
        return Response(serializers.ImportPreviewSerializer(previewing.preview(batch=self._waiting())).data)

    @extend_schema(request=None, responses=serializers.ImportSerializer)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, **kwargs: Any) -> Response:
        """Lets the import begin."""
        batch = self._waiting()
        if not uploading.queue(batch=batch):
            raise NotWaiting("Say first what its columns mean.")
        batch.refresh_from_db()
        return Response(self.get_serializer(batch).data)

    @extend_schema(responses=serializers.ImportRejectSerializer(many=True), filters=False)
    @action(detail=True, filterset_class=None, pagination_class=ByPlace)
    def rejects(self, request: Request, **kwargs: Any) -> Response:
        """The rows that were not taken: sheet, line, reason and what they said."""
        rows = ImportRow.objects.filter(batch=self.get_object())
        return self.paged(rows, serializers.ImportRejectSerializer)

    def _waiting(self) -> ImportBatch:
        batch = self.get_object()
        if batch.status != ImportBatch.Status.UPLOADED:
            raise NotWaiting("This import has begun.")
        return batch

    def _choose(self, batch: ImportBatch, said: dict[str, Any], request: Request) -> None:
        choosing.choose_by_names(
            batch=batch,
            mapping=said.get("mapping"),
            settings=Settings(
                program=said.get("program"),
                replace=sorted(said.get("replace", ())),
                check_mx=said["check_mx"],
                save_as=said.get("save_as", ""),
            ),
            by=caller(request),
        )


class SavedMappingViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, ApiViewSet[SavedMapping]
):
    """Columns kept under a name; a file with the same ones is read by them. Saved with `save_as` of an import."""

    queryset = SavedMapping.objects.all()
    serializer_class = serializers.SavedMappingSerializer

    def perform_destroy(self, instance: SavedMapping) -> None:
        saved.remove(saved=instance)
