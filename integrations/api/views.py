"""Mailboxes over HTTP."""

import uuid
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from integrations import editing, sending
from integrations.api import serializers
from integrations.models import Mailbox
from outreach.lib.endpoints import ApiViewSet, ProblemSchema


class MailboxFilter(filters.FilterSet):
    class Meta:
        model = Mailbox
        fields = ["status"]


class MailboxViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    ApiViewSet[Mailbox],
):
    """Sender addresses with their SMTP and IMAP accounts. One that has sent can't be deleted; pause it."""

    queryset = Mailbox.objects.all()
    serializer_class = serializers.MailboxSerializer
    filterset_class = MailboxFilter

    def get_queryset(self) -> QuerySet[Mailbox]:
        """Reading leaves the secrets where they are."""
        mailboxes = super().get_queryset()
        return (
            mailboxes.defer("smtp_password", "imap_password", "service_key")
            if self.request.method == "GET"
            else mailboxes
        )

    def perform_create(self, serializer: BaseSerializer[Mailbox]) -> None:
        serializer.instance = editing.add_mailbox(**serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Mailbox]) -> None:
        serializer.instance = editing.change_mailbox(mailbox=self.get_object(), **serializer.validated_data)

    @extend_schema(request=serializers.PauseSerializer, responses={200: serializers.MailboxSerializer})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, **kwargs: Any) -> Response:
        """Sends nothing from this mailbox until it is resumed; its answers are still read."""
        body = serializers.PauseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        self.get_object().pause(reason=body.validated_data["reason"] or f"paused by {request.user}")
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses={200: serializers.MailboxSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, **kwargs: Any) -> Response:
        """Takes a paused mailbox back into service."""
        self.get_object().resume()
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses={200: serializers.MailboxSerializer})
    @action(detail=True, methods=["post"], url_path="bring-back")
    def bring_back(self, request: Request, **kwargs: Any) -> Response:
        """Takes a retired mailbox back, paused. Whoever moved to another mailbox stays there."""
        self.get_object().bring_back(reason=f"brought back by {request.user}")
        return Response(self.get_serializer(self.get_object()).data)


class MailboxCheckView(APIView):
    """Logs in to both servers of a mailbox and says what is wrong; nothing is sent."""

    repeatable = True  # talks to servers, so accounts.idempotency must hold no transaction around it
    schema = ProblemSchema()

    @extend_schema(operation_id="mailboxes_check", request=None, responses={200: serializers.MailboxCheckSerializer})
    def post(self, request: Request, id: uuid.UUID) -> Response:
        problems = sending.check(mailbox=get_object_or_404(Mailbox, public_id=id), now=timezone.now())
        return Response({"ok": not problems, "problems": problems})
