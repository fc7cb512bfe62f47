"""How duplicates and merges look outside."""

from typing import Any

from rest_framework import serializers

from outreach.lib.endpoints import PublicIdField, StrictModelSerializer
from prospects.models import Duplicate, Merge, Prospect


class PersonSerializer(serializers.ModelSerializer[Prospect]):
    """One of a pair, as much as tells who it is."""

    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Prospect
        fields = ["id", "email", "first_name", "last_name", "company"]
        read_only_fields = fields


class DuplicateSerializer(StrictModelSerializer[Duplicate]):
    first = PersonSerializer()
    second = PersonSerializer()

    class Meta:
        model = Duplicate
        fields = ["id", "first", "second", "reason", "score", "created_at", "dismissed_at"]
        read_only_fields = fields


class MergeSerializer(StrictModelSerializer[Merge]):
    """`applied_at` is empty while nothing is sent to the person, a moment."""

    survivor: Any = PublicIdField(queryset=Prospect.objects.all())
    merged: Any = PublicIdField(queryset=Prospect.objects.all())
    reason = serializers.CharField(max_length=200, required=False)

    class Meta:
        model = Merge
        fields = ["id", "survivor", "merged", "reason", "created_at", "applied_at", "undone_at"]
        read_only_fields = ["created_at", "applied_at", "undone_at"]
