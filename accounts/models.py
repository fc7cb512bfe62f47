"""People who log in, keys for programs, and remembered answers."""

from datetime import datetime
from typing import Any

import pghistory
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q

from outreach.lib import history
from outreach.lib.models import DatabaseClock, PublicModel


class Role(models.TextChoices):
    """What somebody may do; each role may do all that the one before it may."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    MANAGER = "manager", "Manager"
    ADMINISTRATOR = "administrator", "Administrator"

    def covers(self, needed: "Role") -> bool:
        """True when this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class User(AbstractUser):
    """A person of the organisation. What they may do follows from `role` alone."""

    role = models.CharField(max_length=20, choices=Role, default=Role.VIEWER)
    time_zone = models.CharField(max_length=64, default="UTC")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_is_known")]

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class ApiKey(PublicModel):
    """A program's key. Only its hash is kept; the key itself is shown once, when it is made."""

    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=Role, default=Role.VIEWER)
    prefix = models.CharField(max_length=12, unique=True)
    key_hash = models.CharField(max_length=64)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        constraints = [models.CheckConstraint(condition=Q(role__in=Role.values), name="apikey_role_is_known")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Installation(models.Model):
    """A single row: since when this installation is used for real. Until then it shows the demo world."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    real_since = models.DateTimeField(null=True, help_text="The demo world was removed; database time")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_is_one_row")]

    def __str__(self) -> str:
        return f"in use since {self.real_since}" if self.real_since else "demo world"


class IdempotentAnswer(models.Model):
    """The answer given to a POST with an `Idempotency-Key`: a repeat gets it again instead of a second effect."""

    caller = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body: Any = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=DatabaseClock(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="idempotent_answer_once")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"

    @classmethod
    def forget(cls, *, before: datetime) -> int:
        """Deletes answers older than `before`; their keys may be used anew. Returns how many."""
        return cls.objects.filter(created_at__lt=before).delete()[0]


class UserEvent(pghistory.create_event_model(User, *history.every_change(), fields=["username", "role", "is_active"])):  # type: ignore[misc]
    """What somebody was allowed before a change."""
