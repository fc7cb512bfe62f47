"""How message templates look outside."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from outreach.lib.endpoints import StrictModelSerializer, StrictSerializer
from templates.models import Channel, Template, TemplateVersion


class ContentSerializer(StrictSerializer):
    """What a version says; checked by the verb, which names every unknown variable at once."""

    subject = serializers.CharField(max_length=500, allow_blank=True, default="", help_text="Empty in a follow-up")
    text = serializers.CharField(trim_whitespace=False)
    html = serializers.CharField(allow_blank=True, default="", trim_whitespace=False)
    language = serializers.CharField(max_length=10, default="en")


class TemplateVersionSerializer(StrictModelSerializer[TemplateVersion]):
    class Meta:
        model = TemplateVersion
        fields = ["id", "number", "subject", "text", "html", "language", "variables", "created_at"]
        read_only_fields = fields


class TemplateSerializer(StrictModelSerializer[Template]):
    """Expects `newest`, the prefetched list of at most one version."""

    version = serializers.SerializerMethodField(help_text="The newest version")

    class Meta:
        model = Template
        fields = ["id", "name", "channel", "archived_at", "version", "created_at"]
        read_only_fields = ["channel", "archived_at"]

    @extend_schema_field(TemplateVersionSerializer(allow_null=True))
    def get_version(self, template: Template) -> dict[str, Any] | None:
        newest: list[TemplateVersion] = template.newest  # type: ignore[attr-defined]
        return dict(TemplateVersionSerializer(newest[0]).data) if newest else None


class TemplateCreateSerializer(ContentSerializer):
    name = serializers.CharField(max_length=100)
    channel = serializers.ChoiceField(choices=Channel.choices, default=Channel.EMAIL)

    def validate_name(self, name: str) -> str:
        """Raises ValidationError for a name that is taken."""
        if Template.objects.filter(name=name).exists():
            raise serializers.ValidationError("There is a template with this name.")
        return name
