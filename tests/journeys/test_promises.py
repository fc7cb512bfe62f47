"""One journey for each promise that can be told without a browser: through `manage.py demo`, on real servers.

Verdicts (the third promise) come with experiments; the one command (the fourth) has a journey of its own.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from campaigns import explaining
from campaigns.models import Campaign, Enrollment, Message
from outreach import embedded
from outreach.demo import story

PROJECT = Path(__file__).resolve().parents[2]
SERVERS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "INSTALLATION_KEY")


# --- never twice, never after no: whatever is killed in the middle ---


class Installation:
    """An installation of its own in a new folder, with its own servers."""

    def __init__(self, folder):
        self.folder = folder
        self.environ = {name: value for name, value in os.environ.items() if name not in SERVERS}
        self.environ |= {"DATA_DIR": str(folder), "LOG_LEVEL": "WARNING", "DEMO": "off"}

    def manage(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def tell(self):
        return self.manage("demo", "--once", "--prospects", "60", "--seed", "7")

    def wait_for_mails(self, story_process, *, at_least):
        """Returns once the receiving server has taken so many mails of the story that is being told."""
        for _ in range(1200):
            lines = sum(path.read_text().count("\n") for path in self.folder.glob("demo/runs/*/received.jsonl"))
            if lines >= at_least:
                return
            try:
                story_process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"The story ended early: {story_process.stdout.read()}")
        pytest.fail("The story did not get on.")


@pytest.fixture
def installation(tmp_path_factory):
    made = Installation(tmp_path_factory.mktemp("data"))
    migrated = made.manage("migrate", "--verbosity", "0")
    assert migrated.wait(300) == 0, migrated.stdout.read()
    yield made
    embedded.stop(made.folder)


def ended(process):
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "Every promise was kept." in said
    return said


@pytest.mark.prove
@pytest.mark.parametrize("server", ["postgres", "valkey", "supervisor"])
def test_a_server_killed_in_the_middle_of_the_story_costs_no_promise(installation, server):
    told = installation.tell()
    installation.wait_for_mails(told, at_least=25)
    os.kill(embedded.pids(installation.folder)[server], signal.SIGKILL)
    ended(told)


@pytest.mark.prove
def test_a_killed_worker_and_a_killed_database_cost_no_promise_after_a_restart(installation):
    for mails in (20, 70):
        told = installation.tell()
        installation.wait_for_mails(told, at_least=mails)
        told.kill()
        told.wait()
        os.kill(embedded.pids(installation.folder)["postgres"], signal.SIGKILL)
    ended(installation.tell())
    assert len(list(installation.folder.glob("demo/runs/*/run.json"))) == 1  # taken up, not begun anew


# --- every send explains itself ---


def test_every_send_and_every_stop_of_a_story_explains_itself(transactional_db, tmp_path):
    told = story.run_once(prospects=6, seed=5, now=timezone.now(), root=tmp_path)
    assert told.broken == ()
    for message in Message.objects.filter(state="sent"):
        assert message.why["rule"] == "due"
        assert message.subject
        assert message.marked_at is not None
        assert message.smtp_code == 250
    campaign = Campaign.objects.get()
    for enrollment in Enrollment.objects.select_related("prospect"):
        explained = explaining.explain(prospect=enrollment.prospect, campaign=campaign, now=timezone.now())
        assert explained.enrolled
        assert len(explained.lines) == 4  # the whole way, and each of three steps
        assert all(line.sentence[:1].isupper() for line in explained.lines)
        assert explained.lines[0].sentence.startswith(("Finished ", "Stopped "))
