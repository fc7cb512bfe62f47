"""The ledger over HTTP: what was planned and sent, and what came back. Only a reply's read mark and class change."""

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import mixins
from rest_framework.serializers import BaseSerializer

from accounts.callers import caller
from campaigns import labelling, replies
from campaigns.api import ledger_serializers as serializers
from campaigns.api.filters import EnrollmentFilter, EventFilter, MessageFilter, ReplyFilter
from campaigns.api.ledger_serializers import public_ids
from campaigns.models import Enrollment, Event, Message, Reply
from outreach.lib.endpoints import ApiViewSet

MESSAGE_RELATIONS = ("campaign", "prospect", "enrollment", "mailbox", "step", "template_version")


class EnrollmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet[Enrollment]):
    """People's ways through campaigns."""

    queryset = (
        Enrollment.objects.filter(campaign__rehearsal_of=None)
        .select_related("campaign", "prospect", "mailbox")
        .only(*public_ids(serializers.EnrollmentSerializer))
    )
    serializer_class = serializers.EnrollmentSerializer
    filterset_class = EnrollmentFilter


class MessageViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet[Message]):
    """Every message that was ever planned. One message has its exact text and why it was sent."""

    queryset = Message.objects.filter(campaign__rehearsal_of=None).select_related(*MESSAGE_RELATIONS)
    filterset_class = MessageFilter

    def get_serializer_class(self) -> type[serializers.MessageSerializer]:
        return serializers.MessageDetailSerializer if self.action == "retrieve" else serializers.MessageSerializer

    def get_queryset(self) -> QuerySet[Message]:
        """A list leaves the texts where they are."""
        return super().get_queryset().only(*public_ids(self.get_serializer_class()))


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
