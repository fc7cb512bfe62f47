"""How prospects, programs, segments and imports look outside."""

from typing import Any

from rest_framework import serializers

from outreach.lib.endpoints import StrictModelSerializer, StrictSerializer
from prospects import segments
from prospects.models import Program, Prospect, Segment


class ProgramSerializer(StrictModelSerializer[Program]):
    class Meta:
        model = Program
        fields = ["id", "name", "merchant", "website", "postal_address", "created_at"]


class ProspectSerializer(StrictModelSerializer[Prospect]):
    """`email`, `time_zone` and `country` are checked by the verb, which also knows the site."""

    site = serializers.CharField(source="site.domain", read_only=True, allow_null=True, default=None)
    owner = serializers.CharField(source="owner.username", read_only=True, allow_null=True, default=None)
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
            "notice_date",
            "owner",
            "protected_at",
            "next_step",
            "next_step_date",
            "is_demo",
            "stopped_at",
            "stop_reason",
            "created_at",
        ]
        read_only_fields = [
            *("protected_at", "next_step", "next_step_date"),  # each has an address of its own
            *("is_demo", "stopped_at", "stop_reason"),
        ]
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
        segments.check(value)
        return value


class SegmentPreviewSerializer(StrictSerializer):
    filter = serializers.DictField()


class FileFormatSerializer(StrictSerializer):
    file_format = serializers.ChoiceField(choices=["csv", "xlsx"], default="csv")


class SegmentCountSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="Exact to 10,000; beyond that an estimate")
    exact = serializers.BooleanField()
    label = serializers.CharField(help_text='"1,234" or "about 230,000"')  # type: ignore[assignment]
