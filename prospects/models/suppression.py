"""Whom we never write to."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from outreach.lib.models import PublicModel


class Suppression(PublicModel):
    """One address, domain, X handle or LinkedIn page that gets no message. `key` is what the gate compares.

    `value` is for people's eyes and is empty when only the hash is kept. What a person asked for never expires.
    See `prospects.identity`.
    """

    class Kind(models.TextChoices):
        ADDRESS = "address", "Address"
        DOMAIN = "domain", "Domain"
        X = "x", "X handle"
        LINKEDIN = "linkedin", "LinkedIn page"

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
        BOUNCED = "bounced", "Bounced for good"
        COMPLAINED = "complained", "Complained"
        DECLINED = "declined", "Asked us to stop"
        MANUAL = "manual", "Added by hand"
        IMPORTED = "imported", "Imported"
        ERASED = "erased", "Erased on request"

    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=300, unique=True, editable=False)
    value = models.CharField(max_length=254, blank=True)
    reason = models.CharField(max_length=20, choices=Reason)
    source = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When it is taken off the list; empty: never")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["address", "domain", "x", "linkedin"]), name="suppression_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(reason__in=["bounced", "manual", "imported"]),
                name="suppression_asked_for_never_expires",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="suppression_expires")
        ]

    def __str__(self) -> str:
        return self.value or self.key
