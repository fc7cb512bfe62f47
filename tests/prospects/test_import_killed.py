"""An import whose process is killed in the middle of a transaction, and goes on: as if nothing had happened."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction

from prospects import editing
from prospects.importing import running
from prospects.importing.files import import_file
from prospects.models import Address, ImportBatch, ImportChange, ImportRow, Note, Prospect, Site, Suppression
from tests.racing import until

pytestmark = pytest.mark.django_db(transaction=True)

PROJECT = Path(__file__).resolve().parents[2]
HEADER = "Email,First name,Company,Website,Country,Tags,Last mailed,Do not contact,Comments"
WORKER = "import django; django.setup(); from prospects.importing import running; running.run_next(seconds=3600)"
BLOCKED = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
# Keys and times of their own, and what other columns stand for.
OWN = {"id", "public_id", "created_at", "batch", "import_batch", "owner", "created_by", "data"}
LINKS = {"site": "site__domain", "prospect": "prospect__email"}
COUNTS = ("status", "error", "records_done", "bytes_done", "added", "changed", "unchanged", "rejected", "researched")


def known(row):
    """The address of a person who is known before, and about whom the file has something new in that row."""
    return f"known{row}@site{row % 700}.example"


def write(path, *, rows, known_rows):
    """A list as people send it; what stood in it long before stands there again, a chunk or two later."""
    lines = [HEADER]
    for row in range(rows):
        email = known(row) if row in known_rows else f"person{row}@site{row % 700}.example"
        if row % 97 == 5:
            email = f"PERSON{row % 89}@site{row % 89}.example"  # of the first rows
        elif row % 101 == 7:
            email = ["", "n/a", "nobody at all", f"x@@site{row}.example"][row % 4]
        elif row % 103 == 9:
            email = f'"{email}; other{row}@site{row % 700}.example"'
        mailed, no, said = ("2026-02-03" if row % 50 == 1 else "", "x" * (row % 211 == 3), "nice" * (row % 107 == 11))
        page = f"https://www.site{row % 700}.example/about"
        lines.append(f"{email},Ada {row},Company {row % 40},{page},Germany,tea,{mailed},{no},{said}")
    path.write_text("\n".join(lines))


def child(*words):
    """A process of its own on the test's database."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "outreach.settings", "LOG_LEVEL": "WARNING"}
    return subprocess.Popen([sys.executable, *words], cwd=PROJECT, env=env, stdout=subprocess.DEVNULL)


def killed(words, *, at_row):
    """Stops the process in the transaction that holds this row of the file: we hold the row of its person. How far
    it had come.
    """
    with transaction.atomic():
        Prospect.objects.select_for_update().get(email=known(at_row))
        process = child(*words)
        try:
            until(lambda: _is_waited_for() or process.poll() is not None)
        finally:
            process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it ended without this row"
        return ImportBatch.objects.latest("id").records_done


def _is_waited_for():
    with connection.cursor() as cursor:
        cursor.execute(BLOCKED)
        return cursor.fetchone()[0]


def worked_off():
    """The worker's ticks, until nothing is left: what the killed one held is free again by itself."""
    until(lambda: running.run_next() is None and not ImportBatch.objects.filter(status="running").exists())


def table():
    """All that the file left behind, without keys and times of their own."""
    kept = {model.__name__: _rows(model) for model in (Prospect, Site, Address, Note, Suppression, ImportRow)}
    kept["ImportChange"] = _rows(ImportChange)
    return kept | {"batch": [ImportBatch.objects.values_list(*COUNTS).latest("id")]}


def _rows(model):
    names = [LINKS.get(field.name, field.name) for field in model._meta.concrete_fields if field.name not in OWN]
    return sorted(map(str, model.objects.values_list(*names)))


def afresh(known_rows):
    """Nobody but those who are known before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE prospects_prospect, prospects_site, prospects_suppression, prospects_importbatch CASCADE"
        )
    for row in known_rows:
        editing.add_prospect(email=known(row), by=None)


@pytest.mark.parametrize(
    ("rows", "cuts"),
    [
        pytest.param(5_500, [5_200], id="one kill"),
        pytest.param(20_000, [6_000, 13_500, 19_999], id="three kills", marks=pytest.mark.prove),
    ],
)
def test_is_the_same_after_kills_in_the_middle_of_a_transaction(tmp_path, rows, cuts):
    path = tmp_path / "people.csv"
    write(path, rows=rows, known_rows=cuts)
    afresh(cuts)
    with path.open("rb") as source:
        import_file(source=source, file_name=path.name, by=None, source_name="a fair")
    clean = table()

    afresh(cuts)
    command = ["manage.py", "import_prospects", str(path), "--source", "a fair"]
    far = [killed(words, at_row=row) for words, row in zip([command, *[["-c", WORKER]] * 2], cuts, strict=False)]
    assert far == [row // running.CHUNK * running.CHUNK for row in cuts]
    assert clean != table()
    worked_off()

    for name, found in table().items():
        assert len(found) == len(clean[name]) > 0, name
        assert found == clean[name], name
