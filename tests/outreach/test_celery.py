"""A process of Celery, as `celery -A outreach worker` starts one."""

import json
import os
import subprocess
import sys

import pytest
from django.apps import apps

from campaigns import tracking
from tests.installation import PROJECT

FACES = (
    "unfold",
    "import_export",
    "openpyxl",
    "requests",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "django_prometheus",
    "outreach.office",
    "outreach.urls",
    "campaigns.views",
    "campaigns.admin",
    "prospects.admin",
    "prospects.views",
)
TELLS = """
import gc, json, sys
from outreach.celery import app
app.Worker(hostname="test", pool="solo", loglevel="ERROR")
from campaigns import tracking
from django.apps import apps
from outreach.schedule import BEAT
print(json.dumps({
    "modules": list(sys.modules),
    "lacking": [job["task"] for job in BEAT.values() if job["task"] not in app.tasks],
    "frozen": gc.get_freeze_count() / len(gc.get_objects()),
    "models": sorted(model._meta.label for model in apps.get_models()),
    "unsubscribe": tracking._around("unsubscribe"),
    "click": tracking._around("click"),
}))
"""


@pytest.fixture(scope="module")
def worker():
    """What a new process knows once it has loaded its tasks, and has looked up a link of a mail."""
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-c", TELLS]
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_has_the_collector_look_at_nothing_that_was_loaded(worker):
    assert worker["frozen"] > 10


def test_loads_every_task_and_no_face(worker):
    assert worker["lacking"] == []
    assert [name for name in worker["modules"] if name.startswith(FACES)] == []


def test_knows_every_table_that_people_stand_in(worker):
    lacking = {model._meta.label for model in apps.get_models()} - set(worker["models"])
    assert lacking == {"sessions.Session"}


def test_mails_the_addresses_that_the_web_serves(worker):
    assert [tuple(worker[name]) for name in ("unsubscribe", "click")] == [
        tracking._around("unsubscribe"),
        tracking._around("click"),
    ]
