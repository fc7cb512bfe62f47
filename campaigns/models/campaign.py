"""A campaign and the versions of its sequence."""

from datetime import time

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from integrations.models import Mailbox
from outreach.lib.models import DatabaseClock, PublicModel
from prospects.models import Program, Segment
from templates.models import Channel, TemplateVersion

WORKDAYS = [1, 2, 3, 4, 5]


def workdays() -> list[int]:
    """Monday to Friday as ISO weekdays."""
    return list(WORKDAYS)


class Goal(models.TextChoices):
    """What a campaign is there for: who reaches it is finished, and gets no further step."""

    JOINED = "joined", "They joined the program"
    POSITIVE_REPLY = "positive_reply", "They answered that they are interested"


def every_goal() -> list[str]:
    """All of them."""
    return list(Goal.values)


class Campaign(PublicModel):
    """Who gets which sequence, from which mailbox, in whose name."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        ARCHIVED = "archived", "Archived"

    name = models.CharField(max_length=100, unique=True)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="+")
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, related_name="+")
    mailbox = models.ForeignKey(Mailbox, on_delete=models.PROTECT, related_name="+")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="For prospects whose zone is not known")
    skip_holidays = models.BooleanField(
        default=True, db_default=True, help_text="Nobody is written to on a public holiday of their country"
    )
    quiet_dates = ArrayField(
        models.DateField(), default=list, db_default=[], blank=True, help_text="Days on which nobody is written to"
    )
    goals = ArrayField(
        models.CharField(max_length=20, choices=Goal),
        default=every_goal,
        db_default=Goal.values,
        blank=True,
        help_text="Whoever reaches one of these is finished",
    )
    more_mailboxes = models.ManyToManyField(Mailbox, through="CampaignMailbox", related_name="+")
    daily_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Most messages of one UTC day over all its mailboxes, follow-ups included; empty: no limit",
    )
    one_per_site = models.BooleanField(
        default=False, db_default=False, help_text="Of each site one person at a time, the best first"
    )
    audience_is_live = models.BooleanField(
        default=False, db_default=False, help_text="Whoever matches the segment later comes in too, day by day"
    )
    live_daily_cap = models.PositiveIntegerField(
        default=50, db_default=50, help_text="New people of a live audience in a day"
    )
    live_grown_on = models.DateField(
        null=True, blank=True, editable=False, help_text="UTC day on which a live audience last grew"
    )
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    state_reason = models.CharField(max_length=200, blank=True)
    is_demo = models.BooleanField(default=False)
    rehearsal_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="rehearsals")
    rehearsal_to = models.CharField(
        max_length=254, blank=True, default="", db_default="", help_text="Every message of a rehearsal goes here"
    )
    launched_at = models.DateTimeField(null=True, blank=True)
    first_batch = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="So many people get their first message, the others wait for a word; empty: nobody waits",
    )
    released_at = models.DateTimeField(
        null=True, blank=True, help_text="Business time at which those who waited behind the first batch were let go"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    launched_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "running", "paused", "archived"]), name="campaign_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(rehearsal_of__isnull=True, rehearsal_to="")
                | (Q(rehearsal_of__isnull=False) & ~Q(rehearsal_to="")),
                name="campaign_rehearsal_has_address",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def current_version(self) -> "SequenceVersion":
        """The newest version of the sequence, published or still being written. Raises SequenceVersion.DoesNotExist."""
        return self.sequence_versions.order_by("-number")[:1].get()

    def live_version(self) -> "SequenceVersion":
        """The newest version that was published: what runs. Raises SequenceVersion.DoesNotExist."""
        return self.sequence_versions.filter(published_at__isnull=False).order_by("-number")[:1].get()


class CampaignMailbox(models.Model):
    """A further mailbox of a campaign: new people are shared out among all of them, and stay with theirs."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+", db_index=False)
    mailbox = models.ForeignKey(Mailbox, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "mailbox"], name="campaign_mailbox_once")]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.mailbox}"


class SequenceVersion(models.Model):
    """The list of steps as it was at one time; frozen once `published_at` is set.

    A launch publishes the first. A later one says who moves to it (`audience`); who was in a worker's hand then is in
    `behind`, and follows when that hand-over is settled. `counts` says what its publication did to how many people.
    """

    class Audience(models.TextChoices):
        EVERYBODY = "everybody", "Everybody under way goes on in it"
        NEW_PEOPLE = "new_people", "Only people who are enrolled from now on"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="sequence_versions")
    number = models.PositiveIntegerField(default=1)
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    audience = models.CharField(
        max_length=10, choices=Audience, default=Audience.EVERYBODY, db_default=Audience.EVERYBODY
    )
    reaches_finished = models.BooleanField(
        default=False, db_default=False, help_text="Whoever had finished got the steps that were added at the end"
    )
    behind = ArrayField(models.BigIntegerField(), default=list, db_default=[], help_text="Enrollments that follow")
    counts = models.JSONField(default=dict, db_default={}, help_text="People, by what its publication did")
    created_at = models.DateTimeField(db_default=DatabaseClock(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="sequence_version_number_once"),
            models.CheckConstraint(
                condition=Q(audience__in=["everybody", "new_people"]), name="sequence_version_audience_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} v{self.number}"


class DelayUnit(models.TextChoices):
    """Units of a step's delay; a day is a calendar day in the prospect's zone."""

    MINUTES = "minutes", "Minutes"
    HOURS = "hours", "Hours"
    DAYS = "days", "Days"
    BUSINESS_DAYS = "business_days", "Business days"


class Step(PublicModel):
    """One step: how long after the hand-over before, in which window, for whom. `key` stays the same across versions.

    `condition` is a segment's rule; whoever is not in it when the step is due skips the step.
    """

    sequence_version = models.ForeignKey(SequenceVersion, on_delete=models.PROTECT, related_name="steps")
    key = models.CharField(max_length=32)
    position = models.PositiveIntegerField()
    channel = models.CharField(max_length=20, choices=Channel, default=Channel.EMAIL)
    delay = models.PositiveIntegerField(default=0)
    delay_unit = models.CharField(max_length=20, choices=DelayUnit, default=DelayUnit.DAYS)
    window_start = models.TimeField(default=time(9))
    window_end = models.TimeField(default=time(17), help_text="00:00 is midnight at the end of the day")
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=workdays, help_text="ISO: 1 is Monday")
    condition = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="A segment's rule; empty: everybody"
    )
    needs_approval = models.BooleanField(
        default=False, db_default=False, help_text="Each message waits until a person has read and approved it"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sequence_version", "key"], name="step_key_once"),
            models.UniqueConstraint(
                fields=["sequence_version", "position"],
                name="step_position_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(condition=Q(delay_unit__in=DelayUnit.values), name="step_delay_unit_is_known"),
            models.CheckConstraint(condition=Q(weekdays__len__gt=0), name="step_has_a_weekday"),
            models.CheckConstraint(
                condition=Q(window_end__gt=F("window_start")) | Q(window_end=time(0)), name="step_window_is_open"
            ),
        ]

    def __str__(self) -> str:
        return f"step {self.position} ({self.key})"


class Arm(models.Model):
    """What a step says. One arm now; several make an experiment."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="arms")
    name = models.CharField(max_length=50, default="A")
    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["step", "name"], name="arm_name_once")]

    def __str__(self) -> str:
        return f"{self.step} {self.name}"


class StepDraft(models.Model):
    """What a draft's step is about to say: saved as it is typed, right or wrong; a launch publishes it."""

    step = models.OneToOneField(Step, primary_key=True, on_delete=models.CASCADE, related_name="draft")
    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    saved_at = models.DateTimeField(db_default=DatabaseClock())

    def __str__(self) -> str:
        return f"draft of {self.step}"
