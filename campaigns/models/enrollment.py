"""A person in a campaign, and the decisions made about them."""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from campaigns.models.campaign import Campaign, SequenceVersion
from integrations.models import Mailbox
from outreach.lib.models import DatabaseClock, PublicModel
from prospects.models import Prospect


class Enrollment(PublicModel):
    """One person's way through one campaign.

    `next_step_key` is the step to plan next, due at `due_at`; the planner looks at `look_at`, which is empty while a
    message is open and once the way has ended.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        FINISHED = "finished", "Finished"
        STOPPED = "stopped", "Stopped"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    prospect = models.ForeignKey(Prospect, on_delete=models.PROTECT, related_name="+", db_index=False)
    sequence_version = models.ForeignKey(SequenceVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    mailbox = models.ForeignKey(Mailbox, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    stop_reason = models.CharField(max_length=30, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Database time")
    next_step_key = models.CharField(max_length=32, blank=True)
    steps_handed_over = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    look_at = models.DateTimeField(null=True, blank=True)
    enrolled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "prospect"], name="enrollment_once"),
            models.CheckConstraint(
                condition=Q(state__regex="^(active|finished|stopped)$"), name="enrollment_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="active") | Q(look_at__isnull=True), name="enrollment_ended_is_not_looked_at"
            ),
        ]
        indexes = [
            models.Index(
                fields=["mailbox", "campaign", "look_at", "id"],
                condition=Q(look_at__isnull=False, steps_handed_over=0),
                name="enrollment_turn_new",
            ),
            models.Index(
                fields=["mailbox", "campaign", "look_at", "id"],
                condition=Q(look_at__isnull=False, steps_handed_over__gt=0),
                name="enrollment_turn_follow_up",
            ),
            models.Index(fields=["prospect"], name="enrollment_prospect"),
            models.Index(fields=["campaign", "state", "stop_reason", "id"], name="enrollment_standing"),
            models.Index(fields=["prospect"], condition=Q(steps_handed_over__gt=0), name="enrollment_written"),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="enrollment_ended"),
            BrinIndex(fields=["sequence_version", "mailbox", "enrolled_by"], name="enrollment_origin_brin"),
        ]

    def __str__(self) -> str:
        return f"enrollment {self.public_id}"


class Decision(models.Model):
    """Why something was not sent, or not yet. Stored when rule or values differ from the last one."""

    class Verdict(models.TextChoices):
        WAIT = "wait", "Wait"
        HOLD = "hold", "Hold"
        SKIP = "skip", "Skip"
        STOP = "stop", "Stop"

    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="+")
    step_key = models.CharField(max_length=32)
    verdict = models.CharField(max_length=10, choices=Verdict)
    rule = models.CharField(max_length=50)
    values = models.JSONField(default=dict)
    decided_at = models.DateTimeField(help_text="Business time")
    recorded_at = models.DateTimeField(db_default=DatabaseClock(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["enrollment", "-id"], name="decision_latest")]

    def __str__(self) -> str:
        return f"{self.verdict}: {self.rule}"
