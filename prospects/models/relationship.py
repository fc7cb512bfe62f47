"""What is kept about a relationship besides the person: notes, files, the stage in a program, what they did."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from outreach.lib.models import DatabaseClock, PublicModel
from prospects.models.people import Program, Prospect


class Note(PublicModel):
    """What somebody here wrote down about a person."""

    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["prospect", "-id"], name="note_prospect")]

    def __str__(self) -> str:
        return self.text[:50]


class File(PublicModel):
    """A document about a person, kept in the database so that one backup holds everything."""

    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveIntegerField(help_text="Bytes")
    data = models.BinaryField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["prospect", "-id"], name="file_prospect")]

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """How far a person has come in a program; no row means identified."""

    class Name(models.TextChoices):
        IDENTIFIED = "identified", "Identified"
        CONTACTED = "contacted", "Contacted"
        REPLIED = "replied", "Replied"
        NEGOTIATING = "negotiating", "Negotiating"
        JOINED = "joined", "Joined"
        SELLING = "selling", "Selling"
        DECLINED = "declined", "Declined"
        UNREACHABLE = "unreachable", "Unreachable"

    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="stages")
    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=12, choices=Name)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prospect", "program"], name="stage_once"),
            models.CheckConstraint(
                condition=Q(
                    name__in=[
                        *("identified", "contacted", "replied", "negotiating", "joined", "selling"),
                        *("declined", "unreachable"),
                    ]
                ),
                name="stage_is_known",
            ),
        ]
        indexes = [models.Index(fields=["program", "name", "prospect"], name="stage_program")]

    def __str__(self) -> str:
        return f"{self.prospect_id}: {self.name}"


class StageChange(models.Model):
    """A step from one stage to another: who, when and why. Nobody in `changed_by` is the system."""

    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="stage_changes")
    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="+")
    old = models.CharField(max_length=12, choices=Stage.Name)
    new = models.CharField(max_length=12, choices=Stage.Name)
    why = models.CharField(max_length=200)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["prospect", "-id"], name="stage_change_prospect")]

    def __str__(self) -> str:
        return f"{self.prospect_id}: {self.old} to {self.new}"


class Engagement(models.Model):
    """When a person was last written to and what they did last; campaigns writes it, segments read it. UTC."""

    prospect = models.OneToOneField(Prospect, primary_key=True, on_delete=models.CASCADE, related_name="engagement")
    contacted_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    replied_at = models.DateTimeField(null=True)
    bounced_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["contacted_at"], name="engagement_contacted"),
            models.Index(fields=["replied_at"], name="engagement_replied"),
            models.Index(fields=["clicked_at"], name="engagement_clicked"),
        ]

    def __str__(self) -> str:
        return str(self.prospect_id)


class PrivacyRecord(models.Model):
    """That something was told or taken away about a person: kept without saying who, so that it outlives them."""

    class Action(models.TextChoices):
        EXPORTED = "exported", "Exported"
        PROVED = "proved", "Proof file made"
        ERASED = "erased", "Erased"
        RETENTION = "retention", "Erased by the retention rule"

    action = models.CharField(max_length=10, choices=Action)
    subject = models.UUIDField(help_text="The public id of the person's row")
    reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField(db_default=DatabaseClock(), editable=False)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(action__in=["exported", "proved", "erased", "retention"]), name="privacy_action_is_known"
            )
        ]
        indexes = [models.Index(fields=["subject"], name="privacy_subject")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
