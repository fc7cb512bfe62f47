"""Numbers that pages read, rebuilt by a tick: the ledger stays the only truth."""

from django.db import models

from campaigns.models.campaign import Campaign


class DailyCount(models.Model):
    """What one step of one campaign did on one UTC day: hand-overs by their own day, what came back by its day."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    step_key = models.CharField(max_length=32)
    day = models.DateField()
    sent = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    uncertain = models.PositiveIntegerField(default=0)
    bounced = models.PositiveIntegerField(default=0)
    complained = models.PositiveIntegerField(default=0)
    clicked = models.PositiveIntegerField(default=0, help_text="Messages clicked by a person")
    replied = models.PositiveIntegerField(default=0)
    positive = models.PositiveIntegerField(default=0, help_text="Replies that say yes")
    unsubscribed = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "step_key", "day"], name="daily_count_once")]
        indexes = [models.Index(fields=["day"], name="daily_count_day")]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.step_key} {self.day}"


class CampaignCount(models.Model):
    """Where a campaign's people stand, and when that was counted."""

    campaign = models.OneToOneField(Campaign, primary_key=True, on_delete=models.CASCADE, related_name="count")
    enrolled = models.PositiveIntegerField(default=0)
    active = models.PositiveIntegerField(default=0)
    not_begun = models.PositiveIntegerField(default=0, help_text="Active, and nothing handed over yet")
    finished = models.PositiveIntegerField(default=0)
    stopped = models.JSONField(default=dict, help_text="How many ended by each reason")
    planned = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.enrolled}"


class CountCursor(models.Model):
    """A single row: up to which event, and which correction of an answer, the counts have been rebuilt."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last_event_id = models.BigIntegerField(default=0)
    relabelled_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="count_cursor_is_one_row")]

    def __str__(self) -> str:
        return str(self.last_event_id)


class KeptForecast(models.Model):
    """What a campaign was foretold to do, and when somebody last wanted to know: a tick makes those that are asked for.

    `facts` is a forecast as `forecast.foretelling` writes it, with keys of people and mailboxes and no more of them.
    """

    campaign = models.OneToOneField(Campaign, primary_key=True, on_delete=models.CASCADE, related_name="+")
    asked_at = models.DateTimeField(null=True, help_text="Business time; empty when nobody waits for a newer one")
    made_at = models.DateTimeField(null=True, help_text="Business time")
    facts = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["asked_at"], condition=models.Q(asked_at__isnull=False), name="forecast_asked"),
        ]

    def __str__(self) -> str:
        return f"forecast of {self.campaign_id}"
