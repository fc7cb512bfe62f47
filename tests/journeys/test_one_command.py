"""The whole installation as a newcomer starts it, killed in the middle, and held against the receiving server's log."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from outreach import embedded

PROJECT = Path(__file__).resolve().parents[2]
OWN_SERVERS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "INSTALLATION_KEY", "PUBLIC_URL")

pytestmark = pytest.mark.prove


class Installation:
    """`manage.py run` in a data folder of its own."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.data = folder / "data"
        kept = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS}
        self.env = {**kept, "DATA_DIR": str(self.data), "PORT": str(self.port), "DEMO": "on"}
        self.log = folder / "log.txt"

    def start(self):
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"], cwd=PROJECT, env=self.env, stdout=out, stderr=out
            )
        return self

    def status(self, path="/ready"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def wait(self, what, *, seconds):
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.5)  # noqa: TID251 - another process's progress, not our own pace

    def received(self):
        logs = list((self.data / "demo").glob("**/received*.jsonl"))
        return sum(len(log.read_text().splitlines()) for log in logs)

    def worker(self):
        """The pid of the worker that hands over this installation's mail."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == self.process.pid and b"mail@" in command:
                return int(folder.name)
        return None

    def manage(self, *words):
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=PROJECT, env=self.env, capture_output=True, text=True, timeout=120)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path).start()
    yield made
    if made.process.poll() is None:
        made.process.kill()
    embedded.stop(made.data)


def test_comes_up_survives_kills_and_keeps_every_promise(installation):
    installation.wait(lambda: installation.status() == 200, seconds=90)
    installation.wait(lambda: installation.received() > 30, seconds=60)
    pids = embedded.pids(installation.data)
    for pid in (installation.worker(), pids["postgres"], pids["valkey"]):
        os.kill(pid, signal.SIGKILL)
        installation.wait(lambda: installation.worker() is not None, seconds=30)
    installation.wait(lambda: installation.status() == 200, seconds=90)
    installation.wait(lambda: installation.received() > 320, seconds=180)
    checked = installation.manage("demo", "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert installation.stop() == 0
    began = time.monotonic()
    installation.start()
    installation.wait(lambda: installation.status() == 200, seconds=60)
    assert time.monotonic() - began < 30
    assert installation.manage("demo", "--check").returncode == 0
    assert installation.stop() == 0
