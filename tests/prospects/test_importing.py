"""From a file to people: nothing is lost without a word, nobody is there twice."""

import io
import json
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from outreach.lib import spreadsheets
from prospects import editing, suppression
from prospects.importing import running
from prospects.importing.files import UnreadableFile, import_file
from prospects.importing.records import records
from prospects.models import ImportBatch, Prospect, Site
from tests import corpora

HEADER = "Email,First Name,Company\n"


def read(content, **options):
    content = content.encode() if isinstance(content, str) else content
    defaults = {"file_name": "people.csv", "by": None}
    return import_file(source=io.BytesIO(content), **{**defaults, **options})


def counts(batch):
    return batch.added, batch.changed, batch.unchanged, batch.rejected


def rejects(batch):
    return {row.line: row.reason for row in batch.rows.all()}


def test_adds_people_with_keys_sites_and_everything_the_columns_say(db, manager):
    batch = read(
        "E-mail Address;Vorname;Last Name;Firma;URL;Land;Time zone;Tags;Favourite Colour;X\n"
        "Anna@Blog.example;Anna;Smith;Acme;shop.example/x;France;;a, b;blue;@anna\n",
        by=manager,
        tags=["june", "a"],
        source_name="fair",
        is_demo=True,
    )
    assert (batch.status, counts(batch), batch.created_by) == ("done", (1, 0, 0, 0), manager)
    assert batch.finished_at > batch.created_at
    assert batch.mapping["Favourite Colour"] == "custom.favourite_colour"
    person = Prospect.objects.get()
    by_hand = Prospect(**{field.attname: getattr(person, field.attname) for field in Prospect._meta.concrete_fields})
    person.delete()
    made = editing.add_prospect(
        email="Anna@Blog.example",
        by=None,
        first_name="Anna",
        last_name="Smith",
        company="Acme",
        website="shop.example/x",
        country="FR",
        tags=["a", "b", "june"],
        custom={"favourite_colour": "blue"},
        x_handle="anna",
        source="fair",
        is_demo=True,
    )
    told = {field.attname for field in Prospect._meta.concrete_fields}
    for field in told - {"id", "public_id", "created_at", "import_batch_id"}:
        assert getattr(by_hand, field) == getattr(made, field), field
    assert made.time_zone == "Europe/Paris"


@pytest.mark.parametrize(
    "content",
    [
        "Email,First Name\nanna@a.example,Zoë\n".encode(),
        "\ufeffEmail,First Name\r\nanna@a.example,Zoë\r\n".encode(),
        "Email;First Name\nanna@a.example;Zoë".encode("cp1252"),
        "Email\tFirst Name\ranna@a.example\tZoë\r".encode(),
        "Email|First Name\nanna@a.example|Zoë\n".encode("utf-16"),
        "Email,First Name\nanna@a.example,Zoë\n".encode("utf-16-le"),
        "Email,First Name\nanna@a.example,Zoë\n".encode("utf-16-be"),
        'sep=;\n"Email";"First Name"\n\n"anna@a.example";"Zoë\0"\n;\n'.encode(),
        "Name;Email;Note\nZoë;anna@a.example;1,5\n".encode(),
    ],
)
def test_reads_every_common_spelling_of_a_file(db, content):
    assert counts(read(content)) == (1, 0, 0, 0)
    assert Prospect.objects.get().first_name == "Zoë"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf\r\n \n", "The file is empty."),
        (b",,\n,\n", "The file is empty."),
        (b"PK\x03\x04rest", "damaged"),
        (b"%PDF-1.7", "PDF"),
        (bytes(range(7)) * 99, "not a text file"),
        (b"Name,Company\nAnna,Acme\n", "Say which column holds the email address"),
        (b"Anna (anna@a.example),Anna\nberta@a.example,Berta\n", "the first line must name the columns"),
        (b",".join(b"c%d" % n for n in range(1_000)), "1,000 columns"),
        (b",".join(b"c%d" % n for n in range(100_000)), "longer than 131,072"),
        (b'"Email,First Name\nanna@a.example,Anna\n', "never closed"),
    ],
)
def test_refuses_a_file_it_cannot_read_in_a_sentence(db, content, words):
    with pytest.raises(UnreadableFile) as caught:
        read(content)
    assert words in str(caught.value)
    batch = ImportBatch.objects.get()
    assert (batch.status, batch.error) == ("failed", str(caught.value))
    assert not Prospect.objects.exists()


def test_says_that_nobody_stands_below_the_header(db):
    with pytest.raises(UnreadableFile, match="nobody below it"):
        read(HEADER)


def test_reports_each_bad_row_with_its_line_and_keeps_the_good_ones(db):
    batch = read(
        HEADER + 'anna@a.example,Anna,"Acme\nLtd"\n'  # line 2 and 3
        "nobody,Nobody,\n"  # 4
        ",Berta,Acme\n"  # 5
        "ANNA+x@a.example,Anna,\n"  # 6
        "carl@a.example,Carl,Acme,too,many\n"  # 7
        "dora@a.example\n"  # 8: short, and good
        "emil@a.example,Emil,Acme,,\n"  # 9: empty ones more, and good
        f"fred@a.example,{'x' * 101},\n"  # 10
        f"gina@a.example,{'x' * 200_000},\n"  # 11
        'hans@a.example,"Hans,Acme\n'  # 12: a quote that is never closed
        "ines@a.example,Ines,Acme\n"
    )
    assert counts(batch) == (4, 0, 0, 7)
    reasons = rejects(batch)
    assert sorted(reasons) == [4, 5, 6, 7, 10, 11, 12]
    assert reasons[4].startswith("email: ")
    assert reasons[5] == "There is no address, handle or website in this row."
    assert reasons[6] == "This is the same person as line 2."
    assert reasons[7] == "This row has 5 values, and the header has 3 columns."
    assert reasons[10] == "first_name: This is longer than 100 characters."
    assert "longer than 131,072" in reasons[11]
    assert reasons[12] == "A quote is opened here and never closed."
    assert batch.rows.get(line=4).values == {"Email": "nobody", "First Name": "Nobody", "Company": ""}
    assert Prospect.objects.get(email="anna@a.example").company == "Acme Ltd"


def test_loses_one_line_to_a_stray_quote_in_the_middle(db):
    lines = [f"p{n}@a.example,P{n},Acme" for n in range(50)]
    lines[10] = 'p10@a.example,"P10,Acme'
    lines[30] = 'p30@a.example,"P30",Acme'
    batch = read(HEADER + "\n".join(lines))
    assert counts(batch) == (49, 0, 0, 1)
    assert list(rejects(batch)) == [12]


def test_changes_nothing_the_second_time(db):
    content = HEADER + "".join(f"p{n}@s{n % 7}.example,P{n},Acme\n" for n in range(50)) + "bad,Bad,\n"
    assert counts(read(content, tags=["a"])) == (50, 0, 0, 1)
    before = list(Prospect.objects.order_by("id").values())
    assert counts(read(content, tags=["b"], source_name="elsewhere", is_demo=True)) == (0, 0, 50, 1)
    assert list(Prospect.objects.order_by("id").values()) == before
    assert Site.objects.count() == 7


def test_fills_what_was_empty_and_overwrites_nothing(db):
    anna = editing.add_prospect(
        email="anna@gmail.com", by=None, first_name="Anna", tags=["old"], custom={"city": "Köln"}
    )
    berta = editing.add_prospect(email="berta@b.example", by=None, country="US")
    batch = read(
        "Email,First Name,Company,Website,Country,Tags,City,Size\n"
        "A.N.N.A@gmail.com,Other,Acme,https://blog.example,FR,old|new,Paris,XL\n"
        "berta@b.example,,,,FR,,,\n"
    )
    assert counts(batch) == (0, 1, 1, 0)
    anna.refresh_from_db()
    berta.refresh_from_db()
    assert (anna.email, anna.first_name, anna.company, anna.country) == ("anna@gmail.com", "Anna", "Acme", "FR")
    assert (anna.tags, anna.custom) == (["old", "new"], {"city": "Köln", "size": "XL"})
    assert (anna.site.domain, anna.time_zone) == ("blog.example", "Europe/Paris")
    assert set(anna.contact_keys) >= {"domain:gmail.com", "domain:blog.example"}
    assert (berta.country, berta.time_zone) == ("US", "America/New_York")


def test_never_lifts_a_stop(db, now):
    anna = editing.add_prospect(email="anna@a.example", by=None)
    Prospect.objects.filter(pk=anna.pk).update(stopped_at=now, stop_reason="asked us to", held_at=now)
    suppression.suppress(kind="domain", value="b.example", reason="manual")
    read(HEADER + "anna@a.example,Anna,Acme\nberta@b.example,Berta,Acme\n")
    anna.refresh_from_db()
    assert (anna.first_name, anna.stopped_at, anna.stop_reason, anna.held_at) == ("Anna", now, "asked us to", now)
    assert suppression.is_suppressed(Prospect.objects.get(email="berta@b.example").contact_keys)


def test_lets_a_mapping_have_the_last_word(db):
    content = "Work,Email,Who,Junk,Plan\nanna@a.example,private@x.example,Anna Maria Smith,x,gold\n"
    batch = read(content, mapping={"work": "email", "Email": "", "Who": "full_name", "Junk": "", "Plan": "custom.tier"})
    person = Prospect.objects.get()
    assert (person.email, person.first_name, person.last_name) == ("anna@a.example", "Anna", "Maria Smith")
    assert person.custom == {"tier": "gold"}
    assert batch.mapping == {"Work": "email", "Email": "", "Who": "full_name", "Junk": "", "Plan": "custom.tier"}


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"Mail": "email"}, "There is no column 'Mail'"),
        ({"Email": "shoe_size"}, "There is no field 'shoe_size'"),
        ({"Email": "custom.a b"}, "There is no field"),
        ({"Email": "company", "Company": "company"}, "which column"),
        ({"Email": "first_name"}, "which column"),
    ],
)
def test_refuses_a_mapping_that_does_not_fit(db, mapping, words):
    with pytest.raises(UnreadableFile, match=words):
        read(HEADER + "anna@a.example,Anna,Acme\n", mapping=mapping)


def test_reads_as_it_goes_and_says_how_far_it_is(db, monkeypatch):
    class Upload(io.BytesIO):
        largest = 0

        def read(self, size=-1):
            assert size > 0, "the whole file at once"
            Upload.largest = max(Upload.largest, size)
            return super().read(size)

    heard = []
    content = HEADER + "".join(f"p{n}@s.example,P{n},{'x' * 80}\n" for n in range(4_500))
    monkeypatch.setattr(running, "CHUNK", 2_000)
    batch = import_file(source=Upload(content.encode()), file_name="x", by=None, progress=heard.append)
    assert (batch.added, heard) == (4_500, [2_000, 4_000, 4_500])
    assert Upload.largest <= 1_000_000


def test_asks_the_database_as_often_for_many_as_for_few(db, django_assert_max_num_queries):
    def content(size):
        return HEADER + "".join(f"p{n}@s{n}.example,P{n},Acme\n" for n in range(size))

    with CaptureQueriesContext(connection) as few:
        read(content(15))
    with django_assert_max_num_queries(len(few)):
        read(content(1_500))


def test_reads_what_csv_spectrum_asks():
    folder = corpora.folder("csv-spectrum")
    for file in sorted((folder / "csvs").glob("*.csv")):
        with file.open("rb") as source:
            header, *rows = [record.values for record in records(source)]
        wanted = json.loads((folder / "json" / f"{file.stem}.json").read_bytes())
        assert [dict(zip(header, row, strict=True)) for row in rows] == wanted, file.stem


def test_keeps_naughty_names_as_they_are(db):
    naughty = json.loads((corpora.folder("blns") / "blns.json").read_bytes())
    names = [name for name in naughty if name.isprintable() and name == name.strip() and len(name) <= 100]
    names = [name for name in names if spreadsheets.plain(name) == name]  # what an export put an apostrophe before
    text = io.StringIO()
    for number, name in enumerate(names):
        text.write(f'p{number}@n.example,"{name.replace(chr(34), chr(34) * 2)}",Acme\n')
    assert counts(read(HEADER + text.getvalue())) == (len(names), 0, 0, 0)
    stored = dict(Prospect.objects.values_list("email", "first_name"))
    assert [stored[f"p{number}@n.example"] for number in range(len(names))] == names


@given(st.binary(max_size=300), st.booleans())
def test_survives_any_bytes(db, noise, with_header):
    try:
        read(HEADER.encode() + noise if with_header else noise)
    except UnreadableFile as error:
        sentence = str(error)
    batch = ImportBatch.objects.latest("id")
    assert batch.status == ("failed" if batch.error else "done")
    assert not batch.error or batch.error == sentence


def test_imports_from_the_command_line(db, tmp_path, capsys):
    file = tmp_path / "people.csv"
    file.write_text("Work,First Name\nanna@a.example,Anna\n" + "".join(f"[bad]{n},x\n" for n in range(25)))
    call_command("import_prospects", str(file), "--map", "Work=email", "--source", "fair", "--tag", "june")
    said = capsys.readouterr().out
    assert "1 added, 0 changed, 0 unchanged, 25 rejected" in said
    assert said.count("  line ") == 20
    assert "… and 5 more" in said
    assert Prospect.objects.values_list("source", "tags").get() == ("fair", ["june"])


def test_tells_the_command_line_what_is_wrong(db, tmp_path):
    empty = tmp_path / "empty.csv"
    empty.touch()
    for arguments, words in (
        ([str(empty)], "empty.csv: The file is empty."),
        ([str(tmp_path / "nowhere.csv")], "can't be opened"),
        ([str(empty), "--map", "x"], "COLUMN=FIELD"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("import_prospects", *arguments)


@pytest.mark.django_db(transaction=True)
def test_adds_each_person_once_when_two_import_at_once():
    people = [f"p{n}@s{n % 50}.example,P{n},\n" for n in range(600)]
    barrier = threading.Barrier(3)
    batches = []

    def run(order, company):
        barrier.wait()
        batches.append(read("Email,First Name,Company\n" + "".join(order).replace(",\n", f",{company}\n")))
        connection.close()

    threads = [
        threading.Thread(target=run, args=arguments)
        for arguments in ((people, "Acme"), (people[::-1], "Other"), (people[300:] + people[:300], ""))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sum(counts(batch)) for batch in batches] == [600, 600, 600]
    assert sum(batch.added for batch in batches) == Prospect.objects.count() == 600
