"""The embedded servers: real ones, in folders of their own, killed for real."""

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import environ
import psycopg2
import pytest
import redis

from outreach import embedded
from outreach.embedded import client, keys, processes, servers
from outreach.embedded import folder as folders

USER = """
import json, sys
from outreach import embedded
environ = {"SECRET_KEY": "x", "FIELD_ENCRYPTION_KEYS": "x", "INSTALLATION_KEY": "x"}
embedded.provide(environ, data_dir=sys.argv[1])
print(json.dumps(environ), flush=True)
sys.stdin.read()
"""
KEYS = """
import json, sys
from outreach.embedded import folder, keys
print(json.dumps(keys.agree(folder.at(sys.argv[1]))))
"""


def until(true, *, seconds=20):
    """Wait for something that other processes bring about."""
    deadline, never = time.monotonic() + seconds, threading.Event()
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        never.wait(0.02)


def begin(script, data_dir, **more):
    command = [sys.executable, "-c", script, str(data_dir)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=client.PROJECT, text=True, **pipes, **more)


@pytest.fixture
def data_dir(tmp_path):
    path = tmp_path / "data"
    yield path
    if path.is_dir():
        embedded.stop(path)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One folder with running servers for all tests that do not mind what happened before."""
    path = tmp_path_factory.mktemp("embedded") / "data"
    embedded.ensure_up(path)
    yield path
    embedded.stop(path)


def connect(data_dir):
    config = environ.Env.db_url_config(folders.at(data_dir).database_url)
    return psycopg2.connect(dbname=config["NAME"], user=config["USER"], **config["OPTIONS"])


def ask(data_dir, query):
    connection = connect(data_dir)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


def kill(data_dir, name):
    victim = embedded.pids(data_dir)[name]
    os.kill(victim, signal.SIGKILL)
    until(lambda: not processes.alive(victim))


class TestStarting:
    def test_gives_urls_that_django_and_redis_understand(self, running):
        folder = folders.at(running)
        assert environ.Env.db_url_config(folder.database_url)["OPTIONS"] == {"host": str(folder.sockets)}
        assert redis.Redis.from_url(folder.redis_url).ping()
        assert ask(running, "SELECT datlocale FROM pg_database WHERE datname = 'outreach'") == [("C.UTF-8",)]

    def test_keeps_what_was_committed(self, running):
        assert ask(running, "SHOW fsync") == [("on",)]
        assert ask(running, "SHOW synchronous_commit") == [("on",)]
        assert redis.Redis.from_url(folders.at(running).redis_url).config_get("appendonly") == {"appendonly": "yes"}

    def test_listens_on_sockets_that_only_the_owner_reaches(self, running):
        assert ask(running, "SHOW listen_addresses") == [("",)]
        assert stat.S_IMODE(folders.at(running).sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE(folders.at(running).postgres.stat().st_mode) == 0o700

    def test_shares_the_servers_between_processes(self, running):
        before = embedded.pids(running)
        other = begin(USER, running)
        said = json.loads(other.stdout.readline())
        other.communicate()
        assert said["DATABASE_URL"] == folders.at(running).database_url
        assert embedded.pids(running) == before
        assert before.keys() == {"supervisor", "postgres", "valkey"}

    def test_refuses_a_second_supervisor(self, running):
        before = embedded.pids(running)
        second = subprocess.run([sys.executable, "-m", "outreach.embedded", str(running)], cwd=client.PROJECT)
        assert second.returncode == 3
        assert embedded.pids(running) == before

    def test_starts_nothing_when_everything_is_set(self, tmp_path):
        given = dict.fromkeys((*keys.MADE, "DATABASE_URL", "REDIS_URL"), "given")
        environment = dict(given)
        embedded.provide(environment, data_dir=tmp_path / "data")
        assert environment.items() >= given.items()
        assert not (tmp_path / "data").exists()

    def test_fits_its_sockets_into_any_folder(self, tmp_path):
        long = folders.at(tmp_path / ("long" * 30))
        odd = folders.at(tmp_path / "a b?c")
        for folder in (long, odd):
            folder.prepare()
            try:
                assert len(str(folder.sockets)) < 90
                assert stat.S_IMODE(folder.sockets.stat().st_mode) == 0o700
            finally:
                folder.sockets.rmdir()
        assert long.sockets != odd.sockets

    @pytest.mark.prove
    def test_starts_once_for_ten_processes_at_once(self, data_dir):
        users = [begin(USER, data_dir) for _ in range(10)]
        said = {user.stdout.readline() for user in users}
        assert len(said) == 1
        log = (folders.at(data_dir).logs / "supervisor.log").read_text()
        assert log.count("postgres started") == 1
        for user in users:
            user.communicate()

    @pytest.mark.prove
    @pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a way around PostgreSQL's refusal of root")
    def test_runs_as_root_where_user_namespaces_are_forbidden(self, data_dir, tmp_path):
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "unshare").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / "unshare").chmod(0o755)
        user = begin(USER, data_dir, env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})
        assert user.stdout.readline(), user.stderr.read()
        assert ask(data_dir, "SELECT 1") == [(1,)]
        assert folders.at(data_dir).postgres.stat().st_uid == 65534
        postgres = embedded.pids(data_dir)["postgres"]
        kill(data_dir, "supervisor")
        until(lambda: not processes.alive(postgres))
        user.communicate()


@pytest.mark.prove
class TestSurviving:
    def test_survives_the_kill_of_postgresql_with_open_sessions(self, running):
        ask(running, "CREATE TABLE IF NOT EXISTS kept (id int); INSERT INTO kept VALUES (1)")
        session = connect(running)
        kill(running, "postgres")
        until(lambda: servers.all_up(folders.at(running)))
        session.close()
        assert ask(running, "SELECT count(*) > 0 FROM kept") == [(True,)]

    def test_survives_the_kill_of_valkey(self, running):
        redis.Redis.from_url(folders.at(running).redis_url).set("kept", "yes")
        until(
            lambda: (
                redis.Redis.from_url(folders.at(running).redis_url).info("persistence")["aof_pending_bio_fsync"] == 0
            )
        )
        kill(running, "valkey")
        until(lambda: servers.all_up(folders.at(running)))
        assert redis.Redis.from_url(folders.at(running).redis_url).get("kept") == b"yes"

    def test_survives_the_kill_of_the_supervisor(self, running):
        before = embedded.pids(running)
        kill(running, "supervisor")
        embedded.ensure_up(running)
        assert ask(running, "SELECT 1") == [(1,)]
        assert not before.items() & embedded.pids(running).items()
        assert not any(map(processes.alive, before.values()))

    def test_starts_over_a_process_number_that_belongs_to_somebody_else_by_now(self, data_dir):
        embedded.ensure_up(data_dir)
        embedded.stop(data_dir)
        folder = folders.at(data_dir)
        left = f"{os.getpid()}\n{folder.postgres}\n1\n5432\n{folder.sockets}\n\n  0 0\nready\n"
        (folder.postgres / "postmaster.pid").write_text(left)
        (folder.sockets / ".s.PGSQL.5432.lock").write_text(left)
        embedded.ensure_up(data_dir)
        assert ask(data_dir, "SELECT 1") == [(1,)]

    def test_begins_again_after_a_kill_while_the_folder_was_made(self, data_dir):
        (data_dir / "postgres.new" / "base").mkdir(parents=True)
        embedded.ensure_up(data_dir)
        assert not (data_dir / "postgres.new").exists()

    def test_ends_a_while_after_the_last_user(self, data_dir):
        user = begin(USER, data_dir)
        user.stdout.readline()
        started = embedded.pids(data_dir)
        user.kill()
        user.wait()
        until(lambda: not any(map(processes.alive, started.values())))
        assert embedded.pids(data_dir) == {}
        assert "database system is shut down" in (folders.at(data_dir).logs / "postgres.log").read_text()


class TestPlainWords:
    def test_refuses_a_folder_of_another_major_version(self, data_dir):
        (data_dir / "postgres").mkdir(parents=True)
        (data_dir / "postgres" / "PG_VERSION").write_text("9\n")
        with pytest.raises(embedded.EmbeddedError, match=r"was made by PostgreSQL 9, but \d+ is what runs here"):
            embedded.ensure_up(data_dir)

    def test_says_what_is_wrong_with_a_broken_folder(self, data_dir):
        (data_dir / "postgres").mkdir(parents=True)
        with pytest.raises(embedded.EmbeddedError, match=r"PG_VERSION.*restore the folder from a backup"):
            embedded.ensure_up(data_dir)

    @pytest.mark.prove
    def test_says_what_is_wrong_with_a_damaged_database(self, data_dir):
        embedded.ensure_up(data_dir)
        embedded.stop(data_dir)
        os.truncate(data_dir / "postgres" / "global" / "pg_control", 100)
        with pytest.raises(embedded.EmbeddedError, match=r"PostgreSQL does not start.*pg_control"):
            embedded.ensure_up(data_dir)

    @pytest.mark.prove
    def test_says_what_is_wrong_with_a_damaged_redis_file(self, data_dir):
        embedded.ensure_up(data_dir)
        embedded.stop(data_dir)
        (data_dir / "valkey" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
        with pytest.raises(embedded.EmbeddedError, match="Nothing in that folder is needed"):
            embedded.ensure_up(data_dir)

    def test_says_that_a_file_is_in_the_way(self, tmp_path):
        (tmp_path / "data").write_text("not a folder")
        with pytest.raises(embedded.EmbeddedError, match="is not a folder"):
            embedded.ensure_up(tmp_path / "data")

    def test_ends_a_command_with_the_sentence_alone(self, tmp_path):
        (tmp_path / "data").write_text("not a folder")
        user = begin(USER, tmp_path / "data")
        _, complaint = user.communicate()
        assert user.returncode == 1
        assert complaint.startswith("The data folder")
        assert "Traceback" not in complaint


class TestSecrets:
    def test_agrees_on_one_set_under_a_race(self, tmp_path):
        racers = [begin(KEYS, tmp_path / "data") for _ in range(6)]
        answers = {racer.communicate()[0] for racer in racers}
        assert len(answers) == 1
        assert json.loads(answers.pop()).keys() == keys.MADE.keys()

    def test_keeps_them_for_the_owner(self, tmp_path):
        keys.agree(folders.at(tmp_path))
        assert stat.S_IMODE((tmp_path / "secrets.env").stat().st_mode) == 0o600

    def test_adds_what_an_older_file_lacks(self, tmp_path):
        (tmp_path / "secrets.env").write_text("SECRET_KEY=old\n")
        made = keys.agree(folders.at(tmp_path))
        assert made["SECRET_KEY"] == "old"
        assert keys.read(tmp_path / "secrets.env") == made

    def test_refuses_to_replace_lost_ones_under_a_database(self, tmp_path):
        (tmp_path / "postgres").mkdir()
        with pytest.raises(embedded.EmbeddedError, match="Restore the file from your backup"):
            keys.agree(folders.at(tmp_path))
        (tmp_path / "secrets.env").touch()
        assert keys.agree(folders.at(tmp_path)).keys() == keys.MADE.keys()

    def test_waits_for_another_process_that_makes_them(self, tmp_path):
        folder = folders.at(tmp_path)
        folder.prepare()
        lock = folders.open_lock(folder.lock_file("keys"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        racer = begin(KEYS, tmp_path)
        folders.replace(folder.keys, "".join(f"{name}=theirs\n" for name in keys.MADE))
        os.close(lock)
        assert json.loads(racer.communicate()[0]) == dict.fromkeys(keys.MADE, "theirs")

    def test_reads_what_people_write_into_such_a_file(self, tmp_path):
        (tmp_path / ".env").write_text(
            "# a comment=1\n\nA=1\nexport B = two words # said\nC=\"quoted # kept\"\nD='x=y'\nE=\nnonsense\n"
        )
        expected = {"A": "1", "B": "two words", "C": "quoted # kept", "D": "x=y", "E": ""}
        assert keys.read(tmp_path / ".env") == expected
