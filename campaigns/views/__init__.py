"""Campaigns, their people, messages and answers as pages."""
