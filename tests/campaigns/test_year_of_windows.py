"""A year of windows around the world: nothing outside them, nothing on a day off, and zones as others know them."""

import json
import os
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest

from campaigns.calendars import Calendar, Place
from campaigns.deciding import Facts, Send, decide, look_again_at
from campaigns.scheduling import MOST, SlotBook, Window, always, due_after, horizon
from prospects import places
from tests import corpora

FULL = bool(os.environ.get("PROVE"))
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
COUNTRIES = {zone: code for code, zones in places._zones().items() for zone in zones}
FEW = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Tehran"]
ZONES = sorted(COUNTRIES) if FULL else FEW
USUAL = (time(9), time(17))
ODD = [(time(1, 30), time(3)), (time(22), time(0)), (time(0), time(0)), (time(2, 10), time(2, 50))]
WORKDAYS = frozenset({1, 2, 3, 4, 5})


def test_there_are_as_many_zones_as_we_say():
    assert len(COUNTRIES) >= 400


def year(zone):
    """Every hour of the year, and every minute within three hours of each change of the zone's clock."""
    hours = [YEAR + n * HOUR for n in range(365 * 24)]
    offsets = [at.astimezone(zone).utcoffset() for at in hours]
    changes = [at for at, before, after in zip(hours[1:], offsets, offsets[1:], strict=False) if before != after]
    return hours, [at + n * MINUTE for at in changes for n in range(-240, 181)]


def is_outside(at, zone, start, end, off):
    """Whether this is outside the window: told by the wall clock, apart from the code that is tested."""
    local = at.astimezone(zone)
    minutes = local.hour * 60 + local.minute
    last = (end.hour * 60 + end.minute) or 24 * 60
    in_hours = start.hour * 60 + start.minute <= minutes < last
    return not in_hours or local.weekday() > 4 or local.date() in off


def off_in(country):
    known = country in holidays.utils.list_supported_countries()
    return holidays.country_holidays(country, years=(2026, 2027)) if known else {}


@pytest.mark.parametrize("zone", ZONES)
def test_no_slot_of_a_year_is_outside_its_window_or_on_a_holiday(zone):
    clock, country = ZoneInfo(zone), COUNTRIES[zone]
    off, (hours, around_changes) = off_in(country), year(clock)
    for hours_of_day in (USUAL, *ODD):
        window = Window(zone, *hours_of_day, WORKDAYS, Calendar(country))
        for at in [*(hours if hours_of_day == USUAL else hours[::50]), *around_changes]:
            opening = window.next_open(at)
            assert opening >= at
            assert not is_outside(opening, clock, *hours_of_day, off), (at, opening)
            assert opening == at or is_outside(at, clock, *hours_of_day, off), (at, opening)


@pytest.mark.parametrize("zone", FEW)
def test_nothing_open_is_passed_over(zone):
    """Between a wish and its slot there is no minute of the window, around each change of the clock."""
    clock = ZoneInfo(zone)
    for hours_of_day in (USUAL, *ODD):
        window = Window(zone, *hours_of_day, WORKDAYS)
        for at in year(clock)[1][::37]:
            opening = window.next_open(at)
            last = range(int((opening - at) / MINUTE))[-200:]
            assert all(is_outside(at + n * MINUTE, clock, *hours_of_day, {}) for n in last), (at, opening)


def test_windows_keep_to_the_wall_clock_through_known_changes():
    """Around each change a window of that very hour is open exactly when the clock on the wall says so."""
    cases = json.loads((corpora.folder("cpython-zoneinfo") / "transitions.json").read_text())
    for case in cases:
        at, zone = datetime.fromisoformat(case["transition_utc"]), ZoneInfo(case["zone"])
        before, after = (timedelta(seconds=case[side]["utcoffset_s"]) for side in ("before", "after"))
        if (before, after) != tuple((at - n * MINUTE).astimezone(zone).utcoffset() for n in (1, 0)):
            assert at.year < 1970  # what was known of those years has changed since
            continue
        local = datetime.fromisoformat(case["transition_local"])
        end = (local + HOUR).time()
        window = Window(case["zone"], local.time(), end if end > local.time() else time(0), frozenset(range(1, 8)))
        for n in range(-180, 181):
            there = at + n * MINUTE
            wall = (there + (after if n >= 0 else before)).time()
            is_in = window.start <= wall and (window.end == time(0) or wall < window.end)
            assert window.is_open(there) == is_in, (case["zone"], there)


def a_day_later(case):
    """The wall clock a day after the same time the day before, and what is due then."""
    local, zone = datetime.fromisoformat(case["local"]), ZoneInfo(case["zone"])
    before = (local - timedelta(days=1)).replace(tzinfo=zone)
    due = due_after(handed_over_at=before.astimezone(UTC), delay=1, unit="days", place=Place(case["zone"]))
    return local, zone, due


def test_a_day_later_is_the_same_time_on_the_wall_or_the_next_there_is():
    cases = json.loads((corpora.folder("dateutil") / "resolve_imaginary.json").read_text())
    for case in cases["imaginary_resolve"]:
        _, zone, due = a_day_later(case)
        assert due.astimezone(zone).replace(tzinfo=None) == datetime.fromisoformat(case["resolved"]), case
    for case in cases["ambiguous"]:
        local, zone, due = a_day_later(case)
        assert due == local.replace(tzinfo=zone, fold=0).astimezone(UTC), case
    for case in cases["ordinary"]:
        local, zone, due = a_day_later(case)
        assert due.astimezone(zone).replace(tzinfo=None) == local, case


def live_a_year(zone, hours_of_day):
    """One person who gets a mail a day for a year; returns when each of them was handed over.

    The planner and the worker look every hour, and every minute around each change of the person's clock. A worker
    looks at the window once more, and puts off what is shut.
    """
    hours, around_changes = year(ZoneInfo(zone))
    window = Window(zone, *hours_of_day, WORKDAYS, Calendar(COUNTRIES[zone]))
    book = SlotBook(cap_on=always(MOST), gap=timedelta(0), taken=(), horizon=horizon(YEAR))
    due, look, slot, sent = YEAR, YEAR, None, []
    for now in sorted({*hours, *around_changes}):
        if slot is not None and slot <= now:
            slot = None if window.is_open(now) else window.next_open(now)
            if slot is None:
                sent.append(now)
                due = due_after(handed_over_at=now, delay=1, unit="days", place=Place(zone))
                look = due - timedelta(days=1)
        if slot is None and look <= now:
            book = book.moved(now)
            facts = Facts(due, window, "running", "active", has_address=True, is_follow_up=bool(sent))
            verdict = decide(now=now, facts=facts, slots=book)
            if isinstance(verdict, Send):
                slot = verdict.slot
            else:
                look = look_again_at(now=now, verdict=verdict, when_due=False)
    return sent


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_of_sending_is_inside_its_windows_and_never_twice_a_day(zone):
    clock, off = ZoneInfo(zone), off_in(COUNTRIES[zone])
    for hours_of_day in (USUAL, ODD[0]) if FULL else (USUAL,):
        sent = live_a_year(zone, hours_of_day)
        assert not [at for at in sent if is_outside(at, clock, *hours_of_day, off)]
        days = [at.astimezone(clock).date() for at in sent]
        assert len(days) == len(set(days)), "twice on one day of theirs"
        open_days = sum(
            day.weekday() < 5 and day not in off for day in ((YEAR + timedelta(days=n)).date() for n in range(365))
        )
        assert len(days) > 0.9 * open_days if hours_of_day == USUAL else days
