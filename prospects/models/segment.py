"""A saved filter over prospects, and the fields of one's own that it may ask about."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from outreach.lib.models import PublicModel


class Segment(PublicModel):
    """People by a rule; the JSON form of `filter` is described in `prospects.segments`."""

    name = models.CharField(max_length=100, unique=True)
    filter = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return self.name


class CustomField(PublicModel):
    """A field of one's own, `custom.<name>`, and what it holds; one that is not listed here holds text.

    A number is stored as a JSON number, a date as an ISO 8601 text, yes or no as true or false.
    """

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        BOOLEAN = "boolean", "Yes or no"

    name = models.CharField(max_length=50, unique=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.TEXT)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["text", "number", "date", "boolean"]), name="custom_field_kind_is_known"
            )
        ]

    def __str__(self) -> str:
        return self.name
