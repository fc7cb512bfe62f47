"""Days off: public holidays where a person lives, quiet dates of a campaign, and how they are written."""

import contextlib
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.calendars import Calendar, CampaignDays, Place, Somebody, days_in, days_said, place_of
from campaigns.scheduling import Window, due_after

ALL_WEEK = frozenset(range(1, 8))
CHRISTMAS = date(2026, 12, 25)  # a Friday


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def nine_to_five(calendar, weekdays=frozenset({1, 2, 3, 4, 5})):
    return Window("Europe/Berlin", time(9), time(17), weekdays, calendar)


def test_waits_over_the_holidays_of_the_country():
    window = nine_to_five(Calendar("DE"))
    assert window.next_open(utc(2026, 12, 25, 10)) == utc(2026, 12, 28, 8)
    assert window.closed_because(utc(2026, 12, 25, 10)) == ("public_holiday", "Christmas Day")
    assert window.closed_because(utc(2026, 12, 27, 10)) == ("window_closed", "")
    assert window.closed_because(utc(2026, 12, 28, 10)) == ("", "")


def test_each_country_has_its_own():
    thanksgiving = utc(2026, 11, 26, 15)
    assert nine_to_five(Calendar("US")).closed_because(thanksgiving)[0] == "public_holiday"
    assert nine_to_five(Calendar("DE")).is_open(thanksgiving)


@pytest.mark.parametrize("country", ["", "XX", "??"])
def test_a_country_without_a_calendar_has_no_holidays(country):
    calendar = Calendar(country)
    assert nine_to_five(calendar, ALL_WEEK).is_open(utc(2026, 12, 25, 10))
    assert calendar.is_business_day(CHRISTMAS)
    assert not calendar.is_business_day(date(2026, 12, 26))


def test_quiet_dates_are_quiet_for_everybody():
    quiet = Calendar("", frozenset(days_in("2026-07-01 to 2026-07-31")))
    assert nine_to_five(quiet).next_open(utc(2026, 7, 1, 9)) == utc(2026, 8, 3, 7)
    assert nine_to_five(quiet).closed_because(utc(2026, 7, 1, 9)) == ("quiet_date", "")


def test_a_year_of_quiet_dates_is_an_error_and_no_endless_search():
    year = frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(900))
    with pytest.raises(ValueError, match="never opens"):
        nine_to_five(Calendar("", year)).next_open(utc(2026, 1, 5))


@pytest.mark.parametrize(
    ("country", "handed_over", "expected"),
    [
        ("DE", utc(2026, 12, 23, 9), utc(2026, 12, 28, 9)),  # Thursday is Christmas Eve, then two holidays, a weekend
        ("SA", utc(2026, 3, 5, 9), utc(2026, 3, 9, 9)),  # a Thursday; Friday and Saturday are the weekend
        ("", utc(2026, 12, 23, 9), utc(2026, 12, 25, 9)),
    ],
)
def test_two_business_days_skip_weekend_and_holidays(country, handed_over, expected):
    place = Place("Europe/Berlin", Calendar(country))
    assert due_after(handed_over_at=handed_over, delay=2, unit="business_days", place=place) == expected


def test_the_zone_is_the_persons_own_else_the_countrys_else_the_campaigns():
    campaign = CampaignDays("Europe/London", True, [CHRISTMAS])
    assert place_of(Somebody("Asia/Tokyo", "DE"), campaign) == Place(
        "Asia/Tokyo", Calendar("DE", frozenset({CHRISTMAS}))
    )
    assert place_of(Somebody("", "DE"), campaign).zone == "Europe/Berlin"
    assert place_of(Somebody(), campaign).zone == "Europe/London"
    campaign.skip_holidays = False
    assert place_of(Somebody("", "DE"), campaign).calendar == Calendar("", frozenset({CHRISTMAS}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("2026-12-24", "2026-12-24"),
        ("2026-12-24 to 2027-01-02", "2026-12-24 to 2027-01-02"),
        ("24.12.2026 – 26.12.2026\n1 May 2027", "2026-12-24 to 2026-12-26, 2027-05-01"),
        ("2026-12-24..2026-12-25, 2026-12-26; 2026-12-24", "2026-12-24 to 2026-12-26"),
        ("24 Dec 2026 - 2 January 2027", "2026-12-24 to 2027-01-02"),
    ],
)
def test_reads_days_as_people_write_them(text, said):
    assert days_said(days_in(text)) == said


@pytest.mark.parametrize(
    "text",
    ["Christmas", "2026-13-01", "2026-12-26 to 2026-12-24", "2026-12-24 to", "1.1.2026 to 2.1.2026 to 3.1.2026"],
)
def test_says_which_piece_it_can_not_read(text):
    with pytest.raises(ValueError, match="is no day like"):
        days_in(f"2026-05-01, {text}")


def test_a_span_of_centuries_is_refused_at_once():
    with pytest.raises(ValueError, match="more than 366 days"):
        days_in("0001-01-01 to 9999-12-31")


@given(days=st.sets(st.dates(date(2020, 1, 1), date(2021, 12, 31)), max_size=300))
def test_what_is_said_is_read_as_the_same_days(days):
    assert days_in(days_said(days)) == sorted(days)


@given(text=st.text(alphabet="0123456789-. tountil–\n,;DecMay", max_size=60))
def test_never_breaks_on_what_is_typed(text):
    days: list[date] | None = None
    with contextlib.suppress(ValueError):
        days = days_in(text)
    assert days is None or days_in(days_said(days)) == days
