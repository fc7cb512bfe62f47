"""Saying no over HTTP: suppressions, and the one switch over all sending."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from campaigns import stopping
from campaigns.api import serializers
from campaigns.api.filters import SuppressionFilter
from campaigns.models import SendingControl
from outreach.lib.endpoints import ApiViewSet, ProblemSchema
from prospects.models import Suppression


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
        suppression, created = stopping.suppress(by=caller(request), **body.validated_data)
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(self.get_serializer(suppression).data, status=code)


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


def _state() -> Response:
    control = SendingControl.objects.first() or SendingControl()
    return Response(
        serializers.SendingSerializer(
            {
                "stopped": control.stopped_at is not None,
                "stopped_at": control.stopped_at,
                "reason": control.stop_reason,
                "ticked_at": control.ticked_at,
            }
        ).data
    )
