"""How imports look outside."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from outreach.lib.endpoints import StrictModelSerializer, StrictSerializer
from prospects.importing import undoing
from prospects.importing.choosing import REPLACEABLE
from prospects.models import ImportBatch, ImportRow, Program, SavedMapping

MAPPING = 'Column to field: {"Mail": "email", "Plan": "custom.plan:number", "Junk": ""}; the rest is guessed'


class ImportUndoSerializer(serializers.Serializer[Any]):
    removed = serializers.IntegerField(help_text="People it added who go")
    stay = serializers.DictField(child=serializers.IntegerField(), help_text="Why others stay, and how many")
    given_back = serializers.IntegerField(help_text="People known before who get back what it changed")


class ImportSerializer(StrictModelSerializer[ImportBatch]):
    tags = serializers.SerializerMethodField(help_text="What everybody in it gets")
    undo = serializers.SerializerMethodField(help_text="What its undo did so far; null when nobody asked for one")

    class Meta:
        model = ImportBatch
        fields = [
            *("id", "file_name", "mapping", "status", "error", "tags", "bytes_total", "bytes_done", "records_done"),
            *("added", "changed", "unchanged", "rejected", "researched", "created_at", "finished_at"),
            *("undo_asked_at", "undo", "undone_at"),
        ]
        read_only_fields = fields

    def get_tags(self, batch: ImportBatch) -> list[str]:
        return list(batch.options.get("tags", ()))

    @extend_schema_field(ImportUndoSerializer(allow_null=True))
    def get_undo(self, batch: ImportBatch) -> dict[str, Any] | None:
        return ImportUndoSerializer(undoing.done_so_far(batch=batch)).data if batch.undo_asked_at else None


class ColumnsSerializer(StrictSerializer):
    """What is said about the columns of a file, and about the file as a whole."""

    mapping = serializers.JSONField(required=False, help_text=MAPPING)
    program = serializers.SlugRelatedField(
        slug_field="public_id",
        queryset=Program.objects.all(),
        required=False,
        allow_null=True,
        help_text="Whose stages a stage column says",
    )
    replace = serializers.MultipleChoiceField(
        choices=list(REPLACEABLE), required=False, help_text="Fields in which the file wins over what is known"
    )
    check_mx = serializers.BooleanField(required=False, default=False, help_text="Leave out domains without mail")
    save_as = serializers.CharField(required=False, max_length=100, help_text="Keep these columns under this name")

    def validate_mapping(self, value: Any) -> dict[str, str]:
        """Raises ValidationError unless it maps text to text."""
        if not isinstance(value, dict) or not all(isinstance(part, str) for pair in value.items() for part in pair):
            raise serializers.ValidationError("An object of column names and field names.")
        return value


class ImportUploadSerializer(ColumnsSerializer):
    file = serializers.FileField(help_text="CSV or XLSX")
    source_name = serializers.CharField(required=False, max_length=200, help_text="Where we know these people from")
    tags = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    start = serializers.BooleanField(required=False, default=True, help_text="false: only keep it, to look at it first")


class ImportColumnSerializer(serializers.Serializer[Any]):
    header = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())
    target = serializers.CharField(allow_blank=True, help_text='A field, "custom.<name>", or "" when it is left out')


class ImportSheetSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(allow_blank=True)
    line = serializers.IntegerField(help_text="Where the names of the columns stand")
    use = serializers.BooleanField(help_text="Whether it is imported")
    is_hidden = serializers.BooleanField()
    problem = serializers.CharField(allow_blank=True)
    columns = ImportColumnSerializer(many=True)


class ImportLineSerializer(serializers.Serializer[Any]):
    sheet = serializers.CharField(allow_blank=True)
    line = serializers.IntegerField()
    who = serializers.CharField(allow_blank=True)
    address = serializers.CharField(allow_blank=True)
    effect = serializers.ChoiceField(choices=["added", "changed", "same", "researched", "left_out"])
    words = serializers.ListField(child=serializers.CharField(), help_text="What changes, or why it is left out")
    is_suppressed = serializers.BooleanField()


class ImportPreviewSerializer(serializers.Serializer[Any]):
    lines = ImportLineSerializer(many=True)
    totals = serializers.DictField(child=serializers.IntegerField())
    suppressed = serializers.IntegerField()
    has_more = serializers.BooleanField(help_text="Whether the file has more rows than these")


class ImportRejectSerializer(serializers.ModelSerializer[ImportRow]):
    class Meta:
        model = ImportRow
        fields = ["sheet", "line", "reason", "values"]
        read_only_fields = fields


class SavedMappingSerializer(StrictModelSerializer[SavedMapping]):
    class Meta:
        model = SavedMapping
        fields = ["id", "name", "mapping", "created_at"]
        read_only_fields = fields
