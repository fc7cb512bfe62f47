"""What others did: an append-only list of events, and the answers people wrote."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from campaigns.models.enrollment import Enrollment
from campaigns.models.message import Message
from integrations.models import InboundEvent
from outreach.lib.models import PublicModel
from prospects.models import Prospect


class Event(PublicModel):
    """One thing that happened to a message. `dedupe_key` makes a second report of the same thing a no-op."""

    class Kind(models.TextChoices):
        BOUNCED = "bounced", "Bounced"
        DELIVERED = "delivered", "Delivered"
        DELAYED = "delayed", "Delayed"
        COMPLAINED = "complained", "Complained"
        AUTO_REPLIED = "auto_replied", "Automatic answer"
        REPLIED = "replied", "Replied"
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
        CLICKED = "clicked", "Clicked a link"

    kind = models.CharField(max_length=20, choices=Kind)
    prospect = models.ForeignKey(Prospect, on_delete=models.PROTECT, related_name="+")
    enrollment = models.ForeignKey(Enrollment, null=True, on_delete=models.PROTECT, related_name="+")
    message = models.ForeignKey(Message, null=True, on_delete=models.PROTECT, related_name="+")
    inbound = models.ForeignKey(InboundEvent, null=True, on_delete=models.SET_NULL, related_name="+")
    occurred_at = models.DateTimeField(help_text="Business time")
    by_machine = models.BooleanField(default=False, help_text="A scanner, not a person")
    detail = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=128, unique=True)

    class Meta:
        indexes = [
            models.Index(fields=["prospect", "-id"], name="event_prospect"),
            models.Index(fields=["message"], name="event_message"),
            BrinIndex(fields=["created_at"], name="event_created_brin"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @classmethod
    def record_once(
        cls,
        *,
        kind: str,
        message: Message,
        occurred_at: datetime,
        dedupe_key: str,
        inbound: InboundEvent | None = None,
        by_machine: bool = False,
        detail: dict[str, object] | None = None,
    ) -> tuple["Event", bool]:
        """Writes what happened to a message, or finds what was written under this key; says whether it is new."""
        return cls.objects.get_or_create(
            dedupe_key=dedupe_key,
            defaults={
                "kind": kind,
                "prospect_id": message.prospect_id,
                "enrollment_id": message.enrollment_id,
                "message": message,
                "inbound": inbound,
                "occurred_at": occurred_at,
                "by_machine": by_machine,
                "detail": detail or {},
            },
        )


class Reply(PublicModel):
    """A person's answer, in their own words. `machine_class` is how it was read before somebody corrected that."""

    prospect = models.ForeignKey(Prospect, on_delete=models.PROTECT, related_name="+")
    message = models.ForeignKey(Message, null=True, on_delete=models.PROTECT, related_name="+")
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="+")
    sender = models.CharField(max_length=254)
    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    reply_class = models.CharField(max_length=20, blank=True)
    received_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    machine_class = models.CharField(max_length=20, blank=True, default="", db_default="")
    relabelled_at = models.DateTimeField(null=True, blank=True, help_text="Database time")
    relabelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,  # nobody asks for it, and few people who correct answers are ever deleted
    )

    class Meta:
        verbose_name_plural = "replies"
        indexes = [
            models.Index(fields=["prospect", "-id"], name="reply_prospect"),
            models.Index(fields=["-id"], condition=Q(read_at__isnull=True), name="reply_unread"),
            models.Index(fields=["reply_class", "-id"], name="reply_by_class"),
            models.Index(fields=["relabelled_at"], condition=Q(relabelled_at__isnull=False), name="reply_relabelled"),
        ]

    def __str__(self) -> str:
        return f"reply {self.public_id}"
