"""PostgreSQL and a Redis-protocol server from Python wheels, for when no URL names others; knows no Django."""

from outreach.embedded.client import ensure_up, pids, provide, stop
from outreach.embedded.folder import EmbeddedError

__all__ = ["EmbeddedError", "ensure_up", "pids", "provide", "stop"]
