"""Loaded by pytest before everything else (-p tests.servers): brings up the servers and the settings' variables."""

import os

from outreach import embedded

os.environ.setdefault("DEMO", "off")
embedded.provide()
