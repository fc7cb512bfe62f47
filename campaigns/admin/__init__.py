"""Campaigns, the ledger and every way to say no, in the back office."""

from campaigns.admin import ledger, refusals, relationship, ruling, sequences

__all__ = ["ledger", "refusals", "relationship", "ruling", "sequences"]
