"""People, programs, segments and imports in the back office. Suppressions are in campaigns.admin.refusals."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from import_export.admin import ImportMixin
from import_export.resources import ModelResource
from unfold.contrib.import_export.forms import ImportForm

from accounts.callers import caller
from outreach.lib.admin import AnyModelForm, ReadOnlyAdmin, ScaledAdmin, VerbAdmin
from outreach.lib.exporting import ExportsList
from prospects import dedupe, editing, segments
from prospects.models import (
    Address,
    CustomField,
    Duplicate,
    ImportBatch,
    ImportChange,
    ImportRow,
    Merge,
    Note,
    Program,
    Prospect,
    SavedMapping,
    Segment,
    Site,
    searchable,
)
from prospects.segments.fields import FIELDS

SHORTEST, MOST_PEOPLE = 3, 200
STATE = ("site", "is_demo", "stopped_at", "stop_reason", "held_at", "hold_reason", "created_at")
EXAMPLE = (
    '{"all": [{"field": "country", "op": "in", "value": ["DE", "AT"]}, {"field": "tags", "op": "is", "value": "vip"}, '
    '{"field": "contacted_at", "op": "not_in_last", "value": "30 days"}]}'
)


def matching(request: HttpRequest, people: QuerySet[Prospect], term: str) -> QuerySet[Prospect]:
    """Those whose name, company or address holds the words; nobody, and a sentence, for fewer than three letters."""
    if len(term) < SHORTEST:
        messages.warning(request, "Type at least three letters.")
        return people.none()
    return people.annotate(found=searchable()).filter(found__contains=term.upper())


class OfPeople(ScaledAdmin):
    """Searches a list of what belongs to people by the people, through their one index."""

    search_fields = ["prospect__company"]  # makes Django show the field; the search itself is below
    search_help_text = "Name, company or address"

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> tuple[Any, bool]:
        if not (term := term.strip()):
            return queryset, False
        people = matching(request, Prospect.objects.order_by("-pk"), term)
        return queryset.filter(prospect_id__in=list(people.values_list("pk", flat=True)[:MOST_PEOPLE])), False


class ProgramForm(AnyModelForm):
    website = forms.URLField(required=False, assume_scheme="https")


class ProgramResource(ModelResource):
    """Programs from a sheet, known by their name."""

    class Meta:
        model = Program
        fields = ("name", "merchant", "website", "postal_address")
        import_id_fields = ("name",)
        clean_model_instances = True
        skip_unchanged = True


@admin.register(Program)
class ProgramAdmin(ImportMixin, ExportsList, ScaledAdmin):
    says = "What affiliates are recruited for. The postal address stands in every mail."
    form = ProgramForm
    import_form_class = ImportForm
    fieldsets = (
        (None, {"fields": ("name", "merchant", "website")}),
        ("In every mail", {"fields": ("postal_address",)}),
    )
    list_display = ["name", "merchant", "website", "created_at"]
    search_fields = ["name", "merchant"]
    sortable_by = ["name", "merchant"]
    exported = ("public_id", "name", "merchant", "website", "postal_address", "created_at")
    import_export_change_list_template = "admin/import_export/change_list_import_export.html"

    def get_import_resource_classes(self, request: HttpRequest) -> list[type[ModelResource]]:
        return [ProgramResource]

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_change_permission(request)


@admin.register(Site)
class SiteAdmin(ExportsList, ScaledAdmin):
    says = "Websites by their domain. A site comes with its first person."
    fields = readonly_fields = ("domain", "stopped_at", "held_at", "hold_reason", "created_at")
    list_display = ["domain", "stopped_at", "held_at", "created_at"]
    search_fields = ["domain__startswith"]
    search_help_text = "The beginning of a domain"
    exported = ("public_id", "domain", "stopped_at", "held_at", "hold_reason", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class StandingFilter(admin.SimpleListFilter):
    """Both choices have an index of their own."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("stopped", "Never written to again"), ("held", "On hold")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        field = {"stopped": "stopped_at", "held": "held_at"}.get(self.value() or "")
        return queryset.filter(**{f"{field}__isnull": False}) if field else queryset


class ProspectAdmin(ExportsList, VerbAdmin):
    """Registered in campaigns.admin.refusals, which adds the actions that reach into campaigns."""

    says = "Everybody who could promote a product."
    page = "prospect"
    fieldsets = (
        ("Who", {"fields": ("email", ("first_name", "last_name"), ("company", "job_title"))}),
        ("Where on the web", {"fields": ("website", ("x_handle", "linkedin_url"))}),
        ("Where in the world", {"fields": (("country", "language"), "time_zone")}),
        ("What we know", {"fields": ("tags", "custom", ("source", "legal_basis"), "notice_date")}),
        ("State", {"fields": STATE}),
    )
    readonly_fields = STATE
    list_display = ["__str__", "email", "company", "country", "source", "stopped_at", "created_at"]
    list_select_related = ["site"]
    list_filter = [StandingFilter, "owner"]
    search_fields = ["email"]
    search_help_text = "Name, company, address or X handle"
    import_export_change_list_template = "admin/prospects/prospect/change_list.html"
    exported = (
        "public_id", "email", "first_name", "last_name", "company", "job_title", "website", "site__domain", "x_handle",
        "linkedin_url", "country", "time_zone", "language", "tags", "custom", "source", "legal_basis",
        "notice_date", "stopped_at", "stop_reason", "held_at", "hold_reason", "created_at",
    )  # fmt: skip

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> tuple[Any, bool]:
        return (matching(request, queryset, term.strip()) if term.strip() else queryset), False

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> Prospect:
        if not change:
            return editing.add_prospect(by=caller(request), **fields)
        editing.change_prospect(prospect=obj, by=caller(request), **fields)
        return Prospect.objects.select_related("site").get(pk=obj.pk)


@admin.register(Note)
class NoteAdmin(OfPeople, ReadOnlyAdmin):
    says = "Written on a person's page."
    list_display = ["prospect", "__str__", "created_by", "created_at"]
    list_select_related = ["prospect", "created_by"]


@admin.register(Address)
class AddressAdmin(OfPeople, ReadOnlyAdmin):
    says = "Addresses of people besides the one they are written to. A no to one of them is a no to all."
    list_display = ["email", "prospect", "state"]
    list_select_related = ["prospect"]
    list_filter = ["state"]


@admin.register(Duplicate)
class DuplicateAdmin(ReadOnlyAdmin):
    says = "Rows that may be one person. They are decided on the page of duplicates."
    list_display = ["first", "second", "reason", "score", "dismissed_at", "dismissed_by"]
    list_select_related = ["first", "second", "dismissed_by"]
    actions = ["dismiss"]

    @admin.action(description="Two people: never offer the pair again", permissions=["operate"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Duplicate]) -> None:
        now = timezone.now()
        done = sum(dedupe.dismiss(duplicate=pair, by=caller(request), now=now) for pair in queryset)
        messages.success(request, f"{done} dismissed.")


@admin.register(Merge)
class MergeAdmin(ReadOnlyAdmin):
    says = "Rows that were made one person. An undo is on the person's page, for 30 days."
    list_display = ["merged", "survivor", "reason", "created_by", "created_at", "applied_at", "undone_at"]
    list_select_related = ["merged", "survivor", "created_by"]


class SegmentForm(AnyModelForm):
    def clean_filter(self) -> Any:
        """Raises ValidationError with the place and the reason."""
        try:
            segments.check(self.cleaned_data["filter"] or {})
        except segments.BadFilter as error:
            raise forms.ValidationError(str(error)) from error
        return self.cleaned_data["filter"] or {}


@admin.register(Segment)
class SegmentAdmin(ExportsList, ScaledAdmin):
    says = "People by a rule. Whoever fits is in, also when they come later."
    page = "segment"
    form = SegmentForm
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "filter"),
                "description": format_html(
                    "<p>The filter is a rule in JSON, the same as on the page of segments, where it is made of rows; "
                    "<code>{{}}</code> is everybody. For example, people in Germany or Austria who have the tag “vip” "
                    "and were not written to lately:</p><pre>{}</pre><p>Fields: {}, custom.&lt;name&gt;, "
                    "stage.&lt;program’s id&gt;. “all”, “any” and “not” join rules.</p>",
                    EXAMPLE,
                    ", ".join(FIELDS),
                ),
            },
        ),
    )
    list_display = ["name", "created_by", "created_at"]
    list_select_related = ["created_by"]
    search_fields = ["name"]
    sortable_by = ["name"]
    exported = ("public_id", "name", "filter", "created_by__username", "created_at")

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = caller(request)
        super().save_model(request, obj, form, change)


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    says = "Every file that was imported, and what became of its rows."
    page = "import"
    list_display = ["file_name", "status", "added", "changed", "unchanged", "rejected", "created_by", "created_at"]
    list_select_related = ["created_by"]
    list_filter = ["status"]


@admin.register(ImportRow)
class ImportRowAdmin(ReadOnlyAdmin):
    says = "Rows that were not taken, each with the reason."
    list_display = ["batch", "line", "reason"]
    list_select_related = ["batch"]


@admin.register(ImportChange)
class ImportChangeAdmin(ReadOnlyAdmin):
    says = "What an import changed of people who were known, for its undo."
    list_display = ["batch", "prospect"]
    list_select_related = ["batch", "prospect"]


@admin.register(SavedMapping)
class SavedMappingAdmin(ReadOnlyAdmin):
    says = "Columns and what they mean, kept for the next file of the same kind."
    list_display = ["name", "created_by", "created_at"]
    list_select_related = ["created_by"]


@admin.register(CustomField)
class CustomFieldAdmin(ReadOnlyAdmin):
    says = "Fields of your own that hold something else than text. An import says what they hold."
    list_display = ["name", "kind", "created_at"]
