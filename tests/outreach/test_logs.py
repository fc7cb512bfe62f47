"""What the log says, and what it must not."""

import logging
import os
import subprocess
import sys

from outreach.lib.logs import ReadinessFilter

RAISES = """
import logging
from tests.servers import *
import django
django.setup()
def login(password):
    raise ValueError("refused")
try:
    login("CANARY-" + "SECRET")
except ValueError:
    logging.getLogger("celery.app.trace").error("Task raised", exc_info=True)
"""


def test_a_traceback_shows_no_locals():
    for log_format in ("console", "json"):
        env = {**os.environ, "LOG_FORMAT": log_format, "DJANGO_SETTINGS_MODULE": "outreach.settings"}
        done = subprocess.run([sys.executable, "-c", RAISES], env=env, capture_output=True, text=True, timeout=60)
        assert "ValueError: refused" in done.stderr
        assert "CANARY-SECRET" not in done.stderr


def test_leaves_out_that_a_start_is_not_ready_yet():
    record = logging.makeLogRecord({"msg": {"event": "request_finished", "request": "GET /ready"}})
    other = logging.makeLogRecord({"msg": {"event": "request_finished", "request": "GET /admin/"}})
    assert not ReadinessFilter().filter(record)
    assert ReadinessFilter().filter(other)
