"""Who is the same person: further addresses, pairs that look alike, and rows that were merged."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from outreach.lib.models import PublicModel
from prospects.models.people import Prospect


class Address(models.Model):
    """An address of a person besides the one that is written to; a stop of any of them is a stop of the person."""

    class State(models.TextChoices):
        ALIAS = "alias", "Another address"
        DEAD = "dead", "No longer in use"

    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="addresses")
    email = models.CharField(max_length=254)
    key = models.CharField(max_length=64, unique=True, editable=False, help_text="As Prospect.identity_key")
    state = models.CharField(max_length=10, choices=State, default=State.ALIAS)

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["alias", "dead"]), name="address_state_is_known"),
        ]

    def __str__(self) -> str:
        return self.email


class Merge(PublicModel):
    """`merged` is the same person as `survivor`. Nobody writes to either until campaigns has applied it.

    `before` holds what the survivor's fields were, so that an undo gives back what the merge filled in. An undo
    never lifts a stop.
    """

    survivor = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="+")
    merged = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=200)
    before = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merged"], condition=Q(undone_at=None), name="merge_once"),
            models.CheckConstraint(condition=~Q(survivor=F("merged")), name="merge_is_of_two"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(applied_at=None), name="merge_unapplied")]

    def __str__(self) -> str:
        return f"{self.merged_id} into {self.survivor_id}"


class Duplicate(PublicModel):
    """Two rows that look like one person, with why and how likely (0 to 1); a person decides."""

    first = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=200)
    score = models.FloatField()
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_in_order"),
        ]
        indexes = [models.Index(fields=["-score", "id"], condition=Q(dismissed_at=None), name="duplicate_open")]

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}"
