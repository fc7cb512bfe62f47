"""The pure decision."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.deciding import Facts, Hold, Send, Stop, Wait, decide
from campaigns.scheduling import SlotBook, Window, always

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HORIZON = datetime(2026, 3, 5, 23, 59, 59, tzinfo=UTC)
OPEN = Window("UTC", time(0), time(0), frozenset(range(1, 8)))
READY = Facts(due_at=NOW, window=OPEN, campaign_state="running", mailbox_status="active", has_address=True)


def slots(cap=10, taken=()):
    return SlotBook(cap_on=always(cap), gap=timedelta(0), taken=taken, horizon=HORIZON)


def test_sends_what_is_due():
    assert decide(now=NOW, facts=READY, slots=slots()) == Send(NOW, {"due_at": NOW.isoformat(), "zone": "UTC"})


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"suppressed_by": "bounced"}, "suppressed"),
        ({"person_stopped": True}, "person_stopped"),
        ({"site_stopped": True}, "site_stopped"),
        ({"has_address": False}, "no_address"),
    ],
)
def test_stops_for_good(change, rule):
    verdict = decide(now=NOW, facts=replace(READY, **change), slots=slots())
    assert isinstance(verdict, Stop)
    assert verdict.rule == rule


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"person_hold": "ask Ada"}, "person_held"),
        ({"site_hold": "ask Ada"}, "site_held"),
        ({"campaign_state": "paused"}, "campaign_not_running"),
        ({"mailbox_status": "paused"}, "mailbox_not_active"),
        ({"demo_person_in_real_mailbox": True}, "demo_person"),
    ],
)
def test_holds_until_somebody_lifts_it(change, rule):
    verdict = decide(now=NOW, facts=replace(READY, **change), slots=slots())
    assert isinstance(verdict, Hold)
    assert verdict.rule == rule


def test_waits_for_its_day():
    later = replace(READY, due_at=HORIZON + timedelta(days=3))
    assert decide(now=NOW, facts=later, slots=slots()).rule == "not_due"


def test_waits_for_its_window():
    sunday = replace(READY, window=Window("UTC", time(9), time(17), frozenset({7})))
    verdict = decide(now=NOW, facts=sunday, slots=slots())
    assert verdict == Wait(
        datetime(2026, 3, 8, 9, tzinfo=UTC),
        "window_closed",
        {"opens_at": "2026-03-08T09:00:00+00:00", "zone": "UTC"},
    )


def test_waits_for_a_mailbox_that_used_up_its_cap():
    full = slots(cap=1, taken=[NOW, NOW + timedelta(days=1)])
    assert decide(now=NOW, facts=READY, slots=full).rule == "mailbox_full"


facts = st.builds(
    Facts,
    due_at=st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 9), timezones=st.just(UTC)),
    window=st.builds(
        Window,
        st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo"]),
        st.just(time(9)),
        st.just(time(17)),
        st.frozensets(st.integers(1, 7), min_size=1),
    ),
    campaign_state=st.sampled_from(["running", "paused"]),
    mailbox_status=st.sampled_from(["active", "paused", "retired"]),
    has_address=st.booleans(),
    person_stopped=st.booleans(),
    site_stopped=st.booleans(),
    suppressed_by=st.sampled_from(["", "unsubscribed"]),
    person_hold=st.sampled_from(["", "mine"]),
    site_hold=st.sampled_from(["", "mine"]),
    demo_person_in_real_mailbox=st.booleans(),
)


@given(facts=facts, cap=st.integers(0, 3))
def test_never_sends_against_a_stop_a_hold_the_window_or_the_due_time(facts, cap):
    verdict = decide(now=NOW, facts=facts, slots=slots(cap=cap))
    stopped = facts.suppressed_by or facts.person_stopped or facts.site_stopped or not facts.has_address
    held = (
        facts.person_hold
        or facts.site_hold
        or facts.demo_person_in_real_mailbox
        or facts.campaign_state != "running"
        or facts.mailbox_status != "active"
    )
    if stopped:
        assert isinstance(verdict, Stop)
    elif held:
        assert isinstance(verdict, Hold)
    elif isinstance(verdict, Send):
        assert NOW <= verdict.slot <= HORIZON
        assert verdict.slot >= facts.due_at
        assert facts.window.is_open(verdict.slot)
        assert cap > 0
    else:
        assert isinstance(verdict, Wait)
        assert verdict.until >= NOW
