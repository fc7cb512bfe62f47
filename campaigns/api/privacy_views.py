"""Telling and forgetting over HTTP, for managers' keys."""

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from campaigns import privacy
from outreach.lib.endpoints import ProblemSchema, StrictSerializer
from prospects.models import Prospect


class EraseSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=privacy.LONGEST_REASON, help_text="Kept, so it must not name the person")


class PersonalDataView(APIView):
    """Everything that is held about one person."""

    schema = ProblemSchema()
    repeatable = True  # its answer is never kept

    @extend_schema(
        operation_id="prospects_personal_data",
        request=None,
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description="By table all fields; files as base64")},
    )
    def post(self, request: Request, id: uuid.UUID) -> Response:
        prospect = get_object_or_404(Prospect, public_id=id)
        found: dict[str, Any] = privacy.export_person(prospect=prospect, by=caller(request), now=timezone.now())
        return Response(found)


class EraseView(APIView):
    """Forgets a person for good; no import brings them back."""

    schema = ProblemSchema()

    @extend_schema(operation_id="prospects_erase", request=EraseSerializer, responses={204: None})
    def post(self, request: Request, id: uuid.UUID) -> Response:
        prospect = get_object_or_404(Prospect, public_id=id)
        body = EraseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        privacy.erase(prospect=prospect, by=caller(request), now=timezone.now(), **body.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)
