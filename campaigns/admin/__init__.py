"""Campaigns, the ledger and every way to say no, in the back office."""

from campaigns.admin import ledger, refusals, relationship, sequences

__all__ = ["ledger", "refusals", "relationship", "sequences"]
