"""What the log says, and what it must not."""

import logging
import os
import subprocess
import sys

import pytest
from django.urls import path

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


def broken(request):
    raise ValueError("broken")


urlpatterns = [path("broken/", broken)]


@pytest.mark.parametrize("status", [401, 404, 405])
def test_names_nobody_who_was_asked_for_in_an_address(client, caplog, db, status):
    address = {401: "/api/v1/prospects/", 404: "/nowhere/", 405: "/sign-out/"}[status]
    with caplog.at_level(logging.DEBUG):
        answer = client.get(address, {"email": "canary@secret.example", "q": "canary"})
    assert answer.status_code == status
    assert address in caplog.text
    assert "canary" not in caplog.text


def test_names_nobody_who_was_asked_for_when_something_breaks(client, caplog, db, settings):
    client.raise_request_exception = False
    settings.ROOT_URLCONF = __name__
    with caplog.at_level(logging.DEBUG):
        assert client.get("/broken/", {"email": "canary@secret.example"}).status_code == 500
    assert "GET /broken/" in caplog.text
    assert "canary" not in caplog.text
