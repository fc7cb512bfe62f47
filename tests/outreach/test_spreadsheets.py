"""Files for spreadsheets: no value becomes a formula, and each comes back as it was."""

import csv
import io
import json

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.lib import spreadsheets, workbooks
from tests import corpora

# Where we differ from defusedcsv, and why: it writes \| for every bar, which nothing undoes; a formula needs its first
# sign, and the apostrophe before that disarms it as well.
OURS = {"'\\|1+1": "'|1+1"}
HOSTILE = [
    *("=1+1", "-1+1", "+1+1", "@A3", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠A", "%1", "|1"),
    *("'", "''", "'a", "'=1", "''=1"),
    *("", " ", "-5", "+49 170 1", "+1.5", "-1,2", "1e5", "-1e5", "a\nb", 'a"b', "a,b;c\td", "_x000D_", "_x005F_x000D_"),
    *("<b>&amp;", "]]>", "\u2028", "🫖", "é", "e\u0301", "\u202e", "x" * 5_000, "TRUE", "0012", "1/2", "null"),
]  # fmt: skip


def test_disarms_what_defusedcsv_knows_and_changes_nothing_else():
    cases = json.loads((corpora.folder("defusedcsv") / "cases.json").read_text())
    for case in cases:
        if not isinstance(case["input"], str):
            continue
        expected = case["expected"].replace("\\|", "|")
        assert spreadsheets.safe(case["input"]) == OURS.get(case["expected"], expected), case


def naughty():
    return json.loads((corpora.folder("blns") / "blns.json").read_text())


@given(st.text())
def test_gives_back_every_value(value):
    assert spreadsheets.plain(spreadsheets.safe(value)) == value


@given(st.text(min_size=1))
def test_lets_no_formula_through(value):
    made = spreadsheets.safe(value)
    assert made[0] not in spreadsheets.TRIGGERS or spreadsheets.NUMBER.fullmatch(made)


def test_leaves_somebodys_own_apostrophe():
    assert [spreadsheets.plain(value) for value in ("'t Hart", "'", "'5", "")] == ["'t Hart", "'", "'5", ""]


def test_reads_the_characters_of_a_cell_that_xml_can_not_hold():
    said = {
        "a_x000D_b": "a\rb",
        "_x005F_x000D_": "_x000D_",
        "_xD83D__xDE00_": "😀",
        "_xD83D_ x_x0000_": " x\0",
        "_xyz": "_xyz",
    }
    assert {value: spreadsheets.unescaped(value) for value in said} == said


def test_writes_csv_that_reads_back():
    rows = [["Name", "Value"], *([f"n{number}", value] for number, value in enumerate([*HOSTILE, *naughty()]))]
    text = b"".join(spreadsheets.csv_lines(rows)).decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert [[spreadsheets.plain(value) for value in row] for row in read] == rows


@pytest.mark.parametrize("number", [0, 1, 2_500])
def test_writes_csv_in_pieces_the_first_of_which_is_the_header_alone(number):
    pieces = list(spreadsheets.csv_lines([str(n)] for n in range(number)))
    assert b"".join(pieces).count(b"\r\n") == number
    assert max(piece.count(b"\r\n") for piece in pieces) <= spreadsheets.CHUNK
    assert pieces[0].count(b"\r\n") == min(number, 1)


def written(rows, title="People"):
    return b"".join(workbooks.xlsx(rows, title=title))


def read_back(content):
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    for sheet in book.worksheets:
        for row in sheet.iter_rows(values_only=True):
            yield [spreadsheets.plain(spreadsheets.unescaped(value or "")) for value in row]


def test_writes_a_workbook_that_reads_back():
    values = [*HOSTILE, *naughty(), "\0\x1f\ufffe"]
    rows = [["Name", "Value"], *([f"n{number}", value] for number, value in enumerate(values))]
    assert list(read_back(written(rows))) == rows


def test_leaves_out_what_is_no_text():
    assert list(read_back(written([["a\ud800b"]]))) == [["ab"]]


def test_goes_on_in_another_sheet(monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_ROWS", 3)
    content = written([["Name"], *([str(number)] for number in range(5))])
    assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames == ["People", "People 2", "People 3"]
    assert [row[0] for row in read_back(content)] == ["Name", "0", "1", "Name", "2", "3", "Name", "4"]


@pytest.mark.parametrize("title", ["", "a/b:c*[x]?'\"<>&", "x" * 80])
def test_names_the_sheet_as_excel_allows(title):
    (name,) = openpyxl.load_workbook(io.BytesIO(written([["a"]], title=title))).sheetnames
    assert 1 <= len(name) <= 31


def test_refuses_a_value_that_no_cell_can_hold():
    with pytest.raises(workbooks.TooLong):
        written([["x" * 40_000]])
