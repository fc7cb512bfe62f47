"""What an incoming mail is, and what it says: pure functions over raw bytes that nobody trusts."""

from integrations.reading.mail import read

__all__ = ["read"]
