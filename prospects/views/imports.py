"""Bringing a sheet in: upload, columns, preview, run, result."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts.callers import caller
from outreach.lib import pages
from outreach.lib.errors import DomainError
from prospects.importing import choosing, previewing, rejects, saved, undoing, uploading
from prospects.importing.forms import ColumnsForm, SheetForm
from prospects.importing.sheets import stored
from prospects.models import ImportBatch, SavedMapping, Site

SHOWN_REJECTS, SHOWN_SITES, SHOWN_SAVED = 50, 50, 100


def imports(request: HttpRequest) -> HttpResponse:
    """Every sheet that was brought in, the last one first."""
    paged = pages.paged(request, ImportBatch.objects.select_related("created_by"))
    mappings = SavedMapping.objects.order_by("name")[:SHOWN_SAVED]
    return render(request, "prospects/imports.html", {"paged": paged, "saved": mappings})


def saved_mapping_remove(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Forgets saved columns."""
    mapping = get_object_or_404(SavedMapping, public_id=id)
    saved.remove(saved=mapping)
    pages.said(request, f"“{mapping.name}” is forgotten. What was imported with it stays.")
    return redirect("imports")


def import_new(request: HttpRequest) -> HttpResponse:
    """Takes a sheet; what can't be read is said beside the field."""
    form = SheetForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            batch = uploading.store(
                source=upload.file,
                file_name=upload.name,
                source_name=form.cleaned_data["source_name"],
                tag=form.cleaned_data["tag"],
                by=caller(request),
                now=timezone.now(),
            )
        except DomainError as error:
            pages.show_problems(form, error)
        else:
            return redirect("import-columns", batch.public_id)
    return render(request, "prospects/import_new.html", {"form": form})


def import_columns(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks what each column of each sheet means."""
    batch = _batch(id)
    if batch.status != ImportBatch.Status.UPLOADED:
        return redirect("import", id)
    asked, settings = choosing.sheets(batch=batch), choosing.initial(batch=batch)
    form = ColumnsForm(asked, settings, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            choosing.choose_columns(batch=batch, choices=form.choices(), settings=form.settings(), by=caller(request))
        except DomainError as error:
            pages.show_problems(form, error)
        else:
            return redirect("import-preview", id)
    return render(request, "prospects/import_columns.html", {"batch": batch, "form": form})


def import_preview(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Shows what the first rows would do; nothing is stored."""
    batch = _batch(id)
    if batch.status != ImportBatch.Status.UPLOADED:
        return redirect("import", id)
    if not batch.mapping:
        return redirect("import-columns", id)
    found = previewing.preview(batch=batch)
    return render(request, "prospects/import_preview.html", {"batch": batch, "preview": found})


def import_run(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Goes on with a sheet: begins its import or, with `then=campaign`, leads to a campaign for its people."""
    batch = _batch(id)
    if request.POST.get("then") == "campaign" and batch.options.get("sheet_tag"):
        segment = uploading.segment_of(batch=batch, by=caller(request))
        return HttpResponseRedirect(f"{reverse('campaign-new')}?segment={segment.public_id}")
    uploading.queue(batch=batch)
    return redirect("import", id)


def import_page(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """How an import goes, or what it did."""
    return render(request, "prospects/import.html", _result(_batch(id)))


def import_live(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """The part of the page that moves; when all is done it does not ask again."""
    return render(request, "prospects/import_live.html", _result(_batch(id)))


def import_rejects(request: HttpRequest, id: uuid.UUID) -> StreamingHttpResponse:
    """The left-out rows as a sheet."""
    batch = _batch(id)
    name = f"left-out-{batch.created_at:%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        rejects.sheet(batch=batch),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _batch(id: uuid.UUID) -> ImportBatch:
    return get_object_or_404(ImportBatch.objects.select_related("created_by"), public_id=id)


def _result(batch: ImportBatch) -> dict[str, Any]:
    return {
        "batch": batch,
        "is_running": batch.status in (ImportBatch.Status.QUEUED, ImportBatch.Status.RUNNING),
        "is_undoing": batch.undo_asked_at and not batch.undone_at,
        "may_undo": undoing.may_undo(batch=batch) and (batch.added or batch.changed),
        "undo": undoing.done_so_far(batch=batch),
        "kept": batch.added + batch.changed + batch.unchanged,
        "has_sheets": sum(sheet.use for sheet in stored(batch)) > 1,
        "tag": batch.options.get("sheet_tag", ""),
        "rejects": rejects.first(batch=batch, size=SHOWN_REJECTS) if batch.rejected else [],
        "sites": _sites(batch) if batch.researched else [],
    }


def _sites(batch: ImportBatch) -> list[str]:
    """The first sites that came with this file and where nobody is known yet."""
    found = Site.objects.filter(import_batch=batch, is_to_research=True, prospects=None)
    return list(found.order_by("domain").values_list("domain", flat=True)[:SHOWN_SITES])
