"""The ledger over HTTP: what was planned and sent, and what came back. Read-only but for a reply's read mark."""

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import mixins
from rest_framework.serializers import BaseSerializer

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
    """What people answered, in their own words. PATCH `{"read": true}` marks one as read."""

    queryset = Reply.objects.select_related("prospect", "message").only(*public_ids(serializers.ReplySerializer))
    serializer_class = serializers.ReplySerializer
    filterset_class = ReplyFilter

    def perform_update(self, serializer: BaseSerializer[Reply]) -> None:
        reply = self.get_object()
        read = serializer.validated_data.get("read")
        if read is not None and read != bool(reply.read_at):
            reply.read_at = timezone.now() if read else None
            reply.save(update_fields=["read_at"])
        serializer.instance = reply
