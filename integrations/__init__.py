"""How words leave and arrive: mailboxes, raw incoming events. Knows vendors, knows no domain."""
