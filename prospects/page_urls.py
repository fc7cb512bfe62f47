"""Addresses of the pages about people, segments, programs and imports."""

from django.urls import path

from prospects.views import duplicates, hand_over, imports, people, programs, segment_builder, segments

urlpatterns = [
    path("prospects/add/", people.prospect_add, name="prospect-add"),
    path("prospects/<uuid:id>/edit/", people.prospect_edit, name="prospect-edit"),
    path("prospects/<uuid:id>/same/", duplicates.prospect_same, name="prospect-same"),
    path("prospects/<uuid:id>/same/<uuid:other>/", duplicates.prospect_compare, name="prospect-compare"),
    path("prospects/<uuid:id>/addresses/add/", duplicates.address_add, name="prospect-address-add"),
    path("prospects/<uuid:id>/addresses/use/", duplicates.address_use, name="prospect-address-use"),
    path("duplicates/", duplicates.duplicates, name="duplicates"),
    path("duplicates/find/", duplicates.duplicates_find, name="duplicates-find"),
    path("duplicates/<uuid:id>/dismiss/", duplicates.duplicate_dismiss, name="duplicate-dismiss"),
    path("duplicates/<uuid:id>/return/", duplicates.duplicate_return, name="duplicate-return"),
    path("merges/<uuid:id>/undo/", duplicates.merge_undo, name="merge-undo"),
    path("segments/", segments.segments, name="segments"),
    path("segments/<uuid:id>/", segments.segment, name="segment"),
    path("segments/add/", segment_builder.segment_add, name="segment-add"),
    path("segments/try/", segment_builder.segment_try, name="segment-try"),
    path("segments/<uuid:id>/edit/", segment_builder.segment_edit, name="segment-edit"),
    path("imports/", imports.imports, name="imports"),
    path("imports/new/", imports.import_new, name="import-new"),
    path("imports/<uuid:id>/columns/", imports.import_columns, name="import-columns"),
    path("imports/<uuid:id>/preview/", imports.import_preview, name="import-preview"),
    path("imports/<uuid:id>/run/", imports.import_run, name="import-run"),
    path("imports/<uuid:id>/", imports.import_page, name="import"),
    path("imports/<uuid:id>/live/", imports.import_live, name="import-live"),
    path("imports/<uuid:id>/rejects.csv", imports.import_rejects, name="import-rejects"),
    path("imports/saved/<uuid:id>/remove/", imports.saved_mapping_remove, name="saved-mapping-remove"),
    path("settings/hand-over/", hand_over.hand_over, name="settings-hand-over"),
    path("settings/programs/", programs.programs, name="programs"),
    path("settings/programs/add/", programs.program_add, name="program-add"),
    path("settings/programs/<uuid:id>/", programs.program_edit, name="program-edit"),
]
