"""The import wizard, from a file to a campaign."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from prospects import editing, suppression
from prospects.importing import running
from prospects.models import ImportBatch, ImportChunk, Prospect, Segment, Suppression
from tests import factories
from tests.prospects.sheets import workbook

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
        (b"Anna (anna@a.example),Anna\nb@b.example,B\n", "the first line must name the columns"),
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
    assert "2 people of these rows are on the suppression list already" in said
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


PLAIN = "kim@one.example\nOtto Berg <otto@two.example>\n\nmailto:fay@four.example\nnobody\nKIM@one.example\n"


def _run(page):
    """The columns as they are suggested, previewed and imported; the preview's page."""
    asked = page.get(_to("import-columns")).context["form"]
    fields = {field.html_name: field.value() for field in asked if field.value() not in (None, False)}
    assert page.post(_to("import-columns"), fields).url == _to("import-preview")
    said = page.get(_to("import-preview")).content.decode()
    page.post(_to("import-run"))
    running.run_next()
    return said


def test_takes_a_plain_list_of_addresses_without_losing_its_first_line(page):
    assert _upload(page, PLAIN, name="emails.txt").url == _to("import-columns")
    said = page.get(_to("import-columns")).content.decode()
    assert "No line names the columns here: the first line is read as a person" in said
    assert '<option value="email" selected>' in said
    assert "Import 3 people" in _run(page)
    people = Prospect.objects.order_by("email").values_list("email", "first_name", "last_name")
    assert list(people) == [
        ("fay@four.example", "", ""), ("kim@one.example", "", ""), ("otto@two.example", "Otto", "Berg"),
    ]  # fmt: skip
    assert [line for _, line, _ in page.get(_to("import")).context["rejects"]] == [5, 6]


def test_takes_a_table_without_column_names(page):
    _upload(page, "Kim,kim@one.example,joe@one.example\nOtto,otto@two.example,\n")
    _run(page)
    assert list(Prospect.objects.order_by("email").values_list("email", "custom")) == [
        ("kim@one.example", {"column_1": "Kim"}), ("otto@two.example", {"column_1": "Otto"}),
    ]  # fmt: skip
    assert Prospect.objects.get(email="kim@one.example").addresses.get().email == "joe@one.example"


def test_brings_left_out_rows_of_a_list_without_names_in_again(page):
    _upload(page, PLAIN, name="emails.txt")
    _run(page)
    text = b"".join(page.get(_to("import-rejects")).streaming_content).decode()
    _upload(page, text.replace(",nobody", ",joe@six.example"), name="again.csv")
    _run(page)
    assert Prospect.objects.filter(email="joe@six.example").exists()


def test_tells_those_the_sheet_stops_from_those_suppressed_before(page):
    suppression.suppress(kind="address", value="known@a.example", reason="manual")
    _upload(page, "Email,DNC,Tags\nknown@a.example,,\nno@a.example,x,tea\nanna@a.example,,\n")
    said = _run(page)
    assert "1 row of this file says “do not contact”" in said
    assert "1 person of these rows is on the suppression list already" in said
    assert (said.count(">Do not contact</span>"), said.count(">Suppressed</span>")) == (1, 1)
    assert "<li>Tags: tea</li>" in said


def test_says_that_a_row_left_out_stops_all_the_same(page):
    _upload(
        page,
        "Email,DNC,Last contacted\nno@a.example,x,last week\nanna@a.example,,2026-03-01\nberta@a.example,,2026-03-02\n",
    )
    said = _run(page)
    assert "is no date" in said
    assert "Nobody writes to them from now on" in said
    assert Suppression.objects.get().value == "no@a.example"


def test_folds_many_fields_of_ones_own_in_the_preview(page):
    _upload(page, "Email,a1,b1,c1,d1\nanna@a.example,1,2,3,4\nberta@a.example,1,,,\n")
    said = _run(page)
    assert "<details><summary>4 own fields</summary>" in said
    assert said.count("own fields</summary>") == 1
    assert said.count("<li>a1: 1</li>") == 2


def test_stops_whoever_bounced_elsewhere(page):
    _upload(page, "Email,Email Bounced\nanna@a.example,FALSE\nberta@a.example,TRUE\n")
    assert "1 row of this file says “do not contact”" in _run(page)
    assert Suppression.objects.get().value == "berta@a.example"


def test_knows_a_stage_of_link_building_and_says_what_to_do_about_another(page):
    factories.ProgramFactory()
    _upload(page, "Email,Stage\na@a.example,Link Placed\nb@b.example,Contacted\nc@c.example,Frobbed\n")
    said = _run(page)
    assert "Stage: Identified → Joined" in said
    assert "Correct it, or read the column as an own field." in said


def test_says_what_a_workbook_does_not_tell_and_counts_its_rows(page):
    content = workbook(
        {
            "Blogs": [["Email", "Sales"], ["a@a.example", 4], ["b@b.example", 5], ["TOTAL", "=SUM(B2:B3)"]],
            "Video": [["Email", "Name"], ["a@a.example", "Ada"]],
        }
    )
    _upload(page, content, name="all.xlsx")
    said = page.get(_to("import-columns")).content.decode()
    assert "1 cell holds a formula without a saved result (in B4), read as empty." in said
    said = _run(page)
    assert "This is a line of totals" in said
    assert "These numbers count rows: somebody who stands in two sheets counts twice." in said
    assert "Import 2 people" in said
    assert "The people of 3 rows are here now." in page.get(_to("import")).content.decode()


def test_lists_the_sites_that_wait_for_somebody(page):
    _upload(page, "Email,Website\nanna@a.example,a.example\n,blog.example\n,known.example\n")
    _run(page)
    editing.add_prospect(email="ada@known.example", by=None)
    said = page.get(_to("import")).content.decode()
    assert "Nobody is known at these yet." in said
    assert "<li>blog.example</li>" in said
    assert "<li>known.example</li>" not in said
