"""What an erasure, and all that fails on the way to it, leaves in the log files of the servers and in our own log."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.db import DatabaseError, connection, transaction

from outreach import embedded
from outreach.embedded import folder as folders
from outreach.embedded import servers
from prospects.models import Prospect
from tests import factories
from tests.architecture import facts
from tests.campaigns import canary
from tests.campaigns.canary import ADDRESS, TOKEN

PROJECT = Path(__file__).resolve().parents[2]
OTHER = "zaunkoenig8w"  # who may be found, to see that the search finds
END_WHO_WAITS = """
SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"""
AT_ONCE = "SET CONSTRAINTS ALL IMMEDIATE;"
TALKATIVE = f"{AT_ONCE} SET LOCAL log_error_verbosity = 'default'; SET LOCAL log_min_error_statement = error"


def failing(word):
    """Statements that fail: the word is said in them, or stands in the row that they are about."""
    theirs = f"WHERE email LIKE '{word}%'"
    return {
        "unique": "INSERT INTO prospects_savedmapping (public_id, name, mapping, options) "
        f"SELECT gen_random_uuid(), '{word}', '{{}}', '{{}}' FROM generate_series(1, 2)",
        "check": f"UPDATE prospects_prospect SET kind = 'nobody' {theirs}",
        "null": f"UPDATE prospects_prospect SET last_name = NULL {theirs}",
        "link": f"INSERT INTO prospects_note (public_id, text, prospect_id) VALUES (gen_random_uuid(), '{word}', 0)",
        "long": f"UPDATE prospects_prospect SET country = '{word}' {theirs}",
        "number": f"SELECT 1 / 0, '{word}'",
        "json": f"""SELECT '{{"{word}'::jsonb""",
        "syntax": f"SELECT '{word}' FROM FROM",
        "slow": f"SET LOCAL statement_timeout = 20; SELECT pg_sleep(9), '{word}'",
    }


def fails(statement, *, first):
    """Whether it does; `first` is said before it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(first)
            cursor.execute(statement)
    except DatabaseError:
        return True
    return False


def run_failing(word, *, first=AT_ONCE):
    """Runs them all; each must have failed."""
    assert [why for why, statement in failing(word).items() if not fails(statement, first=first)] == []


@pytest.fixture
def folder():
    """The data folder of the servers that this test uses."""
    found = folders.at(os.environ.get("DATA_DIR") or PROJECT / ".data")
    if (os.environ["DATABASE_URL"], os.environ["REDIS_URL"]) != (found.database_url, found.redis_url):
        pytest.skip("These servers are not ours: what they log is for whoever runs them.")
    return found


def sizes(folder):
    """Of what both servers wrote about what they do; the file in which Valkey keeps its commands is such a log too."""
    files = [path for place in (folder.logs, folder.valkey) for path in place.rglob("*") if path.is_file()]
    assert {"postgres.log", "valkey.log"} <= {path.name for path in files}
    return {path: path.stat().st_size for path in files}


def logged(folder, *, since):
    """What they wrote since then."""
    fresh = [path.read_bytes()[since.get(path, 0) :] for path in sizes(folder)]
    return b"\n".join(fresh).decode(errors="replace")


def process(*words, **environ):
    """A process of its own on the test's database."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "outreach.settings", **environ}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([sys.executable, *words], cwd=PROJECT, env=env, **pipes)


def erased_meanwhile_cut_off(person):
    """What the command says that erases somebody, and whose connection is ended by the server half-way."""
    with transaction.atomic(), connection.cursor() as cursor:
        Prospect.objects.select_for_update().get(pk=person.pk)
        erasing = process("manage.py", "erase_person", ADDRESS, "--reason", "asked us to", LOG_LEVEL="DEBUG")
        until(lambda: ended_by(cursor))
    said, _ = erasing.communicate(timeout=60)
    assert erasing.returncode == 0, said
    return said


def ended_by(cursor):
    """Whether somebody waited for us, whose connection the server then ended."""
    cursor.execute(END_WHO_WAITS)
    return cursor.rowcount


def until(what):
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # noqa: TID251 - another process's progress, not our own pace


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
def test_leaves_nothing_of_the_person_in_the_logs_of_the_servers_and_of_the_command(folder, now):
    since = sizes(folder)
    people = canary.write_about(now)
    canary.plant(people, facts.personal("PERSONAL"))
    factories.ProspectFactory(email=f"{OTHER}@other.example")
    run_failing(TOKEN)
    run_failing(OTHER, first=TALKATIVE)
    said = erased_meanwhile_cut_off(people[0])

    assert "transaction_retried" in said
    assert "Forgotten." in said
    assert TOKEN not in said
    told = logged(folder, since=since)
    assert told.count(OTHER) > len(failing(OTHER))
    assert TOKEN not in told
    assert canary.found_in(canary.dump()) == {}


@pytest.mark.prove
def test_leaves_no_statement_in_the_log_when_the_database_itself_is_killed(tmp_path):
    embedded.ensure_up(tmp_path)
    found = folders.at(tmp_path)
    try:
        with closing(psycopg2.connect(found.database_url)) as killed, killed.cursor() as cursor:
            threading.Timer(0.2, os.kill, [killed.info.backend_pid, signal.SIGKILL]).start()
            with pytest.raises(psycopg2.OperationalError):
                cursor.execute("SELECT pg_sleep(60), %s", [TOKEN])
        until(lambda: b"was terminated by signal 9" in (found.logs / "postgres.log").read_bytes())
        until(lambda: servers.all_up(found))
    finally:
        embedded.stop(tmp_path)
    assert TOKEN not in logged(found, since={})
