"""The proof file of one person over HTTP."""

import uuid

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from campaigns import proof
from outreach.lib.endpoints import ProblemSchema
from prospects.models import Prospect


class ProofView(APIView):
    """What a person got, when, from where and why. A POST, for that it was made is kept."""

    schema = ProblemSchema()

    @extend_schema(operation_id="prospects_proof", request=None, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Request, id: uuid.UUID) -> Response:
        person = get_object_or_404(Prospect, public_id=id)
        return Response(proof.prove(prospect=person, by=caller(request), now=timezone.now()))
