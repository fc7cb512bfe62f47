"""Windows, delays and slots."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.calendars import Place
from campaigns.scheduling import DAY, DOMAIN, Quota, SlotBook, Window, always, due_after, retry_after, the_same

ALL_WEEK = frozenset(range(1, 8))
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]
instants = st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2027, 12, 31), timezones=st.just(UTC))


def window(zone="Europe/Berlin", start=time(9), end=time(17), weekdays=frozenset({1, 2, 3, 4, 5})):
    return Window(zone, start, end, weekdays)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@given(
    at=instants,
    zone=st.sampled_from(ZONES),
    start=st.times(max_value=time(22)),
    hours=st.integers(1, 12),
    weekdays=st.frozensets(st.integers(1, 7), min_size=1),
)
def test_next_open_is_open_and_never_in_the_past(at, zone, start, hours, weekdays):
    start = start.replace(second=0, microsecond=0)
    end = (datetime.combine(datetime(2026, 1, 1), start) + timedelta(hours=hours)).time()
    that = window(zone, start, end if end > start else time(0), weekdays)
    opening = that.next_open(at)
    assert opening >= at
    assert that.is_open(opening)


def test_waits_from_friday_evening_to_monday_morning():
    assert window().next_open(utc(2026, 3, 6, 18)) == utc(2026, 3, 9, 8)


def test_friday_21_00_in_new_york_is_a_friday():
    late = window("America/New_York", time(21), time(22), frozenset({5}))
    opening = late.next_open(utc(2026, 3, 2))
    assert opening == utc(2026, 3, 7, 2)
    assert opening.astimezone(ZoneInfo("America/New_York")).isoweekday() == 5


def test_moves_a_slot_in_the_missing_hour_forward():
    gap = window("Europe/Berlin", time(2, 30), time(5), ALL_WEEK)  # 29 March 2026: 02:00 becomes 03:00
    opening = gap.next_open(utc(2026, 3, 29, 0))
    assert opening.astimezone(ZoneInfo("Europe/Berlin")).time() == time(3)


def test_stays_shut_on_the_day_whose_window_the_clock_skips():
    skipped = window("Europe/Berlin", time(2, 10), time(2, 50), ALL_WEEK)
    opening = skipped.next_open(utc(2026, 3, 29, 0))
    assert opening.astimezone(ZoneInfo("Europe/Berlin")).date().isoformat() == "2026-03-30"


def test_refuses_a_window_without_weekdays():
    with pytest.raises(ValueError, match="never opens"):
        window(weekdays=frozenset()).next_open(utc(2026, 3, 2))


def test_a_day_is_a_calendar_day_across_a_clock_change():
    due = due_after(handed_over_at=utc(2026, 3, 28, 9), delay=1, unit="days", place=Place("Europe/Berlin"))
    assert due == utc(2026, 3, 29, 8)  # 10:00 on the wall both days


def test_business_days_skip_the_weekend():
    assert due_after(handed_over_at=utc(2026, 3, 6, 9), delay=2, unit="business_days", place=Place("UTC")) == utc(
        2026, 3, 10, 9
    )


@pytest.mark.parametrize(("unit", "expected"), [("minutes", utc(2026, 3, 6, 9, 3)), ("hours", utc(2026, 3, 6, 12))])
def test_short_delays_are_exact(unit, expected):
    assert due_after(handed_over_at=utc(2026, 3, 6, 9), delay=3, unit=unit, place=Place("Asia/Kolkata")) == expected


@given(
    cap=st.integers(0, 5),
    gap=st.integers(0, 7200),
    wishes=st.lists(st.integers(0, 47 * 60), max_size=20),
)
def test_slots_keep_the_gap_and_the_cap(cap, gap, wishes):
    start = utc(2026, 3, 2)
    book = SlotBook(
        cap_on=always(cap), gap=timedelta(seconds=gap), taken=[], horizon=start + 2 * DAY - timedelta(seconds=1)
    )
    given_out = []
    for minutes in wishes:
        slot = book.first(window=window("UTC", weekdays=ALL_WEEK), earliest=start + timedelta(minutes=minutes))
        if slot is not None:
            book.take(slot)
            given_out.append(slot)
    given_out.sort()
    assert all(later - earlier >= timedelta(seconds=gap) for earlier, later in pairwise(given_out))
    assert all(sum(slot.date() == day for slot in given_out) <= cap for day in {slot.date() for slot in given_out})
    assert all(time(9) <= slot.time() < time(17) for slot in given_out)


@given(
    cap=st.integers(1, 30),
    domain_cap=st.integers(1, 6),
    gap=st.sampled_from([0, 600]),
    wishes=st.lists(st.sampled_from(["gmail.example", "site.example", "odd.example"]), min_size=1, max_size=40),
)
def test_no_day_gives_one_domain_more_than_its_share(cap, domain_cap, gap, wishes):
    start = datetime(2026, 3, 4, 0, 0, tzinfo=UTC)
    known = {(start.date(), "gmail.example"): 1}
    span = {"gap": timedelta(seconds=gap), "horizon": start + 3 * DAY - timedelta(seconds=1)}
    book = SlotBook(cap_on=always(cap), taken=[start], quotas={DOMAIN: Quota(the_same(domain_cap), known)}, **span)
    anytime = Window("UTC", time(0), time(0), frozenset(range(1, 8)))
    taken = Counter(known)
    for domain in wishes:
        slot = book.first(window=anytime, earliest=start, shares=[(DOMAIN, domain)])
        if slot is None:
            days = [start.date() + n * DAY for n in range(3)]
            per_day = {day: sum(count for (at, _), count in taken.items() if at == day) for day in days}
            assert all(per_day[day] >= cap or taken[day, domain] >= domain_cap for day in days)
            continue
        book.take(slot, shares=[(DOMAIN, domain)])
        taken[slot.date(), domain] += 1
    assert max(taken.values()) <= domain_cap


def test_retries_are_half_an_hour_apart_and_end_after_four_days():
    waits = []
    while (wait := retry_after(attempts=len(waits) + 1)) is not None:
        waits.append(wait)
    assert waits[0] == timedelta(minutes=30)
    assert max(waits) == timedelta(hours=4)
    assert timedelta(days=3, hours=18) < sum(waits, timedelta()) <= timedelta(days=4)
