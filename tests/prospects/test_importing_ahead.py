"""Making ready beside: a copy of the process that works ahead, ends with it, and leaves its connection alone."""

import os
import signal

import pytest
from django.db import connection

from prospects.importing import ahead, running
from prospects.importing.files import UnreadableFile, import_file
from prospects.models import ImportBatch, Prospect
from tests.racing import until

pytestmark = pytest.mark.django_db(transaction=True)


def server_process():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def is_gone(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_gives_what_is_made_in_its_order():
    known = ["tea", "cake"]
    with ahead.beside(lambda: (f"{word} {number}" for number, word in enumerate(known))) as made:
        assert list(made) == ["tea 0", "cake 1"]


def test_works_on_a_connection_of_its_own():
    ours = server_process()
    with ahead.beside(lambda: (server_process() for _ in range(2))) as made:
        first, second = made
    assert first == second != ours
    assert server_process() == ours


def test_raises_here_what_is_raised_there():
    def make():
        yield 1
        raise ValueError("no more")

    with ahead.beside(make) as made:
        assert next(made) == 1
        with pytest.raises(ValueError, match="no more"):
            next(made)


def test_says_when_it_ended_before_its_time():
    def make():
        yield os.getpid()
        os.kill(os.getpid(), signal.SIGKILL)

    with ahead.beside(make) as made:
        next(made)
        with pytest.raises(ahead.Lost):
            next(made)


def test_ends_when_nobody_wants_more():
    def make():
        while True:
            yield os.getpid()

    with ahead.beside(make) as made:
        process = next(made)
        assert not is_gone(process)
    until(lambda: is_gone(process))


def test_tells_why_a_long_file_can_not_be_read_to_its_end(tmp_path):
    path = tmp_path / "people.csv"
    rows = "".join(f"person{row}@site.example,Ada {row}\r\n" for row in range(running.CHUNK * 3))
    path.write_bytes(f"Email,First name\r\n{rows}".encode("utf-16-le") + b"\x00\xd8\x41\x00" * 400)
    assert path.stat().st_size > running.LONG
    with path.open("rb") as source, pytest.raises(UnreadableFile, match="goes on as something else"):
        import_file(source=source, file_name=path.name, by=None)
    batch = ImportBatch.objects.get()
    assert batch.status == ImportBatch.Status.FAILED
    assert Prospect.objects.count() == batch.added > 0
