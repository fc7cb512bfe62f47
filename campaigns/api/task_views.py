"""What waits for a person, over HTTP: read, approve, do, leave out."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import caller
from campaigns import approving
from campaigns.api.ledger_serializers import MessageDetailSerializer
from campaigns.models import Message
from outreach.lib.endpoints import ApiViewSet, StrictSerializer


class DraftSerializer(serializers.Serializer[Any]):
    """What a message would say; `problem` is why it can't be written."""

    subject = serializers.CharField()
    text = serializers.CharField()
    problem = serializers.CharField()


class WordsSerializer(StrictSerializer):
    """Other words for this one person; without a text the message says what it says."""

    subject = serializers.CharField(required=False, allow_blank=True, default="")
    text = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)


class Tasks(ApiViewSet[Message]):
    """The actions on a message that waits (`?awaits=approval` and `?awaits=task` list those)."""

    @extend_schema(responses={200: DraftSerializer}, filters=False)
    @action(detail=True)
    def draft(self, request: Request, **kwargs: Any) -> Response:
        """What it would say now: what somebody wrote for this person, or the template's words."""
        return Response(DraftSerializer(approving.words_of(self.get_object())).data)

    @extend_schema(request=WordsSerializer, responses={200: MessageDetailSerializer}, filters=False)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, **kwargs: Any) -> Response:
        """Gives it its slot. 409 when it does not wait any more, or something holds it."""
        return self._told(request, approving.approve)

    @extend_schema(request=WordsSerializer, responses={200: MessageDetailSerializer}, filters=False)
    @action(detail=True, methods=["post"])
    def done(self, request: Request, **kwargs: Any) -> Response:
        """A person has done the task. 409 when it does not wait any more, or must not be done."""
        return self._told(request, approving.done)

    @extend_schema(request=None, responses={200: MessageDetailSerializer}, filters=False)
    @action(detail=True, methods=["post"], url_path="leave-out")
    def leave_out(self, request: Request, **kwargs: Any) -> Response:
        """Not for this person: they go on to the next step."""
        approving.leave_out(message=self.get_object(), by=caller(request), now=timezone.now())
        return self._message()

    def _told(self, request: Request, verb: Any) -> Response:
        body = WordsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        fixed: dict[str, Any] = {"message": self.get_object(), "by": caller(request), "now": timezone.now()}
        if "text" in body.validated_data:
            approving.write(**body.validated_data, **fixed)
        verb(**fixed)
        return self._message()

    def _message(self) -> Response:
        return Response(MessageDetailSerializer(self.get_object()).data)
