"""Whether anything is sent: the one switch, the guards, and which mailboxes were looked at when."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from campaigns.models.campaign import Campaign
from integrations.models import Mailbox


class SendingControl(models.Model):
    """A single row, which the gate reads at every mark.

    *Stop all sending* is on while `stopped_at` is set: a person's will. While `held_at` is set a guard holds all
    sending, since a database that was put back or a wrong clock would send twice. `gap_from` is when the database last
    worked before that, `gap_until` when a person settled it: what may have been sent in between is uncertain.
    """

    class Held(models.TextChoices):
        RESTORED = "restored", "The database was put back from a backup"
        UNKNOWN = "unknown", "Perhaps the database was put back from a backup"
        CLOCK = "clock", "The clock is not right"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    stopped_at = models.DateTimeField(null=True, help_text="Database time")
    stop_reason = models.CharField(max_length=200, blank=True)
    stopped_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    ticked_at = models.DateTimeField(null=True, help_text="Database time of the last tick that came through beat")

    installation_id = models.UUIDField(null=True, help_text="Lives outside the database too")
    beats = models.BigIntegerField(default=0, db_default=0, help_text="Counted outside the database too")
    business_at = models.DateTimeField(null=True, help_text="Business time of the last tick")
    held_at = models.DateTimeField(null=True, help_text="Database time")
    held_because = models.CharField(max_length=10, choices=Held, blank=True, default="", db_default="")
    held_note = models.CharField(max_length=200, blank=True, default="", db_default="")
    gap_from = models.DateTimeField(null=True, help_text="Business time")
    gap_until = models.DateTimeField(null=True, help_text="Business time")
    settled_at = models.DateTimeField(null=True, help_text="Database time of a person's word that sending may go on")
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    journal_failed_at = models.DateTimeField(null=True, help_text="Database time: since then opt-outs lack outside")

    class Meta:
        verbose_name_plural = "sending control"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="sending_control_is_one_row")]

    def __str__(self) -> str:
        return "stopped" if self.stopped_at else "held" if self.held_at else "on"

    @property
    def is_off(self) -> bool:
        """Whether nothing is sent, by a person's will or by a guard's."""
        return bool(self.stopped_at or self.held_at)


class _Asked(models.Model):
    """What a person asked for and no answer can wait for: a tick does it in pieces, `done` says how far it is."""

    asked_at = models.DateTimeField(help_text="Business time")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    done = models.JSONField(default=dict)
    finished_at = models.DateTimeField(null=True, help_text="Database time")

    class Meta:
        abstract = True


class Errand(_Asked):
    """Something that is asked for of the whole installation, one of a kind at a time."""

    class Kind(models.TextChoices):
        SETTLE = "settle", "After the database was put back"
        RELEASE = "release", "Mails that were due while nothing was sent"

    kind = models.CharField(max_length=10, choices=Kind)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(finished_at=None), name="errand_one_at_a_time")
        ]

    def __str__(self) -> str:
        return f"{self.kind}, asked {self.asked_at:%Y-%m-%d %H:%M}"


class CampaignErrand(_Asked):
    """Something that is asked for of a campaign, one thing at a time; until it is done nobody of it is planned, and
    nothing of it is handed over.
    """

    class Kind(models.TextChoices):
        LAUNCH = "launch", "Whoever a launch is for comes in"
        PUBLISH = "publish", "Whoever is under way goes on in a new version"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign"], condition=Q(finished_at=None), name="campaign_errand_once")
        ]
        indexes = [models.Index(fields=["campaign"], name="campaign_errand_campaign")]

    def __str__(self) -> str:
        return f"{self.kind}, asked {self.asked_at:%Y-%m-%d %H:%M}"


class MailboxRound(models.Model):
    """What its last owner did with a mailbox.

    `looked_at` is when it looked for what is due: what fell due since then was due while nothing was sent. `claimed` is
    what it composes and has not marked, which a worker that died may have died of.
    """

    mailbox = models.OneToOneField(Mailbox, primary_key=True, on_delete=models.CASCADE, related_name="+")
    looked_at = models.DateTimeField(help_text="Business time, to the minute")
    claimed = ArrayField(models.BigIntegerField(), default=list, db_default=[])

    def __str__(self) -> str:
        return f"{self.mailbox_id}: {self.looked_at}"
