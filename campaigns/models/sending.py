"""The one switch over all sending."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class SendingControl(models.Model):
    """A single row: *Stop all sending* is on while `stopped_at` is set. The gate reads it at every mark."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    stopped_at = models.DateTimeField(null=True, help_text="Database time")
    stop_reason = models.CharField(max_length=200, blank=True)
    stopped_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    ticked_at = models.DateTimeField(null=True, help_text="Database time of the last tick that came through beat")

    class Meta:
        verbose_name_plural = "sending control"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="sending_control_is_one_row")]

    def __str__(self) -> str:
        return "stopped" if self.stopped_at else "on"
