"""Message templates in the back office: saving publishes a new version."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from accounts.callers import caller
from outreach.lib.admin import AnyModelForm, ReadOnlyAdmin, VerbAdmin
from outreach.lib.exporting import ExportsList
from templates import context, versions
from templates.models import Template, TemplateVersion

CONTENT = ["subject", "text", "html", "language"]
VARIABLES = format_html(
    "<details><summary>What a message may say</summary><dl>{}<dt><code>{{{{ custom.… }}}}</code></dt>"
    "<dd>Any custom field of the prospect, by its name</dd></dl></details>",
    format_html_join(
        "", "<dt><code>{{{{ {} }}}}</code></dt><dd>{}</dd>", ((name, what) for name, what in context.VARIABLES.items())
    ),
)


class TemplateForm(AnyModelForm):
    subject = forms.CharField(max_length=500, required=False, help_text="Empty: a follow-up keeps its thread's subject")
    text = forms.CharField(widget=forms.Textarea, strip=False)
    html = forms.CharField(
        label="HTML", widget=forms.Textarea, strip=False, required=False, help_text="Empty: the mail is plain text"
    )
    language = forms.CharField(max_length=10, initial="en")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and (version := self.instance.versions.order_by("-number").first()):
            self.initial.update({name: getattr(version, name) for name in CONTENT})


@admin.register(Template)
class TemplateAdmin(ExportsList, VerbAdmin):
    says = "What can be said. Saving another text makes a new version; what was sent keeps its own."
    form = TemplateForm
    fieldsets = (
        (None, {"fields": ("name", ("channel", "language"))}),
        ("What it says", {"fields": ("subject", "text", "html"), "description": VARIABLES}),
    )
    list_display = ["name", "channel", "archived_at", "created_at"]
    list_filter = ["channel"]
    search_fields = ["name"]
    sortable_by = ["name", "created_at"]
    exported = ("public_id", "name", "channel", "archived_at", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["channel"] if obj else []

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> Any:
        if not change:
            return versions.create_template(by=caller(request), **fields)
        if "name" in fields:
            obj.name = fields["name"]
            obj.save(update_fields=["name"])
        if set(fields) & set(CONTENT):
            current = obj.versions.order_by("-number").first()
            content = {name: fields.get(name, getattr(current, name, "")) for name in CONTENT}
            versions.publish(template=obj, by=caller(request), **content)
        return obj


@admin.register(TemplateVersion)
class TemplateVersionAdmin(ExportsList, ReadOnlyAdmin):
    says = "Every text as it was; none ever changes."
    list_display = ["template", "number", "subject", "language", "created_by", "created_at"]
    list_select_related = ["template", "created_by"]
    search_fields = ["template__name", "subject"]
    exported = ("public_id", "template__name", "number", "language", "subject", "text", "html", "created_at")
