"""However a file is cut into chunks and slices: the same people, the same rows left out."""

import io
import threading
import time

import pytest
from django.db import connection
from hypothesis import assume, given
from hypothesis import strategies as st

from outreach.lib import signing
from prospects import editing
from prospects.importing import choosing, chunks, running, uploading
from prospects.importing.files import import_file
from prospects.importing.seen import Seen, restored
from prospects.models import ImportBatch, ImportChunk, Prospect
from tests import amounts

SPELLINGS = {
    "anna@a.example": "anna",
    "ANNA+x@A.example": "anna",
    "Berta@gmail.com": "berta",
    "b.erta@googlemail.com": "berta",
    "carl@c.example": "carl",
    "münch@c.example": "münch",
    "nobody": "",
    "": "",
}
TEXTS = st.sampled_from(["", "", "Ann", "Bo", 'C "c"', "Zoë", "ab\\c", "'x"])
ROWS = st.lists(st.tuples(st.sampled_from(sorted(SPELLINGS)), TEXTS, TEXTS), min_size=1, max_size=12)


def queued(rows, now):
    text = io.StringIO()
    for row in [("Email", "First Name", "Company"), *rows]:
        text.write(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n")
    source = io.BytesIO(text.getvalue().encode())
    batch = uploading.store(source=source, file_name="people.csv", by=None, now=now)
    choosing.choose_by_names(batch=batch)
    uploading.queue(batch=batch)
    batch.refresh_from_db()
    return batch


def name_of(address):
    local, _, domain = address.lower().partition("@")
    local = local.partition("+")[0]
    return local.replace(".", "") if "mail.com" in domain else local


def expected(rows, known):
    """Row by row: who is in it for the first time is added or filled in; everybody else is left out."""
    people = {name: list(fields) for name, fields in known.items()}
    seen, left_out = set(), []
    for line, (address, first_name, company) in enumerate(rows, start=2):
        name = SPELLINGS[address]
        if not any((address, first_name, company)):
            continue  # a blank line is none
        if not name or name in seen:
            left_out.append(line)
            continue
        seen.add(name)
        old = people.setdefault(name, ["", ""])
        people[name] = [was or new for was, new in zip(old, (first_name, company), strict=True)]
    return people, left_out


@amounts.STORIES
@given(ROWS, st.sets(st.sampled_from(["anna@a.example", "b.erta@gmail.com"])), st.integers(1, 5), st.booleans())
def test_does_what_a_person_would_do_row_by_row(db, now, rows, known, size, in_slices):
    assume(any(map(any, rows)))
    Prospect.objects.all().delete()
    for address in known:
        editing.add_prospect(email=address, by=None, first_name="Known")
    people, left_out = expected(rows, {name_of(address): ["Known", ""] for address in known})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "CHUNK", size)
        batch = queued(rows, now)
        while running.run_next(seconds=0 if in_slices else 60):
            pass
    stored = Prospect.objects.values_list("email", "first_name", "company")
    assert {name_of(email): said for email, *said in stored} == people
    batch.refresh_from_db()
    assert (batch.status, batch.records_done) == ("done", sum(map(any, rows)))
    assert list(batch.rows.order_by("line").values_list("line", flat=True)) == left_out
    assert batch.added + batch.changed + batch.unchanged + batch.rejected == batch.records_done


def test_remembers_over_a_cut_off_who_stood_in_the_file(db, now, monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 2)
    names = ["anna@a.example", "carl@c.example", "berta@gmail.com", "Carl+x@c.example", "b.erta@gmail.com"]
    batch = queued([(name, "", "") for name in names], now)
    while running.run_next(seconds=0):
        batch.refresh_from_db()
        if batch.status == "running":
            seen = restored(batch)
            assert len(seen) == min(batch.records_done, 3)
    reasons = dict(batch.rows.values_list("line", "reason"))
    assert reasons == {5: "This is the same person as line 3.", 6: "This is the same person as line 4."}
    assert not ImportChunk.objects.exists()


def test_starts_where_the_last_transaction_ended(db, now, monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 2)
    batch = queued([(f"p{n}@a.example", "P", "") for n in range(7)], now)
    read = chunks.Reader.read
    taken = []

    def counted(self, records):
        taken.extend(record.line for record in records)
        return read(self, records)

    monkeypatch.setattr(chunks.Reader, "read", counted)
    while running.run_next(seconds=0):
        pass
    batch.refresh_from_db()
    assert (batch.added, batch.bytes_done) == (7, batch.bytes_total)
    assert sorted(set(taken)) == list(range(2, 9))
    assert len(taken) <= 7 + 2 * 3, "what is done is not read again; one chunk ahead is"


def test_does_not_lose_a_person_among_many():
    seen = Seen()
    keys = [signing.keyed_hash("address", str(n)) for n in range(10_000)]
    assert [seen.first(key, line, 3) for line, key in enumerate(keys)] == [None] * len(keys)
    again = Seen()
    again.add(seen.fresh())
    assert [again.first(key, 0) for key in keys] == [(3, line) for line in range(len(keys))]
    assert seen.fresh() == again.fresh() == b""


def beside(work):
    """On a connection of its own, as another process would."""
    found = []

    def run():
        try:
            found.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def sheet(count):
    return io.BytesIO("".join(["Email\n", *(f"p{n}@a.example\n" for n in range(count))]).encode())


def test_keeps_a_workers_tick_out_of_a_file_that_a_command_brings_in(transactional_db, monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 10)
    ticks = []

    def progress(done):
        if done == 20:
            ticks.append(beside(lambda: running.run_next(seconds=0)))

    batch = import_file(source=sheet(100), file_name="people.csv", by=None, progress=progress)
    assert ticks == [None]
    assert (batch.status, batch.added, Prospect.objects.count()) == ("done", 100, 100)


def test_lets_a_command_wait_for_the_slice_that_is_under_way(transactional_db):
    begun, seen = threading.Event(), []

    def slice_of_a_worker():
        with running.alone() as taken, connection.cursor() as cursor:
            assert taken
            begun.set()
            until = time.monotonic() + 30
            while not seen and time.monotonic() < until:
                cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
                if cursor.fetchone()[0]:
                    seen.append(ImportBatch.objects.get().status)
        connection.close()

    worker = threading.Thread(target=slice_of_a_worker)
    worker.start()
    assert begun.wait(30)
    batch = import_file(source=sheet(3), file_name="people.csv", by=None)
    worker.join()
    assert seen == ["uploaded"], "nobody takes it up meanwhile"
    assert (batch.status, batch.added) == ("done", 3)
