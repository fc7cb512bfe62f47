"""Which fields of this app say something about a person (export shows and erasure empties them), and which do not."""

PERSONAL: dict[str, frozenset[str]] = {
    "Template": frozenset(),
    "TemplateVersion": frozenset({"created_by"}),
}

IMPERSONAL: dict[str, frozenset[str]] = {
    "Template": frozenset({"id", "public_id", "created_at", "name", "channel", "archived_at"}),
    "TemplateVersion": frozenset(
        {"id", "public_id", "created_at", "template", "number", "subject", "text", "html", "language", "variables"}
    ),
}
