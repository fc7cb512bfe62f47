"""The ledger over HTTP: what was planned and sent, and what came back.

A person settles what is uncertain, and a reply's read mark and class change.
"""

from collections import Counter
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.callers import caller
from campaigns import labelling, reconciling, replies, resending, stopping, wording
from campaigns.api import ledger_serializers as serializers
from campaigns.api.filters import EnrollmentFilter, EventFilter, MessageFilter, ReplyFilter
from campaigns.api.ledger_serializers import public_ids
from campaigns.api.task_views import Tasks
from campaigns.models import Enrollment, Event, Message, Reply
from outreach.lib.endpoints import ApiViewSet

MESSAGE_RELATIONS = ("campaign", "prospect", "enrollment", "mailbox", "step", "template_version")


class EnrollmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet[Enrollment]):
    """People's ways through campaigns, each of which a person can end."""

    queryset = (
        Enrollment.objects.filter(campaign__rehearsal_of=None)
        .select_related("campaign", "prospect", "mailbox")
        .only(*public_ids(serializers.EnrollmentSerializer))
    )
    serializer_class = serializers.EnrollmentSerializer
    filterset_class = EnrollmentFilter

    @extend_schema(request=None, responses={200: serializers.EnrollmentSerializer}, filters=False)
    @action(detail=True, methods=["post"], url_path="take-out", filterset_class=None)
    def take_out(self, request: Request, **kwargs: Any) -> Response:
        """Ends this way and no other of the person's. Of one that has ended nothing changes."""
        related = Enrollment.objects.select_related("campaign", "prospect", "mailbox")
        found = related.get(pk=self.get_object().pk)
        stopping.take_out(prospect=found.prospect, campaign=found.campaign, by=caller(request))
        found.refresh_from_db()
        return Response(self.get_serializer(found).data)


class MessageViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Tasks):
    """Every message that was ever planned. One message has its exact text and why it was sent."""

    queryset = Message.objects.filter(campaign__rehearsal_of=None).select_related(*MESSAGE_RELATIONS)
    filterset_class = MessageFilter

    def get_serializer_class(self) -> type[serializers.MessageSerializer]:
        return serializers.MessageSerializer if self.action == "list" else serializers.MessageDetailSerializer

    def get_queryset(self) -> QuerySet[Message]:
        """A list leaves the texts where they are."""
        return super().get_queryset().only(*public_ids(self.get_serializer_class()))

    @extend_schema(
        request=serializers.SettleMessageSerializer, responses={200: serializers.MessageDetailSerializer}, filters=False
    )
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, **kwargs: Any) -> Response:
        """A person's word about a message we are not sure about. 409 when it is settled, or can't be sent again now."""
        body = serializers.SettleMessageSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        related = Message.objects.select_related(*MESSAGE_RELATIONS)
        found, given = related.get(pk=self.get_object().pk), body.validated_data
        if given["verdict"] == "send_again":
            done = resending.send_again(
                message_ids=[found.pk], note=given["note"], by=caller(request), now=timezone.now()
            )
            if found.pk in done.kept:
                raise resending.StaysUncertain(f"It stays as it is: {wording.words(done.kept[found.pk])}.")
        elif not reconciling.decide(
            message=found, sent=given["verdict"] == "sent", note=given["note"], by=caller(request)
        ):
            raise resending.StaysUncertain("It has been settled already.")
        found.refresh_from_db()
        return Response(serializers.MessageDetailSerializer(found).data)

    @extend_schema(
        operation_id="messages_send_again",
        request=serializers.SendAgainSerializer,
        responses={200: serializers.SentAgainSerializer},
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="send-again", filterset_class=None)
    def send_again(self, request: Request) -> Response:
        """Messages we are not sure about were not sent: each gets one new hand-over, in a free slot."""
        body = serializers.SendAgainSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        found = self.get_queryset().filter(public_id__in=body.validated_data["messages"])
        done = resending.send_again(
            message_ids=list(found.order_by("id").values_list("pk", flat=True)),
            note=body.validated_data["note"],
            by=caller(request),
            now=timezone.now(),
        )
        kept = Counter(done.kept.values()).most_common()
        rows = [{"rule": rule, "why": wording.words(rule), "count": count} for rule, count in kept]
        return Response(serializers.SentAgainSerializer({"sent_again": len(done.slots), "kept": rows}).data)


class EventViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet[Event]):
    """What others did: bounces, answers, clicks, opt-outs."""

    queryset = Event.objects.select_related("prospect", "enrollment", "message").only(
        *public_ids(serializers.EventSerializer)
    )
    serializer_class = serializers.EventSerializer
    filterset_class = EventFilter


class ReplyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, ApiViewSet[Reply]):
    """What people answered, in their own words. PATCH `{"read": true}` marks one as read.

    PATCH `{"reply_class": "negative"}` corrects how one was read, with what follows: a no ends the person's campaigns,
    `unsubscribe` suppresses them. Nothing is lifted the other way.
    """

    queryset = Reply.objects.select_related("prospect", "message").only(*public_ids(serializers.ReplySerializer))
    serializer_class = serializers.ReplySerializer
    filterset_class = ReplyFilter

    def perform_update(self, serializer: BaseSerializer[Reply]) -> None:
        reply = self.get_object()
        read, reply_class = (serializer.validated_data.get(name) for name in ("read", "reply_class"))
        if reply_class is not None:
            labelling.relabel(reply=reply, reply_class=reply_class, by=caller(self.request), now=timezone.now())
        if read is not None and read != bool(reply.read_at):
            replies.mark_read(reply=reply, read=read)
        serializer.instance = reply
