"""The whole installation as a newcomer starts it, killed in the middle, and held against the receiving server's log."""

import os
import signal
import time

import pytest

from outreach import embedded

pytestmark = pytest.mark.prove


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
