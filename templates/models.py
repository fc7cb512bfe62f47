"""Message templates: a name that goes on, versions that never change."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from outreach.lib.models import PublicModel


class Channel(models.TextChoices):
    """How a message reaches a person."""

    EMAIL = "email", "Email"
    TASK = "task", "Task for a person"


class Template(PublicModel):
    """A message under a name; what it says is in its versions, the newest of which counts."""

    name = models.CharField(max_length=100, unique=True)
    channel = models.CharField(max_length=20, choices=Channel, default=Channel.EMAIL)
    archived_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    def current_version(self) -> "TemplateVersion":
        """The newest version. Raises TemplateVersion.DoesNotExist when nothing was published."""
        return self.versions.order_by("-number")[:1].get()


class TemplateVersion(PublicModel):
    """What was written at one time. Immutable: a trigger in the database refuses every change."""

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=500, blank=True, help_text="Empty: a follow-up keeps its thread's subject")
    text = models.TextField()
    html = models.TextField(blank=True)
    language = models.CharField(max_length=10, default="en")
    variables = ArrayField(models.CharField(max_length=100), default=list, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="template_version_number_once")]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Adds a new version. Raises TypeError on an existing one."""
        if not self._state.adding:
            raise TypeError("A template version never changes: publish a new one.")
        super().save(*args, **kwargs)
