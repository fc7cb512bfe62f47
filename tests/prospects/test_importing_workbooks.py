"""Excel workbooks: every sheet read as a person sees it, and bombs left alone."""

import io
import zipfile
from datetime import date, datetime, time

import openpyxl
import pytest

from prospects.importing import choosing, uploading, workbook_marks, workbooks
from prospects.importing.sheets import rows_of, sheets_of, stored
from prospects.models import ImportBatch
from tests.prospects.sheets import MESSY, messy, workbook


def upload(content, now, name="people.xlsx"):
    return uploading.store(source=io.BytesIO(content), file_name=name, by=None, now=now)


def rows(content):
    """Each sheet's rows, with their numbers."""
    return {sheet.name: list(sheet.rows) for sheet in workbooks.sheets(io.BytesIO(content))}


def rezipped(content, change):
    """The workbook with some of its parts replaced."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change.get(name, old.read(name)))
        for name in change.keys() - set(old.namelist()):
            new.writestr(name, change[name])
    return target.getvalue()


def test_says_a_cell_as_a_person_sees_it():
    values = ["Zoë", 12.0, 3.5, 12345678901, True, date(2026, 3, 1), datetime(2026, 3, 1, 9, 30), time(9, 30), " x ",
              None, 0.1 + 0.2, "a\nb", "=1+1"]  # fmt: skip
    said = rows(workbook({"People": [[], values]}))["People"]
    shown = ["Zoë", "12", "3.5", "12345678901", "TRUE", "2026-03-01", "2026-03-01 09:30:00", "09:30:00", " x ", "",
             "0.3", "a\nb"]  # fmt: skip
    assert said == [(2, shown)]  # the formula was never calculated: nothing is there to be seen


def test_reads_a_formulas_last_result_and_no_errors():
    content = workbook({"A": [["Email", "Total"], ["a@a.example", 1]]})
    name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheet = parts.read(name).decode()
    cells = '<c r="B2"><f>40+2</f><v>42</v></c><c r="C2" t="e"><v>#N/A</v></c>'
    sheet = sheet.replace('<c r="B2" t="n"><v>1</v></c>', cells)
    assert rows(rezipped(content, {name: sheet}))["A"][1] == (2, ["a@a.example", "42"])


def test_says_what_a_merged_cell_says_in_each_of_its_rows():
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [
        ["List"],
        ["Email", "DNC"],
        ["a@a.example", "x"],
        ["b@b.example"],
        [],
        ["c@c.example"],
        ["d@d.example"],
    ]:
        sheet.append(row)
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("B3:B6")
    target = io.BytesIO()
    book.save(target)
    assert rows(target.getvalue())["Sheet"] == [
        (1, ["List"]), (2, ["Email", "DNC"]), (3, ["a@a.example", "x"]), (4, ["b@b.example", "x"]),
        (6, ["c@c.example", "x"]), (7, ["d@d.example"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "warning"),
    [
        ('<c r="B2"><f>40+2</f><v></v></c>', "1 cell holds a formula without a saved result (in B2)"),
        (
            '<c r="B2" s="1"><f>40+2</f></c><c r="C2"><f/><v/></c>',
            "2 cells hold formulas without a saved result (the first in B2)",
        ),
        ('<c r="B2" t="str"><f>IF(A2="","",1)</f><v></v></c>', ""),
        ('<c r="B2"><f>40+2</f><v>42</v></c><c r="C2" s="1"/>', ""),
    ],
)
def test_says_which_formulas_have_no_result(cell, warning):
    name = "xl/worksheets/sheet1.xml"
    content = workbook({"A": [["Email", "Total"], ["a@a.example", 1]]})
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheet = parts.read(name).decode().replace('<c r="B2" t="n"><v>1</v></c>', cell)
    for piece in (workbook_marks.PIECE, 7, 40):
        found = workbook_marks.marks(io.BytesIO(sheet.encode()), piece)
        assert found.warning.startswith(warning)
        assert bool(found.warning) == bool(warning)
    assert next(workbooks.sheets(io.BytesIO(rezipped(content, {name: sheet})))).warning == found.warning


def test_stores_every_sheet_and_finds_the_line_of_names(db, now):
    batch = upload(messy(), now, MESSY)
    found = stored(batch)
    assert [(sheet.name, sheet.use, sheet.is_hidden) for sheet in found] == [
        ("Bloggers", True, False),
        ("Twitter people", True, False),
        ("DNC", True, False),
        ("Prices", False, False),
        ("old", False, True),
    ]
    assert found[3].problem == "No column of addresses, handles or websites is in it."
    asked = choosing.sheets(batch=batch)
    assert [sheet.line for sheet in asked] == [4, 1, 2, 1, 1]
    assert [[column.target for column in sheet.columns] for sheet in asked[:3]] == [
        ["website", "full_name", "email", "country", "contacted_elsewhere_at", "do_not_contact", "note",
         "custom.followers:number"],
        ["x_handle", "full_name", "linkedin_url", "stage"],
        ["email", "do_not_contact"],
    ]  # fmt: skip


def test_gives_each_row_its_number_in_the_sheet(db, now):
    batch = upload(messy(), now)
    choosing.choose_columns(
        batch=batch,
        choices=[
            choosing.Choice([column.target if column.target != "stage" else "" for column in sheet.columns],
                                      sheet.use)
            for sheet in choosing.sheets(batch=batch)
        ],
    )  # fmt: skip
    batch.refresh_from_db()
    first, second, third = sheets_of(batch)
    assert [record.line for record in rows_of(batch, first)] == [5, 6, 7, 8, 10]
    assert next(rows_of(batch, first)).values[6] == "very nice\nmet in Köln"
    assert [record.values[1] for record in rows_of(batch, second)] == ["Emil", "Frieda", "Gustav"]
    assert [record.values[0] for record in rows_of(batch, third)] == ["hans@stop.example", "ADA@tea-time.example"]
    assert second.columns.targets == ("x_handle", "full_name", "linkedin_url", "")
    assert set(batch.mapping) == {"Bloggers", "Twitter people", "DNC"}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}, "OpenDocument"),
        ({"xl/workbook.bin": "x"}, "binary workbook"),
        ({"word/document.xml": "x"}, "text document"),
        ({"a.csv": "Email"}, "zip archive; unpack it first"),
        ({"xl/workbook.xml": "<x"}, "damaged"),
    ],
)
def test_refuses_what_is_no_workbook_in_words(db, now, parts, words):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(uploading.UnreadableFile, match=words):
        upload(target.getvalue(), now)
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"xl/media/zeros.bin": b"\0" * 30_000_000}, "absurd size"),
        ({"xl/sharedStrings.xml": b" " * 30_000_000}, "absurd size"),
        ({"xl/sharedStrings.xml": b'<!DOCTYPE x [<!ENTITY a "aaaa">]><sst/>'}, "damaged"),
        ({"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row><c"}, "damaged"),
    ],
)
def test_leaves_bombs_and_wrecks_alone(db, now, change, words):
    content = rezipped(workbook({"A": [["Email"], ["a@a.example"]]}), change)
    with pytest.raises(uploading.UnreadableFile, match=words):
        upload(content, now)
    assert not ImportBatch.objects.exists()


def test_is_not_led_astray_by_a_cell_at_the_end_of_the_world(db, now):
    book = workbook({"A": [["Email"], ["a@a.example"]]})
    name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheet = parts.read(name).decode()
    far = sheet.replace("</sheetData>", '<row r="999999999"><c r="XFD999999999" t="n"><v>1</v></c></row></sheetData>')
    with pytest.raises(uploading.UnreadableFile, match="damaged"):
        upload(rezipped(book, {name: far}), now)


def test_refuses_more_cells_than_a_page_can_wait_for(db, now, monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_CELLS", 10)
    with pytest.raises(uploading.UnreadableFile, match="save the sheet as CSV"):
        upload(workbook({"A": [["Email", "b"]] + [["a@a.example", "b"]] * 9}), now)


@pytest.mark.parametrize(
    ("sheets", "words"),
    [
        ({"A": []}, "The file is empty."),
        ({"A": [["Email", "Name"]]}, "nobody below it"),
        ({"A": [["Banner", "Price"], ["Top", 1]]}, "No column of addresses"),
        ({"A": [["Banner", "Price"], ["Top", 1]], "B": [["x"], [1]]}, "Sheet “A”: No column"),
        ({"A": [["Ada (ada@a.example)", "Ada"], ["b@b.example", "B"]]}, "the first line must name the columns"),
    ],
)
def test_says_why_nobody_can_be_brought_in(db, now, sheets, words):
    with pytest.raises(uploading.UnreadableFile, match=words):
        upload(workbook(sheets), now)


def test_reads_a_workbook_whose_sheets_are_all_hidden(db, now):
    batch = upload(workbook({"A": [["Email"], ["a@a.example"]], "B": [["x", "y"], [1, 2]]}, hidden=["A"]), now)
    assert [sheet.use for sheet in stored(batch)] == [True, False]
