"""The whole installation as a newcomer starts it; the fixture `installation` is known through tests/conftest.py."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

from outreach import embedded

PROJECT = Path(__file__).resolve().parents[1]
OWN_SERVERS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "INSTALLATION_KEY", "PUBLIC_URL")


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

    def visitor(self):
        """A browser without a window, signed in as the first administrator."""
        return Visitor(self)


class Visitor:
    """Reads pages and sends forms over HTTP, with the session and the token that a browser would have."""

    def __init__(self, installation):
        self.base = f"http://127.0.0.1:{installation.port}"
        self.jar = CookieJar()
        self.open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar)).open
        told = r"admin with the password (\S+)"
        installation.wait(lambda: re.search(told, installation.log.read_text()), seconds=30)
        password = re.search(told, installation.log.read_text())[1]
        self.get("/sign-in/")
        self.post("/sign-in/", username="admin", password=password)

    def get(self, path):
        with self.open(self.base + path, timeout=30) as response:
            return response.read().decode()

    def post(self, path, **fields):
        token = next(cookie.value for cookie in self.jar if cookie.name == "csrftoken")
        body = urlencode({"csrfmiddlewaretoken": token, **fields}, doseq=True).encode()
        with self.open(urllib.request.Request(self.base + path, body), timeout=60) as response:
            return response.read().decode()


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path).start()
    yield made
    if made.process.poll() is None:
        made.process.kill()
    embedded.stop(made.data)
