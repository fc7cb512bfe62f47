"""Files and stages in the back office: to look at; a person's page is where they are made."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from outreach.lib.admin import ReadOnlyAdmin
from prospects.admin import OfPeople
from prospects.models import Engagement, File, PrivacyRecord, Stage, StageChange


@admin.register(File)
class FileAdmin(OfPeople, ReadOnlyAdmin):
    says = "Documents about people. Their content is on the person's page."
    fields = readonly_fields = ("prospect", "name", "content_type", "size", "created_by", "created_at")
    list_display = ["name", "prospect", "size", "created_by", "created_at"]
    list_select_related = ["prospect", "created_by"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[File]:
        return super().get_queryset(request).defer("data")


@admin.register(Stage)
class StageAdmin(OfPeople, ReadOnlyAdmin):
    says = "How far each person has come in each program. Nobody listed: identified."
    list_display = ["prospect", "program", "name", "changed_at"]
    list_select_related = ["prospect", "program"]
    list_filter = ["name"]


@admin.register(StageChange)
class StageChangeAdmin(OfPeople, ReadOnlyAdmin):
    says = "Every change of a stage: who, when and why. Nobody is Outreach itself."
    list_display = ["prospect", "program", "old", "new", "why", "changed_by", "changed_at"]
    list_select_related = ["prospect", "program", "changed_by"]


@admin.register(Engagement)
class EngagementAdmin(OfPeople, ReadOnlyAdmin):
    says = "When people were last written to, and what they did last. Outreach keeps it by itself."
    list_display = ["prospect", "contacted_at", "clicked_at", "replied_at", "bounced_at"]
    list_select_related = ["prospect"]


@admin.register(PrivacyRecord)
class PrivacyRecordAdmin(ReadOnlyAdmin):
    says = "What was told or taken away about people; who they were is not kept."
    list_display = ["action", "subject", "reason", "recorded_by", "recorded_at"]
    list_select_related = ["recorded_by"]
    list_filter = ["action"]
