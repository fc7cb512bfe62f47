"""What an import did."""

from django.conf import settings
from django.db import models
from django.db.models import Q, Value

from outreach.lib.models import PublicModel


class ImportBatch(PublicModel):
    """One run of one file: how its columns were read and what became of its rows."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Waiting for its columns"
        QUEUED = "queued", "Waiting to run"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    file_name = models.CharField(max_length=255)
    mapping = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    error = models.CharField(max_length=500, blank=True)
    options = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()), help_text="How the file is to be read: source and tags"
    )
    bytes_total = models.BigIntegerField(default=0, db_default=0)
    bytes_done = models.BigIntegerField(default=0, db_default=0)
    records_done = models.PositiveIntegerField(
        default=0, db_default=0, help_text="A run that was cut off goes on behind them"
    )
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    researched = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Rows without a person, kept as sites to research"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    finished_at = models.DateTimeField(null=True)
    undo_asked_at = models.DateTimeField(null=True)
    undo = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), help_text="What its undo did")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name_plural = "import batches"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["uploaded", "queued", "running", "done", "failed"]),
                name="import_status_is_known",
            )
        ]

    def __str__(self) -> str:
        return self.file_name


class ImportChunk(models.Model):
    """A piece of an uploaded file, kept until its import is done: web and worker may be different machines."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="import_chunk_once")]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.number}"


class ImportChange(models.Model):
    """What an import changed of somebody who was known: the fields as they were before, for its undo."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="changes")
    prospect = models.ForeignKey("prospects.Prospect", on_delete=models.CASCADE, related_name="+")
    before = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.prospect_id}"


class SavedMapping(PublicModel):
    """Columns and what they mean, kept under a name for the next file of the same kind."""

    name = models.CharField(max_length=100, unique=True)
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return self.name


class ImportRow(models.Model):
    """A rejected row: its sheet and line in the file, why, and what it said."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="rows")
    sheet = models.CharField(max_length=100, blank=True, db_default="")
    line = models.PositiveIntegerField()
    reason = models.CharField(max_length=300)
    values = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "sheet", "line"], name="import_row_once")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
