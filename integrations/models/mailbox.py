"""A mailbox: how its mail leaves, how its answers come back, how fast, and who is sending from it right now."""

from datetime import date

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from outreach.lib.models import EncryptedTextField, PublicModel

MOST_CONNECTIONS = 64


class Security(models.TextChoices):
    """How a connection is protected."""

    NONE = "none", "None (loopback only)"
    STARTTLS = "starttls", "STARTTLS"
    TLS = "tls", "TLS"


class Service(models.TextChoices):
    """By what its mail leaves: a mail server, or the interface of a service that sends for others."""

    SMTP = "smtp", "A mail server (SMTP)"
    RESEND = "resend", "Resend"
    BREVO = "brevo", "Brevo"
    POSTMARK = "postmark", "Postmark"


class Mailbox(PublicModel):
    """One sender address: its SMTP account, or its key at a service, and its IMAP account."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        RETIRED = "retired", "Retired"

    name = models.CharField(max_length=100)
    from_name = models.CharField(max_length=100)
    from_address = models.EmailField(unique=True)
    service = models.CharField(max_length=10, choices=Service, default=Service.SMTP, db_default=Service.SMTP)
    service_key = EncryptedTextField(blank=True, default="", db_default="")
    smtp_host = models.CharField(max_length=255, blank=True)
    smtp_port = models.PositiveIntegerField(default=587)
    smtp_security = models.CharField(max_length=10, choices=Security, default=Security.STARTTLS)
    smtp_username = models.CharField(max_length=255, blank=True)
    smtp_password = EncryptedTextField(blank=True)
    imap_host = models.CharField(max_length=255)
    imap_port = models.PositiveIntegerField(default=993)
    imap_security = models.CharField(max_length=10, choices=Security, default=Security.TLS)
    imap_username = models.CharField(max_length=255)
    imap_password = EncryptedTextField(blank=True)
    imap_folder = models.CharField(max_length=100, default="INBOX")

    daily_cap = models.PositiveIntegerField(default=50, help_text="Most messages in one UTC day")
    gap_seconds = models.PositiveIntegerField(
        default=90, help_text="Least time between two messages, checked every 5 seconds"
    )
    ramp_start = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Most messages on the first day of a warm-up; empty: none, the daily cap holds from the first day on",
    )
    ramp_step = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="How many more on each day after it"
    )
    ramp_from = models.DateField(null=True, blank=True, help_text="The first day (UTC) of a warm-up")
    domain_cap = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Most messages in one UTC day to the addresses of one domain; empty: no limit",
    )
    connections = models.PositiveSmallIntegerField(
        db_default=1,
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_CONNECTIONS)],
        help_text="At once, to a relay that takes several; only without a gap",
    )
    is_demo = models.BooleanField(default=False, help_text="Reaches loopback only")

    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=500, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True, help_text="Last time a check of both servers succeeded")

    copies_seen_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Last time a copy of our mail was found in its Sent folder"
    )

    imap_uidvalidity = models.BigIntegerField(null=True, editable=False)
    imap_last_uid = models.BigIntegerField(default=0, editable=False)
    polled_at = models.DateTimeField(null=True, editable=False, help_text="Database time of the last complete poll")
    poll_error = models.CharField(max_length=500, blank=True, editable=False)

    send_failures = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Times in a row that its server could not be reached"
    )
    send_error = models.CharField(max_length=500, blank=True, default="", db_default="", editable=False)
    send_again_at = models.DateTimeField(null=True, editable=False, help_text="Business time; nothing is tried before")

    lease_token = models.BigIntegerField(default=0, editable=False, help_text="Grows with each new owner")
    lease_owner = models.CharField(max_length=100, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False, help_text="Database time")

    class Meta:
        verbose_name_plural = "mailboxes"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["active", "paused", "retired"]), name="mailbox_status_is_known"
            ),
            models.CheckConstraint(condition=Q(service__in=Service.values), name="mailbox_service_is_known"),
            models.CheckConstraint(
                condition=Q(ramp_start__isnull=True) | Q(ramp_step__isnull=False, ramp_from__isnull=False),
                name="mailbox_ramp_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(connections__range=(1, MOST_CONNECTIONS)), name="mailbox_connections_in_range"
            ),
            models.CheckConstraint(
                condition=Q(smtp_security__in=Security.values), name="mailbox_smtp_security_is_known"
            ),
            models.CheckConstraint(
                condition=Q(imap_security__in=Security.values), name="mailbox_imap_security_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.from_address}>"

    @property
    def domain(self) -> str:
        """The domain our Message-IDs are made on."""
        return self.from_address.rpartition("@")[2]

    def cap_on(self, day: date) -> int:
        """The most messages on this UTC day: the daily cap, or less while a warm-up has not come that far."""
        if self.ramp_start is None or self.ramp_step is None or self.ramp_from is None:
            return self.daily_cap
        return min(self.daily_cap, self.ramp_start + self.ramp_step * max(0, (day - self.ramp_from).days))

    def pause(self, *, reason: str) -> bool:
        """Stops sending from this mailbox until a person resumes it; False when it was not active."""
        return bool(
            Mailbox.objects.filter(pk=self.pk, status=self.Status.ACTIVE).update(
                status=self.Status.PAUSED, status_reason=reason[:500]
            )
        )

    def stop_reading(self) -> bool:
        """Nobody looks into a retired mailbox any more: its account is closed, say. False when it is not retired."""
        retired = Mailbox.objects.filter(pk=self.pk, status=self.Status.RETIRED)
        return bool(retired.update(imap_host="", poll_error=""))

    def bring_back(self, *, reason: str) -> bool:
        """Takes a retired mailbox back, paused; False when it was not retired.

        Whoever moved to another mailbox stays there; new people get it where a campaign has it again.
        """
        retired = Mailbox.objects.filter(pk=self.pk, status=self.Status.RETIRED)
        return bool(retired.update(status=self.Status.PAUSED, status_reason=reason[:500]))

    def resume(self) -> bool:
        """Takes a paused mailbox back into service; False when it was not paused."""
        return bool(
            Mailbox.objects.filter(pk=self.pk, status=self.Status.PAUSED).update(
                status=self.Status.ACTIVE, status_reason="", send_failures=0, send_error="", send_again_at=None
            )
        )
