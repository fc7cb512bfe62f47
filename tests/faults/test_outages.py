"""What outages.py tries, on a PostgreSQL and a Redis of its own: nobody else's are killed."""

import os
import subprocess
import sys

import pytest

from outreach import embedded
from tests.installation import OWN_SERVERS, PROJECT


@pytest.mark.prove
def test_servers_that_die_hang_or_are_full_lose_nothing_and_repeat_nothing(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS and "XDIST" not in name}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/faults/outages.py"]
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**kept, "DATA_DIR": str(tmp_path / "data")},
            capture_output=True,
            text=True,
            timeout=600,
        )
    finally:
        embedded.stop(tmp_path / "data")
    assert done.returncode == 0, done.stdout[-6000:]
