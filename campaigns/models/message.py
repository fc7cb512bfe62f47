"""The ledger: one row for each message that was ever planned."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q

from campaigns.models.campaign import Arm, Campaign, Step
from campaigns.models.enrollment import Enrollment
from integrations.models import Mailbox
from outreach.lib.models import DatabaseClock, PublicModel
from prospects.models import Prospect
from templates.models import TemplateVersion


class Message(PublicModel):
    """One step for one person. planned ever = sent + refused + cancelled + uncertain + abandoned + pending.

    `why` is the decision that planned it. `marked_at` is the database's time of the mark that began the hand-over,
    `handed_over_at` the business time at which it began, by the worker's clock.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        SENDING = "sending", "Being handed over"
        SENT = "sent", "Sent"
        REFUSED = "refused", "Refused"
        UNCERTAIN = "uncertain", "Not sure whether it was sent"
        ABANDONED = "abandoned", "Given up, not sure whether it was sent"
        CANCELLED = "cancelled", "Cancelled"

    BEGUN = (State.SENDING, State.SENT, State.REFUSED, State.UNCERTAIN, State.ABANDONED)
    """States in which a message counts against its mailbox's daily cap, on the day of `handed_over_at`."""

    class Outcome(models.TextChoices):
        """What happened after the hand-over: a lattice, the later member wins over the earlier whatever came first."""

        NONE = "", "Nothing heard"
        DELIVERED = "delivered", "Delivered"
        BOUNCED_SOFT = "bounced_soft", "Bounced for now"
        BOUNCED = "bounced", "Bounced for good"
        COMPLAINED = "complained", "Complained"

    class Awaits(models.TextChoices):
        """What a person has to do before a planned message can have a slot."""

        NOTHING = "", "Nothing"
        APPROVAL = "approval", "Somebody reads and approves it"
        TASK = "task", "Somebody does it"

    # Every state writes into every index. Four keys have one that begins with them (see Meta); for three nobody asks,
    # but PostgreSQL when their row is deleted.
    enrollment = models.ForeignKey(Enrollment, on_delete=models.PROTECT, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    prospect = models.ForeignKey(Prospect, on_delete=models.PROTECT, related_name="+", db_index=False)
    mailbox = models.ForeignKey(Mailbox, on_delete=models.PROTECT, related_name="+", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="+", db_index=False)
    step_key = models.CharField(max_length=32)
    arm = models.ForeignKey(Arm, on_delete=models.PROTECT, related_name="+", db_index=False)
    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="+", db_index=False)

    recipient = models.CharField(max_length=254)
    recipient_key = models.CharField(max_length=64)
    contact_keys = ArrayField(models.CharField(max_length=300))
    message_id = models.CharField(max_length=255, unique=True, help_text="With angle brackets (RFC 5322 section 3.6.4)")
    is_follow_up = models.BooleanField()

    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    send_at = models.DateTimeField(null=True, help_text="The slot, business time; none while it waits for a person")
    awaits = models.CharField(max_length=8, choices=Awaits, blank=True, default=Awaits.NOTHING, db_default="")
    overdue_at = models.DateTimeField(null=True, help_text="Business time at which it was set aside as overdue")
    why = models.JSONField(default=dict)
    planned_at = models.DateTimeField(help_text="Business time")
    lease_token = models.BigIntegerField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    worker_deaths = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Workers that may have died of it (campaigns.suspects)"
    )
    marked_at = models.DateTimeField(null=True)
    handed_over_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=300, blank=True)

    smtp_phase = models.CharField(max_length=10, blank=True)
    smtp_code = models.PositiveSmallIntegerField(default=0)
    smtp_status = models.CharField(max_length=12, blank=True)
    smtp_reply = models.CharField(max_length=500, blank=True)

    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.NONE, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrollment", "step_key"], name="message_step_once"),
            models.UniqueConstraint(fields=["campaign", "step_key", "recipient_key"], name="message_recipient_once"),
            models.CheckConstraint(
                # A list of texts costs PostgreSQL ten times as much, in each statement.
                condition=Q(state__regex="^(planned|sending|sent|refused|uncertain|abandoned|cancelled)$"),
                name="message_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(lease_token__isnull=False), name="message_in_hand_has_lease"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sending", "sent"]) | Q(marked_at__isnull=False), name="message_sent_was_marked"
            ),
            models.CheckConstraint(
                condition=Q(send_at__isnull=False) | ~Q(awaits=""), name="message_has_slot_or_waits"
            ),
        ]
        indexes = [
            models.Index(fields=["mailbox", "send_at"], condition=Q(state="planned"), name="message_queue"),
            models.Index(fields=["mailbox"], condition=Q(state="sending"), name="message_sending"),
            models.Index(
                fields=["mailbox"], condition=Q(state="planned", overdue_at__isnull=False), name="message_overdue"
            ),
            models.Index(fields=["mailbox"], condition=Q(worker_deaths__gt=0), name="message_suspect"),
            models.Index(fields=["campaign", "send_at"], condition=Q(state="planned"), name="message_campaign_next"),
            models.Index(
                fields=["planned_at", "id"], condition=Q(state="planned") & ~Q(awaits=""), name="message_awaits"
            ),
            models.Index(fields=["handed_over_at", "mailbox"], name="message_begun"),
            models.Index(fields=["prospect"], name="message_prospect"),
            models.Index(fields=["mailbox", "recipient_key"], name="message_recipient"),
            models.Index(fields=["planned_at"], condition=Q(state="uncertain"), name="message_uncertain"),
            GinIndex(fields=["contact_keys"], condition=Q(state="planned"), name="message_stopped_by"),
            BrinIndex(fields=["created_at"], name="message_created_brin"),
            BrinIndex(fields=["step", "arm", "template_version"], name="message_content_brin"),
        ]

    def __str__(self) -> str:
        return f"message {self.public_id}"

    @property
    def expected_at(self) -> datetime:
        """Its slot; of one that waits for a person, since when it does."""
        return self.send_at or self.planned_at


class PersonalText(models.Model):
    """What somebody wrote for one person instead of the template's words; the ledger keeps it once it is sent."""

    message = models.OneToOneField(Message, primary_key=True, on_delete=models.CASCADE, related_name="+")
    subject = models.TextField(blank=True)
    text = models.TextField()
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    written_at = models.DateTimeField(help_text="Business time")

    def __str__(self) -> str:
        return f"text for {self.message}"


class TrackedLink(models.Model):
    """A link of a template version; a mailed link names this row, never an address."""

    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="+")
    url = models.CharField(max_length=2000)
    created_at = models.DateTimeField(db_default=DatabaseClock(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template_version", "url"], name="tracked_link_once")]

    def __str__(self) -> str:
        return self.url
