"""How notes, files, stages and the next step look outside."""

from typing import Any

from rest_framework import serializers

from accounts.models import User
from outreach.lib.endpoints import PublicIdField, StrictModelSerializer, StrictSerializer
from prospects import following_up, stages
from prospects.models import File, Note, Program, Prospect, Stage


class UserNameField(serializers.SlugRelatedField[User]):
    """A colleague by user name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="username", **kwargs)


class NoteSerializer(StrictModelSerializer[Note]):
    """`text` is checked by the verb."""

    created_by = UserNameField(read_only=True)

    class Meta:
        model = Note
        fields = ["id", "text", "created_by", "created_at"]
        read_only_fields = ["created_at"]


class FileSerializer(StrictModelSerializer[File]):
    created_by = UserNameField(read_only=True)

    class Meta:
        model = File
        fields = ["id", "name", "content_type", "size", "created_by", "created_at"]
        read_only_fields = fields


class FileUploadSerializer(StrictSerializer):
    file = serializers.FileField(allow_empty_file=True, help_text="At most 5 MB")


class StageSerializer(serializers.ModelSerializer[Stage]):
    """Where a person stands in a program; a program that is not listed: identified."""

    program = PublicIdField(read_only=True)
    stage = serializers.ChoiceField(source="name", choices=Stage.Name.choices, read_only=True)

    class Meta:
        model = Stage
        fields = ["program", "stage", "changed_at"]


class MoveSerializer(StrictSerializer):
    program = PublicIdField(queryset=Program.objects.all())
    stage = serializers.ChoiceField(choices=Stage.Name.choices)
    why = serializers.CharField(max_length=stages.LONGEST)


class NextStepSerializer(StrictSerializer):
    text = serializers.CharField(max_length=following_up.LONGEST)
    due = serializers.DateField()


class OwnerSerializer(StrictSerializer):
    owner = UserNameField(queryset=User.objects.all(), allow_null=True, help_text="A user name; null: nobody")


class HandOverSerializer(StrictSerializer):
    owner = UserNameField(queryset=User.objects.all(), help_text="From whom, by user name")
    to = UserNameField(queryset=User.objects.all(), allow_null=True, help_text="null: to nobody")


class HandedOverSerializer(serializers.Serializer[Any]):
    people = serializers.IntegerField()


class RelationshipSerializer(serializers.ModelSerializer[Prospect]):
    """What a change of the relationship answers."""

    id = serializers.UUIDField(source="public_id")
    owner = UserNameField(read_only=True)

    class Meta:
        model = Prospect
        fields = ["id", "owner", "protected_at", "next_step", "next_step_date"]
