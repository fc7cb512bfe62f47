"""Whom we never write to."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from outreach.lib.models import PublicModel


class Suppression(PublicModel):
    """One address or domain that gets no mail. `key` is what the gate compares (see `prospects.identity`).

    `value` is for people's eyes and may be empty when only the hash is kept.
    """

    class Kind(models.TextChoices):
        ADDRESS = "address", "Address"
        DOMAIN = "domain", "Domain"

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
        BOUNCED = "bounced", "Bounced for good"
        COMPLAINED = "complained", "Complained"
        DECLINED = "declined", "Asked us to stop"
        MANUAL = "manual", "Added by hand"
        IMPORTED = "imported", "Imported"

    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=300, unique=True, editable=False)
    value = models.CharField(max_length=254, blank=True)
    reason = models.CharField(max_length=20, choices=Reason)
    source = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["address", "domain"]), name="suppression_kind_is_known")
        ]

    def __str__(self) -> str:
        return self.value or self.key
