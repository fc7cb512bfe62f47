"""A sheet that waits for a worker: stored whole, run in slices, cut off anywhere, and the same in the end."""

import io
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.lib.errors import DomainError
from prospects import editing, suppression, tasks
from prospects.importing import choosing, previewing, running, storing, uploading
from prospects.importing.files import UnreadableFile
from prospects.models import ImportBatch, ImportChunk, Prospect, Segment
from tests import amounts

HEADER = "Email,First Name,Company\n"


def upload(content, now, **options):
    content = content.encode() if isinstance(content, str) else content
    defaults = {"file_name": "people.csv", "by": None, "now": now}
    return uploading.store(source=io.BytesIO(content), **{**defaults, **options})


def ready(content, now, **options):
    """Uploaded, with the columns as they are suggested, and in the queue."""
    batch = upload(content, now, **options)
    choosing.choose_by_names(batch=batch)
    assert uploading.queue(batch=batch)
    batch.refresh_from_db()
    return batch


def choose(batch, targets):
    choosing.choose_columns(batch=batch, choices=[choosing.Choice(targets)])


def counts(batch):
    return batch.added, batch.changed, batch.unchanged, batch.rejected


def people():
    return list(Prospect.objects.order_by("email").values("email", "first_name", "company", "custom", "country"))


def test_keeps_the_bytes_as_they_came(db, now, monkeypatch):
    monkeypatch.setattr(storing, "PIECE", 7)
    content = (HEADER + "zoë@a.example,Zoë,Acme\n").encode("cp1252")
    batch = upload(content, now)
    stored = uploading.StoredFile(batch)
    assert b"".join(iter(lambda: stored.read(5), b"")) == content
    assert (batch.status, batch.bytes_total, stored.position) == ("uploaded", len(content), len(content))
    assert ImportChunk.objects.count() > 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (HEADER.encode(), "nobody below it"),
        (b"PK\x03\x04rest", "damaged"),
        (b"Anna (anna@a.example),Anna\nb@b.example,B\n", "the first line must name the columns"),
        (b",".join(b"c%d" % n for n in range(300)) + b"\n1\n", "300 columns"),
    ],
)
def test_refuses_at_once_what_is_no_table_of_people(db, now, content, words):
    with pytest.raises(UnreadableFile, match=words):
        upload(content, now)
    assert not ImportBatch.objects.exists()
    assert not ImportChunk.objects.exists()


def test_refuses_a_sheet_that_is_too_large(db, now, monkeypatch):
    monkeypatch.setattr(storing, "MOST_BYTES", 20)
    with pytest.raises(UnreadableFile, match="cut the sheet in two"):
        upload(HEADER + "anna@a.example,Anna,Acme\n", now)
    assert not ImportBatch.objects.exists()


def test_refuses_a_tag_that_is_too_long(db, now):
    with pytest.raises(DomainError) as caught:
        upload(HEADER + "anna@a.example,Anna,Acme\n", now, tag="x" * 60)
    assert [problem.field for problem in caught.value.problems] == ["tag"]


def test_suggests_what_each_column_means_and_shows_its_first_values(db, now):
    batch = upload("Mail,City,,City\na@a.example,Köln,x,\nb@b.example,,y,Rom\n,,z,\nc@c.example,,q,\n", now)
    columns = choosing.columns(batch=batch)
    assert [(column.header, column.target, column.own) for column in columns] == [
        ("Mail", "email", "custom.mail"),
        ("City", "custom.city", "custom.city"),
        ("column 3", "custom.column_3", "custom.column_3"),
        ("City (4)", "custom.city_4", "custom.city_4"),
    ]
    assert [column.values for column in columns] == [
        ("a@a.example", "b@b.example", "c@c.example"),
        ("Köln",),
        ("x", "y", "z"),
        ("Rom",),
    ]


@pytest.mark.parametrize(
    ("targets", "fields"),
    [
        (["email", "email", ""], {"column-1"}),
        (["first_name", "", ""], {""}),
        (["email"], set()),
        (["email", "shoe", ""], {"column-1"}),
    ],
)
def test_refuses_meanings_that_cannot_be(db, now, targets, fields):
    batch = upload(HEADER + "anna@a.example,Anna,Acme\n", now)
    with pytest.raises(choosing.UnfitColumns) as caught:
        choose(batch, targets)
    assert {problem.field for problem in caught.value.problems} == fields
    assert not uploading.queue(batch=batch)


def test_tells_columns_apart_that_differ_in_case_alone(db, now):
    batch = upload("email,EMAIL\nanna@a.example,old@a.example\n", now)
    choose(batch, ["email", ""])
    batch.refresh_from_db()
    assert batch.mapping == {"email": "email", "EMAIL": ""}


def test_brings_everybody_in_and_throws_the_pieces_away(db, now):
    editing.add_prospect(email="known@a.example", by=None, first_name="Known", tags=["old"])
    batch = ready(
        HEADER + "anna@a.example,Anna,Acme\nknown@a.example,Known,\nno,,\n", now, source_name="fair", tag="june, vip"
    )
    tasks.run_imports()
    batch.refresh_from_db()
    assert (batch.status, counts(batch), batch.records_done) == ("done", (1, 0, 1, 1), 3)
    assert not ImportChunk.objects.exists()
    anna, known = Prospect.objects.order_by("email")
    assert (anna.source, anna.tags) == ("fair", ["june", "vip"])
    assert (known.source, known.tags) == ("", ["old", "june", "vip"])
    segment = uploading.segment_of(batch=batch, by=None)
    assert segment.filter == {"field": "tags", "op": "is", "value": "june"}
    assert uploading.segment_of(batch=batch, by=None) == segment


def test_gives_each_sheet_a_tag_that_nobody_else_has(db, now):
    editing.add_prospect(email="other@a.example", by=None, tags=["june"])
    sheets = [ready(HEADER + "anna@a.example,Anna,\n", now, tag="june") for _ in range(2)]
    assert [sheet.options["sheet_tag"] for sheet in sheets] == ["people 2026-03-04", "people 2026-03-04 (2)"]
    while running.run_next():
        pass
    assert Prospect.objects.get(email="anna@a.example").tags == ["june", "people 2026-03-04", "people 2026-03-04 (2)"]
    assert uploading.segment_of(batch=sheets[0], by=None).name == "From people.csv"
    assert uploading.segment_of(batch=sheets[1], by=None).name == "From people.csv (2)"
    assert Segment.objects.count() == 2


def test_counts_a_tag_for_everybody_as_nothing_new(db, now):
    content = HEADER + "".join(f"p{n}@a.example,P{n},Acme\n" for n in range(20))
    for wanted in ((20, 0, 0, 0), (0, 0, 20, 0)):
        batch = ready(content, now)
        running.run_next()
        batch.refresh_from_db()
        assert counts(batch) == wanted
    assert Prospect.objects.filter(tags__contains=[batch.options["sheet_tag"]]).count() == 20


def test_goes_on_behind_the_last_chunk_when_it_is_cut_off(db, now, monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 4)
    monkeypatch.setattr(running, "monotonic", count().__next__)  # a second passes whenever one looks
    rows = [f"p{n % 14}@a.example,P{n},Acme\n" for n in range(21)]  # the last seven are there already
    batch = ready(HEADER + "".join(rows), now)
    seen = []
    while running.run_next(seconds=0):
        batch.refresh_from_db()
        seen.append((batch.records_done, batch.status))
    assert [done for done, _ in seen] == [4, 8, 12, 16, 20, 21]
    assert seen[-1] == (21, "done")
    assert counts(batch) == (14, 0, 0, 7)
    first = batch.rows.order_by("line").first()
    assert (first.line, first.reason) == (16, "This is the same person as line 2.")


def test_loses_nothing_when_it_dies_within_a_chunk(db, now, monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 5)
    batch = ready(HEADER + "".join(f"p{n}@a.example,P{n},\n" for n in range(12)) + "bad,,\n", now)
    store = running.store

    def dies_at_the_second(**said):
        with transaction.atomic():
            counts = store(**said)
            if Prospect.objects.count() > 5:
                raise KeyboardInterrupt
            return counts

    monkeypatch.setattr(running, "store", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        running.run_next()
    batch.refresh_from_db()
    assert (batch.records_done, Prospect.objects.count(), batch.status) == (5, 5, "running")
    monkeypatch.setattr(running, "store", store)
    running.run_next()
    batch.refresh_from_db()
    assert (counts(batch), batch.status) == ((12, 0, 0, 1), "done")


def test_ends_an_import_that_can_never_work_and_says_so(db, now, monkeypatch):
    def breaks(**said):
        raise RuntimeError("a bug")

    batch = ready(HEADER + "anna@a.example,Anna,\n", now)
    monkeypatch.setattr(running, "store", breaks)
    with pytest.raises(RuntimeError):
        running.run_next()
    batch.refresh_from_db()
    assert (batch.status, batch.error) == ("failed", running.UNEXPECTED)
    assert running.run_next() is None


def test_fails_in_words_when_the_file_turns_into_something_else(db, now):
    text = (HEADER + "".join(f"p{n}@a.example,P,\n" for n in range(9_000))).encode("utf-16-le")
    batch = ready(b"\xff\xfe" + text + b"\x00\xd8\x00\x00x", now)
    running.run_next()
    batch.refresh_from_db()
    assert (batch.status, batch.error) == ("failed", "The file begins as UTF-16 and goes on as something else.")
    assert not ImportChunk.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_leaves_an_import_to_the_worker_that_is_at_it(now):
    ready(HEADER + "anna@a.example,Anna,\n", now)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [running.LOCK])
    assert running.run_next() is None
    other.close()
    while running.run_next() is None:  # the server notices the end of the session a moment later
        pass
    assert ImportBatch.objects.get().status == "done"


def test_takes_the_small_sheet_first(db, now, monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 10)
    large = ready(HEADER + "".join(f"p{n}@a.example,P{n},\n" for n in range(100)), now)
    small = ready(HEADER + "anna@a.example,Anna,\n", now)
    assert running.run_next(seconds=0) == small
    assert running.run_next(seconds=0) == large


def test_leaves_what_came_over_the_api_alone(db):
    ImportBatch.objects.create(file_name="api.csv", status="running")
    assert running.run_next() is None


def test_throws_away_what_nobody_went_on_with(db, now):
    batch = upload(HEADER + "anna@a.example,Anna,\n", now)
    assert uploading.forget(now=batch.created_at + timedelta(days=6)) == 0
    assert uploading.forget(now=batch.created_at + timedelta(days=8)) == 1
    assert not ImportChunk.objects.exists()


CELL = st.sampled_from(["", "Anna", "Berta", "Acme"])
ROWS = st.lists(st.tuples(st.integers(0, 5), CELL, CELL), min_size=1, max_size=12)


@settings(max_examples=20 if amounts.PROVING else 10)
@given(before=ROWS, sheet=ROWS)
def test_foretells_exactly_what_the_import_does(db, now, before, sheet):
    Prospect.objects.all().delete()
    for content in (before, sheet):
        batch = ready(HEADER + "".join(f"p{who}@a.example,{first},{firm}\n" for who, first, firm in content), now)
        ImportBatch.objects.filter(pk=batch.pk).update(status="uploaded")
        known = people()
        foretold = previewing.preview(batch=batch)
        assert people() == known
        ImportBatch.objects.filter(pk=batch.pk).update(status="queued")
        running.run_next()
        batch.refresh_from_db()
    totals = foretold.totals
    assert (totals["added"], totals["changed"], totals["same"], totals["left_out"]) == counts(batch)
    assert [line.line for line in foretold.lines] == sorted(line.line for line in foretold.lines)


def test_previews_with_reasons_and_marks_the_suppressed(db, now):
    editing.add_prospect(email="known@a.example", by=None, first_name="Known")
    suppression.suppress(kind="domain", value="b.example", reason="manual")
    batch = ready("Email,Company,City,Country\nnew@b.example,Acme,Köln,France\nknown@a.example,Acme,,\nno,,,\n", now)
    found = previewing.preview(batch=batch, size=2)
    assert found.has_more
    found = previewing.preview(batch=batch)
    assert [(line.line, line.address, line.effect, line.words, line.is_suppressed) for line in found.lines] == [
        (2, "new@b.example", "added", ("Company: Acme", "Country: FR", "Time zone: Europe/Paris", "city: Köln"), True),
        (3, "known@a.example", "changed", ("Company: Acme",), False),
        (4, "no", "left_out", (found.lines[2].words[0],), False),
    ]
    assert found.lines[2].words[0].startswith("Email address: ")
    assert (found.kept, found.suppressed, found.has_more) == (2, 1, False)
    assert Prospect.objects.count() == 1
