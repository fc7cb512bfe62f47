"""The one command: the log, the port, and real children that die, come back and go."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.management.base import CommandError

from outreach import running
from outreach.embedded import processes

RUNNER = """
import sys
from outreach import running
python = [sys.executable, "-u", "-c"]
lives = running.Program("worker", [*python, "import os, time; print('pid', os.getpid()); time.sleep(60)"])
stubborn = running.Program("demo", [*python,
    "import os, signal, time; signal.signal(15, signal.SIG_IGN); print('pid', os.getpid()); time.sleep(60)"])
running.Runner(children=[lives, stubborn], port=int(sys.argv[1]), out=sys.stdout, password="first-password").run()
"""


class Ready(BaseHTTPRequestHandler):
    """A web server that is always ready."""

    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 404)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def taken_port():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def ready_port():
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def runner(ready_port):
    """A runner in a process of its own; the environment names the test run's servers."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(ready_port)], stdout=subprocess.PIPE, text=True, cwd=running.PROJECT
    )
    yield process
    process.kill()
    process.communicate()


def lines_until(process, wanted, *, times=1):
    seen = []
    for line in process.stdout:
        seen.append(line.rstrip("\n"))
        times -= wanted in line
        if not times:
            return seen
    pytest.fail(f"{wanted!r} was never said in {seen}")


def pid_in(lines, name):
    return next(int(line.split("pid ")[1]) for line in lines if line.startswith(name) and "pid " in line)


def gone(pid):
    deadline, never = time.monotonic() + 10, threading.Event()
    while processes.alive(pid) and time.monotonic() < deadline:
        never.wait(0.02)
    return not processes.alive(pid)


class TestLog:
    def test_puts_the_name_before_each_whole_line(self):
        out = io.StringIO()
        log = running.Log(out)
        log.feed("web", b"one\ntw")
        log.feed("worker", b"other\r\n")
        log.feed("web", b"o\n")
        assert out.getvalue() == "web    | one\nworker | other\nweb    | two\n"

    def test_prints_the_last_line_of_a_process_that_died_in_it(self):
        out = io.StringIO()
        log = running.Log(out)
        log.feed("beat", b"half a li")
        log.finish("beat")
        assert out.getvalue() == "beat   | half a li\n"

    def test_prints_what_is_no_utf8_and_what_never_ends(self):
        out = io.StringIO()
        log = running.Log(out)
        log.feed("web", b"\xff\n")
        log.feed("web", b"x" * 70_000)
        assert out.getvalue() == f"web    | \N{REPLACEMENT CHARACTER}\nweb    | {'x' * 70_000}\n"

    def test_has_colours_on_a_terminal_alone(self, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        monkeypatch.delenv("NO_COLOR", raising=False)
        out = Terminal()
        running.Log(out).say("hello", name="web")
        assert out.getvalue() == "\x1b[36mweb    |\x1b[0m hello\n"
        monkeypatch.setenv("NO_COLOR", "1")
        plain = Terminal()
        running.Log(plain).say("hello", name="web")
        assert "\x1b" not in plain.getvalue()


class TestPort:
    def test_names_a_busy_port_and_the_way_out(self, taken_port):
        with pytest.raises(CommandError, match=rf"Port {taken_port} is in use .* `PORT={taken_port + 1} make run`"):
            running.port_from({"PORT": str(taken_port)})

    @pytest.mark.parametrize("said", ["web", "0", "65536", "-1", "80.5"])
    def test_refuses_what_is_no_port(self, said):
        with pytest.raises(CommandError, match="is not a port"):
            running.port_from({"PORT": said})


class TestServers:
    def test_says_nothing_when_both_answer(self, db):
        running.check_servers()

    def test_says_in_words_that_redis_does_not_answer(self, db, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        with pytest.raises(CommandError, match=r"Redis can't be reached: .*mend REDIS_URL"):
            running.check_servers()

    def test_says_in_words_that_postgresql_does_not_answer(self):
        nowhere = {**os.environ, "DATABASE_URL": "postgres://x@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"}
        command = [sys.executable, "manage.py", "run"]
        done = subprocess.run(command, env=nowhere, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert "PostgreSQL can't be reached" in done.stderr
        assert "Traceback" not in done.stderr


class TestPrograms:
    def test_leaves_the_demo_world_out_when_told_so(self):
        names = [program.name for program in running.programs(port=8000, demo=True)]
        assert names == ["web", "worker", "mail", "beat", "demo"]
        assert [program.name for program in running.programs(port=8000, demo=False)] == names[:4]


class TestWelcome:
    def test_tells_the_password_only_when_it_is_new(self):
        assert "s3cret" in running.welcome(8123, "s3cret")
        assert "changepassword admin" in running.welcome(8123, "s3cret")
        assert "password" not in running.welcome(8123, None)

    def test_names_every_address(self):
        for path in ("/", "/api/v1/docs/", "/ready"):
            assert f"http://127.0.0.1:8123{path} " in running.welcome(8123, None)


@pytest.mark.prove
class TestRunner:
    def test_announces_when_ready_and_stops_everything_on_a_signal(self, runner):
        lines = lines_until(runner, "first-password")
        children = [pid_in(lines, "worker"), pid_in(lines, "demo")]
        runner.send_signal(signal.SIGINT)
        rest, _ = runner.communicate(timeout=15)
        assert runner.returncode == 0
        assert rest.splitlines()[-1] == "run    | stopped"
        assert "first-password" not in rest
        assert not any(map(processes.alive, children))

    def test_says_the_password_again_below_everything_else_on_a_terminal(self, ready_port):
        ours, its = os.openpty()
        command = [sys.executable, "-c", RUNNER, str(ready_port)]
        process = subprocess.Popen(command, stdout=its, text=True, cwd=running.PROJECT)
        os.close(its)
        try:
            with open(ours, errors="replace") as terminal:
                said = []
                while sum("first-password" in line for line in said) < 2:
                    said.append(terminal.readline())
        finally:
            process.kill()
            process.wait()
        again = len(said) - 1
        assert not any("first-password" in line for line in said[again - 2 : again])
        assert gone(pid_in([re.sub("\x1b.*?m", "", line) for line in said], "worker"))

    def test_restarts_a_child_that_is_killed(self, runner):
        first = pid_in(lines_until(runner, "worker | pid"), "worker")
        os.kill(first, signal.SIGKILL)
        lines = lines_until(runner, "worker | pid")
        assert "run    | worker ended (signal 9) and starts again in 1 s" in lines
        assert pid_in(lines, "worker") != first

    def test_takes_its_children_along_when_it_is_killed(self, runner):
        lines = lines_until(runner, "first-password")
        runner.kill()
        assert gone(pid_in(lines, "worker"))
        assert gone(pid_in(lines, "demo"))
