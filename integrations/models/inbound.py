"""What arrived, raw, stored once and applied later."""

from django.db import models
from django.db.models import Q

from integrations.models.mailbox import Mailbox
from outreach.lib.models import DatabaseClock


class InboundEvent(models.Model):
    """One mail or one verified request as it came. A tick in campaigns reads it and sets `applied_at`.

    `error` says why one could not be read; it is parked with its raw bytes and the next one goes on.
    """

    source = models.CharField(max_length=30)
    mailbox = models.ForeignKey(Mailbox, null=True, on_delete=models.PROTECT, related_name="+")
    uidvalidity = models.BigIntegerField(null=True)
    uid = models.BigIntegerField(null=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the raw bytes")
    raw = models.BinaryField()
    stored_at = models.DateTimeField(db_default=DatabaseClock(), editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often applying it was begun")
    applied_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "uidvalidity", "uid"], name="inbound_mail_once"),
            models.UniqueConstraint(
                fields=["source", "digest"], condition=Q(mailbox__isnull=True), name="inbound_request_once"
            ),
            models.CheckConstraint(
                condition=Q(mailbox__isnull=True) | Q(uid__isnull=False, uidvalidity__isnull=False),
                name="inbound_mail_has_uid",
            ),
        ]
        indexes = [models.Index(fields=["stored_at"], condition=Q(applied_at__isnull=True), name="inbound_waiting")]

    def __str__(self) -> str:
        return f"{self.source} {self.digest[:12]}"
