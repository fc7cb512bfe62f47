"""Which fields of this app say something about a person (export shows and erasure empties them), and which do not."""

# What every row of history has; its context says who of us it was, and which page or command.
_OF_HISTORY = ("pgh_id", "pgh_created_at", "pgh_label", "pgh_context_id")

PERSONAL: dict[str, frozenset[str]] = {
    "User": frozenset({"username", "first_name", "last_name", "email", "password", "last_login", "time_zone"}),
    "ApiKey": frozenset({"owner", "last_used_at"}),
    "Installation": frozenset({"started_by"}),
    "IdempotentAnswer": frozenset({"body", "caller"}),
    "UserEvent": frozenset({"pgh_obj", "pgh_context", "username"}),
}

IMPERSONAL: dict[str, frozenset[str]] = {
    "User": frozenset(
        {"id", "is_superuser", "is_staff", "is_active", "date_joined", "role", "groups", "user_permissions"}
    ),
    "ApiKey": frozenset(
        {"id", "public_id", "created_at", "name", "role", "prefix", "key_hash", "expires_at", "revoked_at"}
    ),
    "Installation": frozenset({"id", "real_since"}),
    "IdempotentAnswer": frozenset({"id", "key", "fingerprint", "status", "created_at"}),
    "UserEvent": frozenset({*_OF_HISTORY, "role", "is_active"}),
}
