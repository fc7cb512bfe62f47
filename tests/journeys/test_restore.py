"""A backup is put back under a whole installation, as docs/operations.md says; the receiving log is the witness."""

import json
import subprocess
from collections import Counter

import pytest

from outreach import embedded
from outreach.embedded import binaries
from outreach.embedded import folder as folders

pytestmark = pytest.mark.prove


def run(program, data, *words):
    path, _ = binaries.postgres()
    sockets = str(folders.at(data).sockets)
    command = [str(path / program), "--host", sockets, "--username", "outreach", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def copies(installation):
    """How often each message was received."""
    logs = (installation.data / "demo").glob("**/received*.jsonl")
    return Counter(json.loads(line)["message_id"] for log in logs for line in log.read_text().splitlines())


def test_nothing_leaves_a_database_that_was_put_back_until_a_person_confirms(installation, tmp_path):
    dump = str(tmp_path / "outreach.dump")
    installation.wait(lambda: installation.status() == 200, seconds=90)
    visitor = installation.visitor()
    installation.wait(lambda: installation.received() > 5, seconds=60)
    run("pg_dump", installation.data, "--format", "custom", "--file", dump, "outreach")
    before = installation.received()
    installation.wait(lambda: installation.received() > before + 3, seconds=120)
    assert installation.stop() == 0

    embedded.ensure_up(installation.data)
    run("pg_restore", installation.data, "--dbname", "outreach", "--clean", "--if-exists", dump)
    embedded.stop(installation.data)
    rest = installation.received()
    installation.start()
    installation.wait(lambda: installation.status() == 200, seconds=60)
    installation.wait(lambda: "All sending is held" in visitor.get("/"), seconds=30)
    for path in ("/inbox/", "/campaigns/", "/prospects/"):
        assert "put back from a backup" in visitor.get(path), path
    assert installation.received() == rest
    assert "may have been sent" in visitor.post("/sending/held/", restored="yes")
    installation.wait(lambda: "Nothing holds sending" in visitor.get("/sending/held/"), seconds=120)
    installation.wait(lambda: installation.received() > rest, seconds=120)
    assert max(copies(installation).values()) == 1
    assert installation.stop() == 0
