"""Which fields of this app say something about a person (export shows and erasure empties them), and which do not."""

# What every row of history has; its context says who of us it was, and which page or command.
_OF_HISTORY = ("pgh_id", "pgh_created_at", "pgh_label", "pgh_context_id")

PERSONAL: dict[str, frozenset[str]] = {
    "Mailbox": frozenset({"from_name", "from_address", "smtp_username", "imap_username"}),
    "InboundEvent": frozenset({"raw", "error"}),
    "MailboxEvent": frozenset(
        {*("pgh_context", "from_name", "from_address", "smtp_username", "imap_username", "status_reason")}
    ),
}

IMPERSONAL: dict[str, frozenset[str]] = {
    "Mailbox": frozenset(
        {
            *("id", "public_id", "created_at", "name", "is_demo", "status", "status_reason", "verified_at"),
            *("copies_seen_at", "service", "service_key"),
            *("smtp_host", "smtp_port", "smtp_security", "smtp_password"),
            *("imap_host", "imap_port", "imap_security", "imap_password", "imap_folder"),
            *("imap_uidvalidity", "imap_last_uid", "polled_at", "poll_error"),
            *("send_failures", "send_error", "send_again_at"),
            *("daily_cap", "ramp_start", "ramp_step", "ramp_from", "gap_seconds", "domain_cap", "connections"),
            *("lease_token", "lease_owner", "lease_until"),
        }
    ),
    "InboundEvent": frozenset(
        {"id", "source", "mailbox", "uidvalidity", "uid", "digest", "stored_at", "attempts", "applied_at"}
    ),
    "MailboxEvent": frozenset(
        {
            *(*_OF_HISTORY, "pgh_obj", "name", "service", "smtp_host", "smtp_port", "smtp_security"),
            *(
                "imap_host",
                "imap_port",
                "imap_security",
                "imap_folder",
                "daily_cap",
                *("ramp_start", "ramp_step", "ramp_from"),
                "gap_seconds",
                "domain_cap",
                "connections",
                "status",
            ),
        }
    ),
}
