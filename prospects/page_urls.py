"""Addresses of the pages about people, segments, programs and imports."""

from django.urls import path

from prospects.views import imports, people, programs, segments

urlpatterns = [
    path("prospects/add/", people.prospect_add, name="prospect-add"),
    path("prospects/<uuid:id>/edit/", people.prospect_edit, name="prospect-edit"),
    path("segments/", segments.segments, name="segments"),
    path("segments/<uuid:id>/", segments.segment, name="segment"),
    path("segments/add/", segments.segment_add, name="segment-add"),
    path("imports/", imports.imports, name="imports"),
    path("imports/new/", imports.import_new, name="import-new"),
    path("imports/<uuid:id>/columns/", imports.import_columns, name="import-columns"),
    path("imports/<uuid:id>/preview/", imports.import_preview, name="import-preview"),
    path("imports/<uuid:id>/run/", imports.import_run, name="import-run"),
    path("imports/<uuid:id>/", imports.import_page, name="import"),
    path("imports/<uuid:id>/live/", imports.import_live, name="import-live"),
    path("imports/<uuid:id>/rejects.csv", imports.import_rejects, name="import-rejects"),
    path("settings/programs/", programs.programs, name="programs"),
    path("settings/programs/add/", programs.program_add, name="program-add"),
    path("settings/programs/<uuid:id>/", programs.program_edit, name="program-edit"),
]
