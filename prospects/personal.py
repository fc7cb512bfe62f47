"""Which fields of this app say something about a person (export shows and erasure empties them), and which do not.

Keyed hashes count as personal: whoever holds INSTALLATION_KEY and an address can tell whose they are.
"""

PERSONAL: dict[str, frozenset[str]] = {
    "Program": frozenset(),
    "Site": frozenset({"domain", "hold_reason"}),
    "Prospect": frozenset(
        {
            *("email", "identity_key", "contact_keys", "first_name", "last_name", "company", "job_title"),
            *("website", "site", "x_handle", "linkedin_url", "country", "time_zone", "language"),
            *("tags", "custom", "source", "legal_basis", "stopped_at", "stop_reason", "held_at", "hold_reason"),
        }
    ),
    "Segment": frozenset({"filter", "created_by"}),
    "Suppression": frozenset({"key", "value", "source", "created_by"}),
    "ImportBatch": frozenset({"file_name", "created_by"}),
    "ImportChunk": frozenset({"data"}),
    "Note": frozenset({"prospect", "text", "created_by"}),
    "ImportRow": frozenset({"reason", "values"}),
}

IMPERSONAL: dict[str, frozenset[str]] = {
    "Program": frozenset({"id", "public_id", "created_at", "name", "merchant", "website", "postal_address"}),
    "Site": frozenset({"id", "public_id", "created_at", "stopped_at", "held_at"}),
    "Prospect": frozenset({"id", "public_id", "created_at", "kind", "owner", "is_demo"}),
    "Segment": frozenset({"id", "public_id", "created_at", "name"}),
    "Suppression": frozenset({"id", "public_id", "created_at", "kind", "reason"}),
    "ImportBatch": frozenset(
        {
            *("id", "public_id", "created_at", "finished_at", "mapping", "status", "error"),
            *("added", "changed", "unchanged", "rejected", "options", "bytes_total", "bytes_done", "records_done"),
        }
    ),
    "ImportChunk": frozenset({"id", "batch", "number"}),
    "Note": frozenset({"id", "public_id", "created_at"}),
    "ImportRow": frozenset({"id", "batch", "line"}),
}
