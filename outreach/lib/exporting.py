"""Lists of the back office as files: bounded, without secrets, safe to open in a spreadsheet."""

from datetime import UTC
from typing import TYPE_CHECKING, Any

from django.db import models
from django.http import HttpRequest
from import_export import widgets
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV, JSON, XLSX, Format
from import_export.resources import ModelResource, modelresource_factory
from tablib import Dataset
from unfold.contrib.import_export.forms import ExportForm

from outreach.lib import spreadsheets

if TYPE_CHECKING:
    Mixin = Any
else:
    Mixin = ExportMixin

MOST_ROWS = 50_000  # a file is built in memory


class InstantWidget(widgets.Widget):
    """An instant as ISO 8601 in UTC: a file travels, and its reader's zone is not known."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return value.astimezone(UTC).isoformat(timespec="seconds") if value else ""


class PlainResource(ModelResource):
    """What every export shares."""

    WIDGETS_MAP = {**ModelResource.WIDGETS_MAP, "DateTimeField": InstantWidget}


class SafeCsv(CSV):
    """For a spreadsheet: no value becomes a formula."""

    def export_data(self, dataset: Any, **kwargs: Any) -> Any:
        return super().export_data(_safe(dataset), **kwargs)


class SafeXlsx(XLSX):
    """For a spreadsheet: no value becomes a formula."""

    def export_data(self, dataset: Any, **kwargs: Any) -> Any:
        return super().export_data(_safe(dataset), **kwargs)


def _safe(dataset: Dataset) -> Dataset:
    cells = ([spreadsheets.safe("" if cell is None else str(cell)) for cell in row] for row in dataset)
    return Dataset(*cells, headers=dataset.headers, title=dataset.title)


class ExportsList(Mixin):
    """Adds *Export*: the list as it is filtered and searched, `exported` fields only, for whom the site lets."""

    exported: tuple[str, ...] = ()
    export_form_class = ExportForm

    def get_export_formats(self) -> list[type[Format]]:
        return [one for one in (SafeCsv, SafeXlsx, JSON) if one.is_available()]

    def get_export_resource_classes(self, request: HttpRequest) -> list[type[ModelResource]]:
        return [modelresource_factory(self.model, resource_class=PlainResource, meta_options={"fields": self.exported})]

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request) and self.admin_site.may_export(request))

    def get_export_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_export_queryset(request)[:MOST_ROWS]  # type: ignore[no-any-return]

    def get_export_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_export_context_data(**kwargs), "most_rows": MOST_ROWS, "exported": self.exported}
