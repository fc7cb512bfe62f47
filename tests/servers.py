"""Loaded by pytest before everything else (-p tests.servers): brings up the servers and the settings' variables."""

import os

from outreach import embedded

os.environ.setdefault("DEMO", "off")
os.environ.setdefault("CONN_MAX_AGE", "0")  # a live server's threads leave no connection that blocks the clean-up
embedded.provide()
