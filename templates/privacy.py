"""Message templates say nothing about the people they are written to: there is nothing to show and nothing to erase."""

COLLEAGUES: dict[str, frozenset[str]] = {}
