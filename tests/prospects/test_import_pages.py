"""The import wizard, from a file to a campaign."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from prospects import editing, suppression
from prospects.importing import running
from prospects.models import ImportBatch, ImportChunk, Prospect, Segment
from tests import factories

SHEET = "Mail adress;Vorname;City\nanna@a.example;Anna;Köln\nknown@a.example;Known;\nnobody;=1+1;x\n".encode("cp1252")


@pytest.fixture
def page(client, db):
    client.force_login(factories.UserFactory(role="operator"))
    return client


def _upload(page, content=SHEET, name="people.csv", **fields):
    content = content.encode() if isinstance(content, str) else content
    return page.post(reverse("import-new"), {"file": SimpleUploadedFile(name, content), **fields})


def _batch():
    return ImportBatch.objects.latest("id")


def _to(route):
    return reverse(route, args=[_batch().public_id])


def _imported(page, content=SHEET, **fields):
    _upload(page, content, **fields)
    page.post(_to("import-columns"), {"column-0": "email", "column-1": "first_name", "column-2": "custom.city"})
    page.post(_to("import-run"))
    running.run_next()
    return _batch()


def test_leads_from_a_sheet_to_a_campaign(page):
    known = editing.add_prospect(email="known@a.example", by=None, first_name="Known", tags=["old"])
    assert _upload(page, source_name="fair", tag="june").url == _to("import-columns")
    said = page.get(_to("import-columns")).content.decode()
    assert "anna@a.example · known@a.example" in said
    assert '<option value="first_name" selected>' in said
    assert '<option value="custom.city" selected>Own field “city”</option>' in said
    chosen = {"column-0": "email", "column-1": "first_name", "column-2": "custom.city"}
    assert page.post(_to("import-columns"), chosen).url == _to("import-preview")
    said = page.get(_to("import-preview")).content.decode()
    assert "All 3 rows of" in said
    assert "Import 2 people" in said
    assert [said.count(f">{badge}</span>") for badge in ("New", "Nothing new", "Left out")] == [1, 1, 1]
    assert Prospect.objects.count() == 1
    assert page.post(_to("import-run")).url == _to("import")
    said = page.get(_to("import")).content.decode()
    assert "It begins in a moment" in said
    assert 'hx-trigger="every 2s"' in said
    running.run_next()
    said = page.get(_to("import-live")).content.decode()
    assert "hx-trigger" not in said
    assert "2 people of this sheet are here now" in said
    assert "Line 4" in said
    assert "?tag=june" in said
    assert set(Prospect.objects.filter(tags__contains=["june"]).values_list("email", flat=True)) == {
        "anna@a.example",
        known.email,
    }
    answer = page.post(_to("import-run"), {"then": "campaign"})
    assert answer.url == f"{reverse('campaign-new')}?segment={Segment.objects.get().public_id}"
    assert not ImportChunk.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b" \n", "The file is empty."),
        (b"Email,Name\n", "a line of column names and nobody below it"),
        (b"PK\x03\x04 and more", "damaged"),
        (b"anna@a.example,Anna\nb@b.example,B\n", "the first line must name the columns"),
    ],
)
def test_says_at_once_beside_the_field_what_can_not_be_read(page, content, words):
    answer = _upload(page, content)
    assert answer.status_code == 200
    assert words in answer.content.decode().partition('class="problem"')[2]
    assert not ImportBatch.objects.exists()


def test_asks_for_a_file(page):
    assert "This field is required." in page.post(reverse("import-new")).content.decode()


def test_takes_a_sheet_that_the_browser_sent_in_parts(page, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0  # every upload goes through a file on disk
    assert _upload(page).status_code == 302
    assert ImportChunk.objects.count() == 1


def test_says_beside_the_columns_what_does_not_fit(page):
    _upload(page)
    said = page.post(_to("import-columns"), {"column-0": "", "column-1": "first_name", "column-2": "first_name"})
    said = said.content.decode()
    assert "Say which column holds the email address" in said
    assert "Another column means this already" in said
    assert _batch().mapping == {}
    assert page.get(_to("import-preview")).url == _to("import-columns")
    assert page.post(_to("import-run")).url == _to("import")
    assert _batch().status == "uploaded"
    assert "This sheet waits for you" in page.get(_to("import")).content.decode()


def test_remembers_the_columns_when_one_goes_back(page):
    _upload(page)
    page.post(_to("import-columns"), {"column-0": "email", "column-1": "last_name", "column-2": ""})
    said = page.get(_to("import-columns")).content.decode()
    assert '<option value="last_name" selected>' in said
    assert '<option value="" selected>' in said


def test_runs_once_however_often_it_is_sent(page):
    batch = _imported(page)
    page.post(_to("import-run"))
    page.post(_to("import-columns"), {"column-0": "", "column-1": "", "column-2": ""})
    batch.refresh_from_db()
    assert batch.status == "done"
    assert page.get(_to("import-preview")).url == _to("import")


def test_shows_who_is_suppressed_in_the_preview(page):
    suppression.suppress(kind="domain", value="a.example", reason="manual")
    _upload(page)
    page.post(_to("import-columns"), {"column-0": "email", "column-1": "first_name", "column-2": ""})
    said = page.get(_to("import-preview")).content.decode()
    assert "2 people of these rows are suppressed" in said
    assert said.count(">Suppressed</span>") == 2


def test_gives_left_out_rows_back_without_formulas_ready_to_come_again(page):
    _imported(page)
    answer = page.get(_to("import-rejects"))
    assert answer["Content-Disposition"].startswith("attachment")
    text = b"".join(answer.streaming_content).decode()
    header, row = text.removeprefix("\ufeff").splitlines()
    assert header == "Line in the file,Why it was left out,Mail adress,Vorname,City"
    assert row.startswith("4,")
    assert row.endswith(",nobody,'=1+1,x")
    _upload(page, text.replace("nobody", "now@a.example"), name="again.csv")
    said = page.get(_to("import-columns")).content.decode().partition("import-columns")[2].partition("</table>")[0]
    assert said.count('<option value="" selected>') == 2


def test_escapes_what_a_sheet_says(page):
    evil = "<script>alert(1)</script>"
    _imported(page, f"Email,First name,{evil}\n{evil},Anna,{evil}\nb@b.example,{evil},{evil}\n", name=f"{evil}.csv")
    _upload(page, f"Email,First name,{evil}\nb@b.example,{evil},{evil}\n", name=f"{evil}.csv", source_name=evil)
    pages = [page.get(_to("import-columns")), page.get(reverse("imports")), page.get(_to("import"))]
    page.post(
        _to("import-columns"),
        {"column-0": "email", "column-1": "first_name", "column-2": "custom.script_alert_1_script"},
    )
    pages.append(page.get(_to("import-preview")))
    for answer in pages:
        assert answer.status_code == 200
        assert evil not in answer.content.decode()


def test_says_what_failed(page):
    batch = ImportBatch.objects.create(
        file_name="x.csv", status="failed", error="The file ends in the middle.", added=3
    )
    said = page.get(reverse("import", args=[batch.public_id])).content.decode()
    assert "The file ends in the middle." in said
    assert "the same sheet again adds nobody twice" in said


def test_asks_as_often_for_many_rows_as_for_few(page, django_assert_max_num_queries):
    few = "Email,First name,City\n" + "a@a.example,Anna,x\nbad,,\n"
    many = "Email,First name,City\n" + "".join(f"p{n}@s{n}.example,P{n},y\nbad{n},,\n" for n in range(40))
    seen = []
    for content in (few, many):
        asked = {}
        _imported(page, content)
        for route in ("import", "import-live"):
            with django_assert_max_num_queries(9) as asked[route]:
                page.get(_to(route))
        _upload(page, content)
        page.post(_to("import-columns"), {"column-0": "email", "column-1": "first_name", "column-2": "custom.city"})
        for route in ("import-columns", "import-preview"):
            with django_assert_max_num_queries(42) as asked[route]:
                page.get(_to(route))
        with django_assert_max_num_queries(8) as asked["imports"]:
            page.get(reverse("imports"))
        seen.append({route: len(queries) for route, queries in asked.items()})
    assert seen[0] == seen[1]


def test_lets_a_viewer_read_and_no_more(client, page):
    _imported(page)
    client.force_login(factories.UserFactory(role="viewer"))
    said = client.get(_to("import")).content.decode()
    assert "Start a campaign" not in said
    assert "Import a sheet" not in client.get(reverse("imports")).content.decode().partition("<main")[2]
    assert client.post(_to("import-run")).status_code == 403
    assert client.get(reverse("import-new")).status_code == 403
