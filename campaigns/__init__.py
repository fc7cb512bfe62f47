"""Who gets what, and when: campaigns, sequences, the ledger, replies."""
