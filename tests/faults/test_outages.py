"""What outages.py and broker_outages.py try, on a PostgreSQL and a Redis of its own: nobody else's are killed."""

import os
import subprocess
import sys
import tempfile

import pytest

from outreach import embedded
from tests.installation import OWN_SERVERS, PROJECT

DISK = "600m"
OUTAGES = ("tests/faults/outages.py", "tests/faults/broker_outages.py")


@pytest.fixture
def small_disk():
    """A folder on a file system that is soon full; where mounting is not allowed, a folder."""
    with tempfile.TemporaryDirectory(prefix="outages") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "outages", folder]
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
        yield folder
        embedded.stop(folder)
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.prove
def test_servers_that_die_hang_or_are_full_lose_nothing_and_repeat_nothing(small_disk):
    kept = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS and "XDIST" not in name}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *OUTAGES]
    env = {**kept, "DATA_DIR": small_disk, "DURABLE": "1"}
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=900)
    print(done.stdout[-6000:])
    assert done.returncode == 0
