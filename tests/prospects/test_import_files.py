"""Files of every shape, brought in by the pages as somebody would who has read nothing and changes nothing."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from campaigns import enrolling, lifecycle, planning
from campaigns.models import Message
from outreach.lib.spreadsheets import plain
from prospects import editing, suppression
from prospects.importing import running
from prospects.models import Address, CustomField, ImportBatch, Prospect, SavedMapping, Site, Stage
from tests import corpora, factories
from tests.prospects.sheets import MESSY, messy, workbook


@pytest.fixture
def page(client, db):
    client.force_login(factories.UserFactory(role="operator", username="tom"))
    return client


def upload(page, content, name="people.csv"):
    content = content.encode() if isinstance(content, str) else content
    answer = page.post(reverse("import-new"), {"file": SimpleUploadedFile(name, content)})
    assert answer.status_code == 302, answer.content.decode().partition('class="problem"')[2][:300]
    return ImportBatch.objects.latest("id")


def to(route):
    return reverse(route, args=[ImportBatch.objects.latest("id").public_id])


def as_shown(page):
    """The form of columns as it is shown, every choice as it was made for us."""
    form = page.get(to("import-columns")).context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: "on" if value is True else value for name, value in values.items() if value not in (None, False)}


def brought_in(page, content, name="people.csv", **changes):
    """Uploaded, its columns left as they are shown, seen and imported."""
    upload(page, content, name)
    answer = page.post(to("import-columns"), {**as_shown(page), **changes})
    assert answer.status_code == 302, answer.context["form"].errors
    page.get(to("import-preview"))
    page.post(to("import-run"))
    while running.run_next():
        pass
    return ImportBatch.objects.latest("id")


def lines(page):
    """What the preview says of each row."""
    page.post(to("import-columns"), as_shown(page))
    preview = page.get(to("import-preview")).context["preview"]
    return {(line.sheet, line.line): line for line in preview.lines}


def test_imports_last_years_messy_workbook_without_a_question(page, now):
    program = factories.ProgramFactory()
    editing.add_prospect(email="hans@stop.example", by=None)
    batch = brought_in(page, messy(), MESSY)
    assert (batch.status, batch.added, batch.rejected, batch.researched) == ("done", 5, 1, 2)
    ada = Prospect.objects.get(email="ada@tea-time.example")
    assert (ada.full_name, ada.country, ada.site.domain) == ("Ada Byron", "DE", "tea-time.example")
    assert ada.contacted_elsewhere_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert list(Address.objects.filter(prospect=ada).values_list("email", flat=True)) == ["info@tea-time.example"]
    assert ada.notes.get().text == "very nice\nmet in Köln"
    assert ada.custom == {"followers": 12000}
    assert CustomField.objects.get().kind == "number"
    assert set(Site.objects.filter(is_to_research=True).values_list("domain", flat=True)) == {
        "nobody-yet.example",
        "dora.example",
    }
    emil = Prospect.objects.get(x_handle="emil")
    assert Stage.objects.get(prospect=emil).name == "replied"
    assert Stage.objects.get(prospect=emil).program == program
    assert Prospect.objects.filter(linkedin_url__contains="gustav").exists()
    row = batch.rows.get()
    assert (row.sheet, row.line) == ("Bloggers", 8)
    assert not Prospect.objects.filter(email__contains="ines").exists()
    for stopped in ("berta@coffee.example", "hans@stop.example"):
        assert suppression.is_suppressed(Prospect.objects.get(email=stopped).contact_keys)
    assert not suppression.is_suppressed(ada.contact_keys)


def test_says_before_it_does_what_each_row_of_the_workbook_would_do(page):
    factories.ProgramFactory()
    editing.add_prospect(email="ADA@tea-time.example", by=None, first_name="Ada", country="FR")
    upload(page, messy(), MESSY)
    found = lines(page)
    ada = found["Bloggers", 5]
    assert ada.effect == "changed"
    assert "Last name: Byron" in ada.words
    assert "Last written to: 1 March 2026" in ada.words
    assert "Further addresses: info@tea-time.example" in ada.words
    assert "Note: very nice met in Köln" in ada.words
    assert not any(word.startswith("Country") for word in ada.words)
    assert (found["Bloggers", 6].effect, found["Bloggers", 6].is_suppressed) == ("added", True)
    assert found["Bloggers", 7].effect == "researched"
    assert found["Bloggers", 8].words[0].startswith("Email address: ")
    assert "Stage: Identified → Replied" in found["Twitter people", 2].words
    said = page.get(to("import-preview")).content.decode()
    assert "sheet “Prices”, sheet “old”" in said
    assert Prospect.objects.count() == 1


def test_says_which_sheets_are_hidden_or_hold_nobody(page):
    upload(page, messy(), MESSY)
    said = page.get(to("import-columns")).content.decode()
    assert "Hidden in the file" in said
    assert "No column of addresses, handles or websites is in it." in said
    assert "The column names stand in line 4" in said


def test_asks_for_the_program_whose_stages_a_column_says(page):
    factories.ProgramFactory(name="Tea")
    coffee = factories.ProgramFactory(name="Coffee")
    upload(page, "Email,Status\nada@a.example,Replied\n")
    answer = page.post(to("import-columns"), as_shown(page))
    assert "Choose the program whose stages these are." in answer.content.decode()
    brought_in(page, "Email,Status\nada@a.example,Replied\n", program=coffee.pk)
    assert Stage.objects.get().program == coffee


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("Email,First Name,Last Name,Company Name,Website\nada@a.example,Ada,Byron,Acme,a.example\n", "instantly.csv"),
        ("Vorname;Nachname;E-Mail;Firma;Webseite\nAda;Byron;ada@a.example;Acme;a.example\n".encode("cp1252"), "de.csv"),
        ("My list\n\nFirm,Who,Contact,Site\nAcme,Ada Byron,ada@a.example,a.example\nB,B B,b@b.example,b.example\n",
         "titled.csv"),
        (workbook({"Tabelle1": [["Liste"], ["Mail", "Name", "Firma", "Blog"],
                                ["ada@a.example", "Byron, Ada", "Acme", "a.example"]]}), "liste.xlsx"),
    ],
)  # fmt: skip
def test_imports_differently_shaped_files_without_a_question(page, content, name):
    brought_in(page, content, name)
    ada = Prospect.objects.get(email="ada@a.example")
    assert (ada.full_name, ada.site.domain) == ("Ada Byron", "a.example")


def test_replaces_what_is_ticked_and_fills_the_rest(page):
    editing.add_prospect(email="ada@a.example", by=None, first_name="Old", company="Old", job_title="Editor")
    brought_in(page, "Email,First name,Company,Title\nada@a.example,New,New,\n", replace=["company", "job_title"])
    ada = Prospect.objects.get()
    assert (ada.first_name, ada.company, ada.job_title) == ("Old", "New", "Editor")


def test_shows_in_the_preview_what_would_be_replaced(page):
    editing.add_prospect(email="ada@a.example", by=None, company="Old")
    upload(page, "Email,Company\nada@a.example,New\n")
    page.post(to("import-columns"), {**as_shown(page), "replace": ["company"]})
    assert "Company: Old → New" in page.get(to("import-preview")).content.decode()


def test_keeps_columns_under_a_name_and_knows_them_when_they_come_again(page):
    content = "Ref,Wer,Wo\n1,ada@a.example,Acme\n"
    brought_in(page, content, **{"column-1": "email", "column-2": "company", "column-0": "", "save_as": "June list"})
    upload(page, "Wo,Wer,Ref\nBeta,berta@b.example,2\n")
    assert "Read as you saved it under “June list”" in page.get(to("import-columns")).content.decode()
    page.post(to("import-columns"), as_shown(page))
    page.post(to("import-run"))
    running.run_next()
    berta = Prospect.objects.get(email="berta@b.example")
    assert (berta.company, berta.custom) == ("Beta", {})
    saved = SavedMapping.objects.get()
    assert "June list" in page.get(reverse("imports")).content.decode()
    page.post(reverse("saved-mapping-remove", args=[saved.public_id]))
    assert not SavedMapping.objects.exists()


def test_reads_dates_as_one_says_where_nothing_tells(page):
    content = "Email,Last mailed\nada@a.example,03/04/2026\n"
    upload(page, content)
    assert "Dates such as 03/04/2026 are" in page.get(to("import-columns")).content.decode()
    brought_in(page, content, **{"order-0": "day"})
    assert Prospect.objects.get().contacted_elsewhere_at == datetime(2026, 4, 3, tzinfo=UTC)


def test_refuses_a_row_whose_own_field_is_of_another_kind(page):
    batch = brought_in(
        page, "Email,Size\n" + "".join(f"p{n}@a.example,{n}\n" for n in range(501)) + "x@a.example,big\n"
    )
    assert (batch.added, batch.rejected) == (501, 1)
    assert "size: 'big' is no number" in page.get(to("import")).content.decode().replace("&#x27;", "'")
    assert Prospect.objects.get(email="p7@a.example").custom == {"size": 7}


def test_gives_owners_by_name_and_says_who_is_nobody(page):
    batch = brought_in(page, "Email,Owner\nada@a.example,Tom\nberta@a.example,TOM\ncarl@a.example,Ann\n")
    assert Prospect.objects.filter(owner__username="tom").count() == 2
    assert batch.rows.get().reason == "owner: Nobody here is called 'Ann'."


def test_brings_left_out_rows_back_after_they_were_corrected(page):
    factories.ProgramFactory()
    brought_in(page, messy(), MESSY)
    text = b"".join(page.get(to("import-rejects")).streaming_content).decode()
    assert text.removeprefix("\ufeff").startswith("Line in the file,Sheet,Why it was left out,Blog,Contact,E-Mail(s)")
    brought_in(page, text.replace("carl at broken", "carl@broken.example"), "again.csv")
    assert Prospect.objects.get(email="carl@broken.example").first_name == "Carl"


def test_stores_naughty_strings_exactly_or_says_why_not(page):
    naughty = json.loads((corpora.folder("blns") / "blns.json").read_bytes())
    out = io.StringIO()
    out.write("Email,First name,Motto\n")
    for number, text in enumerate(naughty):
        quoted = '"' + text.replace('"', '""') + '"'
        out.write(f"p{number}@n.example,{quoted},{quoted}\n")
    batch = brought_in(page, out.getvalue())
    stored = dict(Prospect.objects.values_list("email", "custom"))
    reasons = " ".join(batch.rows.values_list("reason", flat=True))
    for number, text in enumerate(naughty):
        values = stored.get(f"p{number}@n.example")
        if values is None:
            assert reasons
        elif text.isprintable():
            assert values.get("motto", "") == plain(text).strip(), text  # an apostrophe before a formula is a mark
    assert batch.added + batch.rejected == len(naughty)
    assert batch.added > 0.9 * len(naughty)


def test_plans_nobody_who_is_marked_or_was_mailed_lately(page, now):
    program = factories.ProgramFactory()
    brought_in(page, messy(), MESSY)
    brought_in(page, "Email\nfree@new.example\n")
    campaign = factories.campaign(mailbox=factories.MailboxFactory(verified_at=now), program=program)
    lifecycle.launch(campaign=campaign, now=now, by=None)
    enrolling.enroll_segment(campaign=campaign, now=now, by=None)
    planning.plan(now=now)
    assert set(Message.objects.values_list("recipient", flat=True)) == {"free@new.example"}
    later = now + timedelta(days=14)
    planning.plan(now=later)
    planned = set(Message.objects.values_list("recipient", flat=True))
    assert planned == {"free@new.example", "ada@tea-time.example"}  # whoever is marked is never planned
