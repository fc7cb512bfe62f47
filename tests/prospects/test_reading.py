"""What people write into cells."""

import contextlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prospects import cleaning, reading


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("a@x.example", ["a@x.example"]),
        ("a@x.example; b@x.example", ["a@x.example", "b@x.example"]),
        ("a@x.example / b@x.example", ["a@x.example", "b@x.example"]),
        ("a@x.example/b@y.example", ["a@x.example", "b@y.example"]),
        ("a@x.example\nb@x.example", ["a@x.example", "b@x.example"]),
        ("a@x.example b@x.example", ["a@x.example", "b@x.example"]),
        ("a@x.example or b@x.example", ["a@x.example", "b@x.example"]),
        ("Ada <a@x.example>, Bob <b@x.example>", ["Ada <a@x.example>", "Bob <b@x.example>"]),
        ("Byron, Ada <a@x.example>", ["Byron, Ada <a@x.example>"]),
        ("a@x.example (b@x.example)", ["a@x.example", "b@x.example"]),
        ("a@x.example; n/a", ["a@x.example"]),
        ("a@x.example, a@x.example", ["a@x.example"]),
        ("n/a", []),
        ("contact form", []),
        ("", []),
        ("nobody", ["nobody"]),
    ],
)
def test_finds_the_addresses_of_a_cell(cell, found):
    assert reading.addresses(cell) == found


@given(st.text(max_size=60))
def test_never_fails_on_any_cell(cell):
    reading.addresses(cell)
    reading.is_yes(cell)
    for read in (reading.moment, reading.number, reading.boolean, reading.stage):
        with contextlib.suppress(reading.Unclear):
            read(cell)


@pytest.mark.parametrize(
    ("text", "order", "wanted"),
    [
        ("2026-03-31", "day", date(2026, 3, 31)),
        ("31.03.2026", "month", date(2026, 3, 31)),
        ("31.3.26", "day", date(2026, 3, 31)),
        ("03/31/2026", "month", date(2026, 3, 31)),
        ("31/03/2026", "day", date(2026, 3, 31)),
        ("31/03/2026", "month", date(2026, 3, 31)),
        ("04/03/2026", "month", date(2026, 4, 3)),
        ("04/03/2026", "day", date(2026, 3, 4)),
        ("46112", "day", date(2026, 3, 31)),
        ("31 March 2026", "day", date(2026, 3, 31)),
        ("Tue, 31 Mar 2026", "day", date(2026, 3, 31)),
        ("March 31st, 2026", "day", date(2026, 3, 31)),
        ("31. März 2026", "day", date(2026, 3, 31)),
        ("31 mars 2026", "day", date(2026, 3, 31)),
    ],
)
def test_reads_a_date_in_every_usual_spelling(text, order, wanted):
    assert reading.moment(text, order=order) == datetime(wanted.year, wanted.month, wanted.day, tzinfo=UTC)


@pytest.mark.parametrize("text", ["soon", "2026", "31/31/2026", "1", "99999999", "March 2026", "30.02.2026"])
def test_refuses_what_is_no_date(text):
    with pytest.raises(reading.Unclear, match="no date"):
        reading.moment(text)


@given(st.dates(date(1971, 1, 1), date(2100, 12, 31)), st.sampled_from(["%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y"]))
def test_reads_back_every_day(day, written):
    assert reading.moment(day.strftime(written), order="day").date() == day


@pytest.mark.parametrize("text", ["yes", "Ja", "x", "1", "TRUE", "oui", "Do not contact", "asked in 2024", "✓"])
def test_takes_every_mark_for_a_stop(text):
    assert reading.is_yes(text)


@pytest.mark.parametrize("text", ["", " ", "no", "Nein", "0", "FALSE", "n/a", "-"])
def test_takes_what_clearly_says_no_for_none(text):
    assert not reading.is_yes(text)


@pytest.mark.parametrize(
    ("said", "stage"),
    [("Replied", "replied"), ("not interested", "declined"), ("New", "identified"), ("In discussion", "negotiating"),
     ("Signed up!", "joined"), ("angeschrieben", "contacted"), ("Bounced", "unreachable"), ("active", "selling")],
)  # fmt: skip
def test_knows_stages_in_peoples_own_words(said, stage):
    assert reading.stage(said) == stage


@pytest.mark.parametrize(
    ("email", "kind"),
    [
        ("ada@site.example", ""),
        ("info@site.example", "role"),
        ("Press+june@site.example", "role"),
        ("ada@mailinator.com", "disposable"),
        ("ada@sub.mailinator.com", "disposable"),
    ],
)
def test_flags_role_and_disposable_addresses(email, kind):
    assert cleaning.address_kind(email) == kind


def test_cleans_the_fields_that_only_files_have():
    cleaned, errors = cleaning.clean(
        {
            "other_emails": ["B@X.example", "b@x.example"],
            "stage": "Replied",
            "contacted_elsewhere_at": "2026-03-01",
            "notice_date": "1.2.2026",
            "do_not_contact": "x",
            "note": "a\r\nb",
            "x_handle": "https://x.com/Ada",
            "custom": {"size": 5, "vip": True, "city": " Köln "},
        }
    )
    assert not errors
    assert cleaned == {
        "other_emails": ["B@x.example", "b@x.example"],
        "stage": "replied",
        "contacted_elsewhere_at": datetime(2026, 3, 1, tzinfo=UTC),
        "notice_date": date(2026, 2, 1),
        "do_not_contact": True,
        "note": "a\nb",
        "x_handle": "Ada",
        "custom": {"size": 5, "vip": True, "city": "Köln"},
    }
    _, errors = cleaning.clean({"stage": "blue", "notice_date": "soon", "other_emails": "nobody", "x_handle": "a b c"})
    assert set(errors) == {"stage", "notice_date", "other_emails", "x_handle"}
