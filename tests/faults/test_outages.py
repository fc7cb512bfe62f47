"""What the files of outages try, each on a PostgreSQL and a Redis of its own: nobody else's are killed."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from outreach import embedded
from tests.installation import OWN_SERVERS, PROJECT

DISK = "600m"
OUTAGES = (  # side by side: they mostly wait
    ("tests/faults/outages.py", "tests/faults/redis_outages.py"),
    ("tests/faults/broker_outages.py",),
)


@contextmanager
def small_disk():
    """A folder on a file system that is soon full; where mounting is not allowed, a folder."""
    with tempfile.TemporaryDirectory(prefix="outages") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "outages", folder]
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
        yield folder
        embedded.stop(folder)
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)


def tried(files):
    kept = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS and "XDIST" not in name}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *files]
    with small_disk() as folder:
        env = {**kept, "DATA_DIR": folder, "DURABLE": "1"}
        return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=900)


@pytest.mark.prove
def test_servers_that_die_hang_or_are_full_lose_nothing_and_repeat_nothing():
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(tried, OUTAGES))
    for each in done:
        print(each.stdout[-6000:])
    assert [each.returncode for each in done] == [0] * len(OUTAGES)
