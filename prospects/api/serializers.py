"""How prospects, programs, segments and imports look outside."""

from typing import Any

from rest_framework import serializers

from outreach.lib.endpoints import StrictModelSerializer, StrictSerializer
from prospects import segments
from prospects.models import ImportBatch, ImportRow, Program, Prospect, Segment


class ProgramSerializer(StrictModelSerializer[Program]):
    class Meta:
        model = Program
        fields = ["id", "name", "merchant", "website", "postal_address", "created_at"]


class ProspectSerializer(StrictModelSerializer[Prospect]):
    """`email`, `time_zone` and `country` are checked by the verb, which also knows the site."""

    site = serializers.CharField(source="site.domain", read_only=True, allow_null=True, default=None)
    tags = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    custom = serializers.DictField(required=False)

    class Meta:
        model = Prospect
        fields = [
            "id",
            "email",
            "first_name",
            "last_name",
            "company",
            "job_title",
            "website",
            "site",
            "x_handle",
            "linkedin_url",
            "country",
            "time_zone",
            "language",
            "tags",
            "custom",
            "source",
            "legal_basis",
            "is_demo",
            "stopped_at",
            "stop_reason",
            "created_at",
        ]
        read_only_fields = ["is_demo", "stopped_at", "stop_reason"]
        extra_kwargs = {"email": {"required": True, "allow_blank": False}}


class SegmentSerializer(StrictModelSerializer[Segment]):
    filter = serializers.DictField(
        help_text='{"all": [{"field": "country", "op": "is", "value": "DE"}]}; {} is everybody'
    )

    class Meta:
        model = Segment
        fields = ["id", "name", "filter", "created_at"]

    def validate_filter(self, value: dict[str, Any]) -> dict[str, Any]:
        """Raises segments.BadFilter, which names the place."""
        segments.compile(value)
        return value


class SegmentPreviewSerializer(StrictSerializer):
    filter = serializers.DictField()


class SegmentCountSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="Exact up to 10000")
    label = serializers.CharField(help_text='"10000+" when there are more')  # type: ignore[assignment]


class ImportSerializer(StrictModelSerializer[ImportBatch]):
    class Meta:
        model = ImportBatch
        fields = [
            "id",
            "file_name",
            "mapping",
            "status",
            "error",
            "added",
            "changed",
            "unchanged",
            "rejected",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields


class ImportUploadSerializer(StrictSerializer):
    file = serializers.FileField()
    mapping = serializers.JSONField(required=False, help_text='Column to field: {"Mail": "email"}')
    source_name = serializers.CharField(required=False, max_length=200, help_text="Where we know these people from")
    tags = serializers.ListField(child=serializers.CharField(max_length=50), required=False)

    def validate_mapping(self, value: Any) -> dict[str, str]:
        """Raises ValidationError unless it maps text to text."""
        if not isinstance(value, dict) or not all(isinstance(part, str) for pair in value.items() for part in pair):
            raise serializers.ValidationError("An object of column names and field names.")
        return value


class ImportRejectSerializer(serializers.ModelSerializer[ImportRow]):
    class Meta:
        model = ImportRow
        fields = ["line", "reason", "values"]
        read_only_fields = fields
