"""People, programs, segments and imports in the back office. Suppressions are in campaigns.admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts.callers import caller
from outreach.lib.admin import AnyModelForm, ReadOnlyAdmin, ScaledAdmin, VerbAdmin
from prospects import editing, segments
from prospects.models import ImportBatch, ImportRow, Program, Prospect, Segment, Site

WHO = ("email", "first_name", "last_name", "company", "job_title", "website", "x_handle", "linkedin_url")
WHERE = ("country", "time_zone", "language")
WHAT_WE_KNOW = ("tags", "custom", "source", "legal_basis")
STATE = ("site", "is_demo", "stopped_at", "stop_reason", "held_at", "hold_reason", "created_at")


class ProgramForm(AnyModelForm):
    website = forms.URLField(required=False, assume_scheme="https")


@admin.register(Program)
class ProgramAdmin(ScaledAdmin):
    form = ProgramForm
    fields = ("name", "merchant", "website", "postal_address")
    list_display = ["name", "merchant", "website", "created_at"]
    search_fields = ["name", "merchant"]


@admin.register(Site)
class SiteAdmin(ScaledAdmin):
    fields = readonly_fields = ("domain", "stopped_at", "held_at", "hold_reason", "created_at")
    list_display = ["domain", "stopped_at", "held_at", "created_at"]
    search_fields = ["domain__startswith"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a site comes with its first person


class ProspectAdmin(VerbAdmin):
    """Registered in campaigns.admin, which adds the actions that reach into campaigns."""

    fieldsets = (
        (None, {"fields": WHO}),
        ("Where", {"fields": WHERE}),
        ("What we know", {"fields": WHAT_WE_KNOW}),
        ("State", {"fields": STATE}),
    )
    readonly_fields = STATE
    list_display = ["__str__", "email", "company", "site", "country", "source", "stopped_at", "created_at"]
    list_select_related = ["site"]
    list_filter = ["kind", "is_demo"]
    search_fields = ["email__startswith", "last_name__istartswith", "company__istartswith"]

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> Prospect:
        if not change:
            return editing.add_prospect(by=caller(request), **fields)
        editing.change_prospect(prospect=obj, by=caller(request), **fields)
        return Prospect.objects.select_related("site").get(pk=obj.pk)


class SegmentForm(AnyModelForm):
    def clean_filter(self) -> Any:
        """Raises ValidationError with the place and the reason."""
        try:
            segments.compile(self.cleaned_data["filter"] or {})
        except segments.BadFilter as error:
            raise forms.ValidationError(str(error)) from error
        return self.cleaned_data["filter"] or {}


@admin.register(Segment)
class SegmentAdmin(ScaledAdmin):
    form = SegmentForm
    fields = ["name", "filter"]
    list_display = ["name", "created_by", "created_at"]
    list_select_related = ["created_by"]
    search_fields = ["name"]

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = caller(request)
        super().save_model(request, obj, form, change)


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    list_display = ["file_name", "status", "added", "changed", "unchanged", "rejected", "created_by", "created_at"]
    list_select_related = ["created_by"]
    list_filter = ["status"]


@admin.register(ImportRow)
class ImportRowAdmin(ReadOnlyAdmin):
    list_display = ["batch", "line", "reason"]
    list_select_related = ["batch"]
