"""Saying no over HTTP: suppressions, and the one switch over all sending."""

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from campaigns import errands, overdue, releasing, restoring, stopping, suppressing_lists
from campaigns.api import serializers
from campaigns.api.filters import SuppressionFilter
from campaigns.models import SendingControl
from outreach.lib.endpoints import ApiViewSet, ProblemSchema
from prospects import suppression as facts
from prospects.models import Suppression
from prospects.suppression_lists import Meant

MOST_COUNTED = 10_000


@extend_schema_view(
    create=extend_schema(
        responses={
            201: serializers.SuppressionSerializer,
            200: OpenApiResponse(serializers.SuppressionSerializer, description="It was suppressed before"),
        }
    )
)
class SuppressionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet[Suppression]):
    """Whom we never write to. Adding one also cancels what is planned for them. None is lifted through the API."""

    queryset: QuerySet[Suppression] = Suppression.objects.all()
    serializer_class = serializers.SuppressionSerializer
    filterset_class = SuppressionFilter

    def create(self, request: Request) -> Response:
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        facts.check_expiry(reason=given["reason"], expires_at=given.get("expires_at"), now=timezone.now())
        suppression, created = stopping.suppress(by=caller(request), **given)
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(self.get_serializer(suppression).data, status=code)

    @extend_schema(
        operation_id="suppressions_import",
        request={"multipart/form-data": serializers.SuppressionListSerializer},
        responses={200: serializers.TakenSerializer},
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="import", parser_classes=[MultiPartParser], filterset_class=None)
    def upload(self, request: Request) -> Response:
        """Takes a list of up to 50 MB in; good lines stay, bad ones are told, and no line lifts anything."""
        body = serializers.SuppressionListSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        meant = Meant(given["reason"], given["source"] or given["file"].name[:200], given["expires_at"])
        source = given["file"].file
        taken = suppressing_lists.take_upload(source=source, meant=meant, by=caller(request), now=timezone.now())
        return Response(serializers.TakenSerializer(taken).data)

    @extend_schema(
        operation_id="suppressions_export",
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY, description="What the import takes back")},
        filters=False,
    )
    @action(detail=False, filterset_class=None, pagination_class=None)
    def export(self, request: Request) -> StreamingHttpResponse:
        """The whole list as CSV."""
        pieces = suppressing_lists.exported(by=caller(request))
        return StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")


class SendingView(APIView):
    """Whether anything is sent at all."""

    schema = ProblemSchema()

    @extend_schema(operation_id="sending_read", responses={200: serializers.SendingSerializer})
    def get(self, request: Request) -> Response:
        return _state()


class StopAllView(APIView):
    """*Stop all sending*: from the answer on no message begins."""

    schema = ProblemSchema()

    @extend_schema(
        operation_id="sending_stop_all",
        request=serializers.ReasonSerializer,
        responses={200: serializers.SendingSerializer},
    )
    def post(self, request: Request) -> Response:
        body = serializers.ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        stopping.stop_all(reason=body.validated_data["reason"], by=caller(request))
        return _state()


class ResumeAllView(APIView):
    """Lifts *Stop all sending*."""

    schema = ProblemSchema()

    @extend_schema(operation_id="sending_resume_all", request=None, responses={200: serializers.SendingSerializer})
    def post(self, request: Request) -> Response:
        stopping.resume_all(by=caller(request))
        return _state()


class SettleView(APIView):
    """A person's word when a guard holds all sending: the database was put back, or it was not."""

    schema = ProblemSchema()

    @extend_schema(
        operation_id="sending_settle",
        request=serializers.SettleSerializer,
        responses={200: serializers.SettledSerializer},
    )
    def post(self, request: Request) -> Response:
        body = serializers.SettleSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        restored = body.validated_data["restored"]
        done = restoring.settle(restored=restored, now=timezone.now(), by=caller(request), seconds=errands.HURRY)
        return Response(serializers.SettledSerializer(done).data)


class ReleaseView(APIView):
    """Gives what was due while nothing was sent new slots, spread out from now on."""

    schema = ProblemSchema()

    @extend_schema(operation_id="sending_release", request=None, responses={200: serializers.ReleasedSerializer})
    def post(self, request: Request) -> Response:
        done = releasing.release(now=timezone.now(), by=caller(request), seconds=errands.HURRY)
        return Response(serializers.ReleasedSerializer(done).data)


def _state() -> Response:
    control = SendingControl.objects.first() or SendingControl()
    return Response(
        serializers.SendingSerializer(
            {
                "stopped": control.stopped_at is not None,
                "stopped_at": control.stopped_at,
                "reason": control.stop_reason,
                "ticked_at": control.ticked_at,
                "held_at": control.held_at,
                "held_because": control.held_because,
                "gap_from": control.gap_from,
                "settling": restoring.under_way(),
                "overdue": overdue.waiting()[:MOST_COUNTED].count(),
            }
        ).data
    )
