"""Retiring a mailbox over HTTP: what it means, and doing it."""

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from campaigns import retiring
from integrations.models import Mailbox
from outreach.lib.endpoints import ProblemSchema, PublicIdField, StrictSerializer


class RetireSerializer(StrictSerializer):
    successor = PublicIdField(
        queryset=Mailbox.objects.all(), required=False, help_text="For campaigns that have no other active mailbox"
    )


class RetiredSerializer(serializers.Serializer[Any]):
    moved = serializers.IntegerField(help_text="People that have moved; the rest follows within minutes")


class MovesSerializer(serializers.Serializer[Any]):
    class PartSerializer(serializers.Serializer[Any]):
        campaign = serializers.UUIDField(source="campaign.public_id")
        people = serializers.IntegerField()
        to = serializers.SerializerMethodField(help_text="Mailboxes; none: a successor has to be named")

        def get_to(self, part: retiring.Part) -> list[uuid.UUID]:
            return [each.public_id for each in part.to]

    people = serializers.IntegerField(help_text="Under way with it")
    parts = PartSerializer(many=True)
    done_about = serializers.DateField(allow_null=True, help_text="Roughly, as it is")
    done_then = serializers.DateField(allow_null=True, help_text="Roughly, without it")


class MailboxRetireView(APIView):
    """A mailbox that is taken out of service for good; answers to what it sent are still read."""

    schema = ProblemSchema()

    @extend_schema(
        operation_id="mailboxes_retire_outlook",
        parameters=[OpenApiParameter("successor", str, description="The id of the mailbox that would take over")],
        responses={200: MovesSerializer},
    )
    def get(self, request: Request, id: uuid.UUID) -> Response:
        """Who would move where, and until when the rest lasts."""
        asked = RetireSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = get_object_or_404(Mailbox, public_id=id)
        outlook = retiring.outlook(mailbox=found, now=timezone.now(), **asked.validated_data)
        return Response(MovesSerializer(outlook).data)

    @extend_schema(operation_id="mailboxes_retire", request=RetireSerializer, responses={200: RetiredSerializer})
    def post(self, request: Request, id: uuid.UUID) -> Response:
        """Nothing new is sent from it, and its people move to other mailboxes of their campaigns, in a new thread."""
        body = RetireSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        found = get_object_or_404(Mailbox, public_id=id)
        moved = retiring.retire(mailbox=found, now=timezone.now(), by=caller(request), **body.validated_data)
        return Response({"moved": moved})
