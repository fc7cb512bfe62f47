"""Which fields of this app say something about a person (export shows and erasure empties them), and which do not.

Keyed hashes count as personal: whoever holds INSTALLATION_KEY and an address can tell whose they are.
"""

# What every row of history has; its context says who of us it was, and which page or command.
_OF_HISTORY = ("pgh_id", "pgh_created_at", "pgh_label", "pgh_context_id")

PERSONAL: dict[str, frozenset[str]] = {
    "Program": frozenset(),
    "Site": frozenset({"domain", "hold_reason", "source"}),
    "Prospect": frozenset(
        {
            *("email", "identity_key", "contact_keys", "first_name", "last_name", "company", "job_title"),
            *("website", "site", "x_handle", "linkedin_url", "country", "time_zone", "language"),
            *("tags", "custom", "source", "legal_basis", "stopped_at", "stop_reason", "held_at", "hold_reason"),
            *("address_kind", "notice_date", "contacted_elsewhere_at", "next_step", "next_step_date", "person"),
        }
    ),
    "Address": frozenset({"prospect", "email", "key", "state"}),
    "Merge": frozenset({"survivor", "merged", "reason", "before", "created_by", "undone_by"}),
    "Duplicate": frozenset({"first", "second", "reason", "dismissed_by"}),
    "File": frozenset({"prospect", "name", "data", "created_by"}),
    "Stage": frozenset({"prospect", "name", "changed_at"}),
    "StageChange": frozenset({"prospect", "old", "new", "why", "changed_at", "changed_by"}),
    "Engagement": frozenset({"prospect", "contacted_at", "clicked_at", "replied_at", "bounced_at"}),
    "PrivacyRecord": frozenset({"recorded_by"}),
    "Segment": frozenset({"filter", "created_by"}),
    "CustomField": frozenset(),
    "Suppression": frozenset({"key", "value", "source", "created_by"}),
    "ImportBatch": frozenset({"file_name", "created_by", "undone_by"}),
    "ImportChange": frozenset({"prospect", "before"}),
    "SavedMapping": frozenset({"created_by"}),
    "ImportChunk": frozenset({"data"}),
    "Note": frozenset({"prospect", "text", "created_by"}),
    "ImportRow": frozenset({"reason", "values"}),
    "ProgramEvent": frozenset({"pgh_context"}),
    "SiteEvent": frozenset({"pgh_context", "domain", "hold_reason"}),
    "ProspectEvent": frozenset(
        {
            *("pgh_obj", "pgh_context", "email", "first_name", "last_name", "company", "job_title", "website"),
            *("x_handle", "linkedin_url", "country", "time_zone", "language", "tags", "custom", "source"),
            *("legal_basis", "notice_date", "contacted_elsewhere_at", "stopped_at", "stop_reason", "held_at"),
            "hold_reason",
        }
    ),
    "SegmentEvent": frozenset({"pgh_context", "filter"}),
    "CustomFieldEvent": frozenset({"pgh_context"}),
    "SuppressionEvent": frozenset({"pgh_context", "key", "value", "source"}),
}

IMPERSONAL: dict[str, frozenset[str]] = {
    "Program": frozenset({"id", "public_id", "created_at", "name", "merchant", "website", "postal_address"}),
    "Site": frozenset(
        {
            *("id", "public_id", "created_at", "stopped_at", "held_at", "protected_at", "is_to_research"),
            *("import_batch", "answered_at"),
        }
    ),
    "Prospect": frozenset(
        {
            *("id", "public_id", "created_at", "kind", "owner", "is_demo", "erased_at", "import_batch"),
            "protected_at",
        }
    ),
    "Address": frozenset({"id"}),
    "Merge": frozenset({"id", "public_id", "created_at", "applied_at", "undone_at"}),
    "Duplicate": frozenset({"id", "public_id", "created_at", "score", "dismissed_at"}),
    "File": frozenset({"id", "public_id", "created_at", "content_type", "size"}),
    "Stage": frozenset({"id", "program"}),
    "StageChange": frozenset({"id", "program"}),
    "Engagement": frozenset(),
    "PrivacyRecord": frozenset({"id", "action", "subject", "reason", "recorded_at"}),
    "CustomField": frozenset({"id", "public_id", "created_at", "name", "kind"}),
    "Segment": frozenset({"id", "public_id", "created_at", "name"}),
    "Suppression": frozenset({"id", "public_id", "created_at", "kind", "reason", "expires_at"}),
    "ImportBatch": frozenset(
        {
            *("id", "public_id", "created_at", "finished_at", "mapping", "status", "error"),
            *("added", "changed", "unchanged", "rejected", "options", "bytes_total", "bytes_done", "records_done"),
            *("researched", "undo_asked_at", "undo", "undone_at"),
        }
    ),
    "ImportChange": frozenset({"id", "batch"}),
    "SavedMapping": frozenset({"id", "public_id", "created_at", "name", "mapping", "options"}),
    "ImportChunk": frozenset({"id", "batch", "number"}),
    "Note": frozenset({"id", "public_id", "created_at"}),
    "ImportRow": frozenset({"id", "batch", "sheet", "line"}),
    "ProgramEvent": frozenset({*_OF_HISTORY, "pgh_obj", "name", "merchant", "website", "postal_address"}),
    "SiteEvent": frozenset({*_OF_HISTORY, "pgh_obj", "stopped_at", "held_at", "protected_at"}),
    "ProspectEvent": frozenset({*_OF_HISTORY, "owner", "protected_at"}),
    "SegmentEvent": frozenset({*_OF_HISTORY, "pgh_obj", "name"}),
    "CustomFieldEvent": frozenset({*_OF_HISTORY, "pgh_obj", "name", "kind"}),
    "SuppressionEvent": frozenset({*_OF_HISTORY, "pgh_obj", "kind", "reason", "expires_at"}),
}
