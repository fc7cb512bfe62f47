"""How the ledger looks outside: enrollments, messages, events and replies."""

from typing import Any

from rest_framework import serializers

from campaigns import resending
from campaigns.models import Enrollment, Event, Message, Reply
from integrations.ports import ReplyClass
from outreach.lib.endpoints import StrictModelSerializer, StrictSerializer


def _id_of(relation: str, *, nullable: bool = False) -> serializers.UUIDField:
    """The public id of a related row; views load it with `select_related` and `only`."""
    if nullable:
        return serializers.UUIDField(source=f"{relation}.public_id", read_only=True, allow_null=True, default=None)
    return serializers.UUIDField(source=f"{relation}.public_id", read_only=True)


class EnrollmentSerializer(StrictModelSerializer[Enrollment]):
    campaign = _id_of("campaign")
    prospect = _id_of("prospect")
    mailbox = _id_of("mailbox")

    class Meta:
        model = Enrollment
        fields = [
            "id",
            "campaign",
            "prospect",
            "mailbox",
            "state",
            "stop_reason",
            "ended_at",
            "next_step_key",
            "steps_handed_over",
            "due_at",
            "created_at",
        ]
        read_only_fields = fields


class MessageSerializer(StrictModelSerializer[Message]):
    """One row of the ledger, without what it said."""

    campaign = _id_of("campaign")
    prospect = _id_of("prospect")
    enrollment = _id_of("enrollment")
    mailbox = _id_of("mailbox")
    step = _id_of("step")
    template_version = _id_of("template_version")

    class Meta:
        model = Message
        fields = [
            "id",
            "campaign",
            "prospect",
            "enrollment",
            "mailbox",
            "step",
            "step_key",
            "template_version",
            "state",
            "outcome",
            "recipient",
            "message_id",
            "is_follow_up",
            "planned_at",
            "send_at",
            "awaits",
            "marked_at",
            "handed_over_at",
            "attempts",
            "cancel_reason",
            "smtp_phase",
            "smtp_code",
            "smtp_status",
            "smtp_reply",
            "subject",
        ]
        read_only_fields = fields


class MessageDetailSerializer(MessageSerializer):
    """With the exact text that was handed over, and why."""

    class Meta(MessageSerializer.Meta):
        fields = [*MessageSerializer.Meta.fields, "text", "html", "why"]
        read_only_fields = fields


class SettleMessageSerializer(StrictSerializer):
    verdict = serializers.ChoiceField(
        choices=["sent", "not_sent", "send_again"],
        help_text="sent: the campaign goes on; not_sent: it ends for them; send_again: not sent, one new hand-over",
    )
    note = serializers.CharField(required=False, allow_blank=True, max_length=300, default="", help_text="How you know")


class SendAgainSerializer(StrictSerializer):
    messages = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=resending.MOST)
    note = serializers.CharField(max_length=300, help_text="How you know that they were not sent")


class KeptSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    why = serializers.CharField()
    count = serializers.IntegerField()


class SentAgainSerializer(serializers.Serializer[Any]):
    sent_again = serializers.IntegerField(help_text="How many have a new slot")
    kept = KeptSerializer(many=True, help_text="Why the others stay as they are")


class EventSerializer(StrictModelSerializer[Event]):
    prospect = _id_of("prospect")
    enrollment = _id_of("enrollment", nullable=True)
    message = _id_of("message", nullable=True)

    class Meta:
        model = Event
        fields = ["id", "kind", "prospect", "enrollment", "message", "occurred_at", "by_machine", "detail"]
        read_only_fields = fields


class ReplySerializer(StrictModelSerializer[Reply]):
    prospect = _id_of("prospect")
    message = _id_of("message", nullable=True)
    read = serializers.BooleanField(write_only=True, required=False)
    reply_class = serializers.ChoiceField(choices=list(ReplyClass), required=False)

    class Meta:
        model = Reply
        fields = [
            "id",
            "prospect",
            "message",
            "sender",
            "subject",
            "text",
            "reply_class",
            "machine_class",
            "relabelled_at",
            "received_at",
            "read_at",
            "read",
        ]
        read_only_fields = [name for name in fields if name not in ("read", "reply_class")]


def public_ids(serializer: type[serializers.ModelSerializer[Any]]) -> list[str]:
    """Names for `only()`: the serializer's own columns, its key and the public ids of what it points to."""
    columns = [field.source or name for name, field in serializer._declared_fields.items() if name != "read"]
    declared = set(serializer._declared_fields)
    own = [name for name in serializer.Meta.fields if name not in declared]
    return ["pk", *own, *(column.replace(".", "__") for column in columns)]
