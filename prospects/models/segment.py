"""A saved filter over prospects."""

from django.conf import settings
from django.db import models

from outreach.lib.models import PublicModel


class Segment(PublicModel):
    """People by a rule; the JSON form of `filter` is described in `prospects.segments`."""

    name = models.CharField(max_length=100, unique=True)
    filter = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return self.name
