"""A new mailbox begins with few mails a day, and sends a few more on each day after it."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from campaigns.scheduling import DAY, SlotBook, Window, days_to_send
from integrations.models import Mailbox

FIRST = date(2026, 3, 4)
ANYTIME = Window("UTC", time(0), time(0), frozenset(range(1, 8)))


def warming(**changed):
    return Mailbox(**{"daily_cap": 50, "ramp_start": 10, "ramp_step": 15, "ramp_from": FIRST, **changed})


@pytest.mark.parametrize(
    ("days", "cap"), [(-5, 10), (0, 10), (1, 25), (2, 40), (3, 50), (400, 50)], ids=lambda value: str(value)
)
def test_grows_from_day_to_day_up_to_the_daily_cap(days, cap):
    assert warming().cap_on(FIRST + timedelta(days=days)) == cap


def test_without_a_warm_up_every_day_is_the_same():
    assert warming(ramp_start=None).cap_on(FIRST) == 50
    assert warming(daily_cap=5).cap_on(FIRST) == 5  # a first day above the cap is no way around it


@given(
    start=st.integers(1, 6),
    step=st.integers(1, 4),
    cap=st.integers(0, 15),
    wishes=st.lists(st.integers(0, 5 * 24), max_size=80),
)
def test_no_day_gets_more_slots_than_its_own_cap(start, step, cap, wishes):
    mailbox = warming(daily_cap=cap, ramp_start=start, ramp_step=step)
    begin = datetime.combine(FIRST, time(0), UTC)
    span = {"gap": timedelta(0), "horizon": begin + 6 * DAY - timedelta(seconds=1)}
    book = SlotBook(cap_on=mailbox.cap_on, taken=[], **span)
    free, days = book.free(begin), Counter()
    for hour in wishes:
        slot = book.first(window=ANYTIME, earliest=begin + timedelta(hours=hour))
        if slot is None:
            after = {FIRST + n * DAY for n in range(6) if FIRST + n * DAY >= (begin + timedelta(hours=hour)).date()}
            assert all(days[day] == mailbox.cap_on(day) for day in after)
            continue
        book.take(slot)
        days[slot.date()] += 1
    assert all(count <= mailbox.cap_on(day) for day, count in days.items())
    assert free == sum(mailbox.cap_on(FIRST + n * DAY) for n in range(6))


@given(count=st.integers(0, 500), start=st.integers(1, 20), step=st.integers(1, 20), cap=st.integers(1, 60))
def test_tells_how_many_days_it_takes(count, start, step, cap):
    mailbox = warming(daily_cap=cap, ramp_start=start, ramp_step=step)
    days = days_to_send(count, cap_on=mailbox.cap_on, first=FIRST, most=10_000)
    assert sum(mailbox.cap_on(FIRST + n * DAY) for n in range(days)) >= count
    assert days == 0 or sum(mailbox.cap_on(FIRST + n * DAY) for n in range(days - 1)) < count


def test_takes_forever_where_nothing_may_be_sent():
    assert days_to_send(1, cap_on=warming(daily_cap=0).cap_on, first=FIRST, most=365) == 365


@pytest.mark.django_db(transaction=True)
def test_sends_no_more_on_each_day_than_the_warm_up_allows(running):
    world = running(people=20, steps=1)
    Mailbox.objects.update(ramp_start=2, ramp_step=3, ramp_from=world.now.date(), daily_cap=9, gap_seconds=0)
    world.mailbox.refresh_from_db()
    sent = Counter()
    for _ in range(4 * 6):
        sent[(world.now + timedelta(hours=4)).date()] += world.tick(hours=4).sent
    first = world.campaign.launched_at.date()
    assert [sent[first + n * DAY] for n in range(4)] == [2, 5, 8, 5]


@pytest.mark.django_db
class TestFaces:
    def test_is_set_and_read_on_the_mailbox_page(self, client_as, mailbox):
        manager = client_as("manager")
        manager.default_format = "multipart"
        edit = reverse("mailbox-edit", args=[mailbox.public_id])
        page = manager.get(edit).content.decode()
        assert "Warm-up" in page
        found = Mailbox.objects.values().get()
        kept = {name: found[name] for name in ("from_name", "from_address", "name", "smtp_host", "smtp_port")}
        kept |= {name: found[name] for name in ("smtp_security", "imap_host", "imap_port", "imap_security")}
        kept |= {"smtp_username": "", "imap_username": found["imap_username"], "imap_folder": "INBOX"}
        kept |= {"daily_cap": 50, "gap_seconds": 0, "connections": 1, "ramp_start": 10, "ramp_step": 5}
        wrong = manager.post(edit, kept, format="multipart").content.decode()
        assert "Say on which day it begins." in wrong
        today = datetime.now(UTC).date()
        answer = manager.post(edit, {**kept, "ramp_from": str(today)}, format="multipart")
        assert answer.status_code == 302
        page = manager.get(reverse("mailbox", args=[mailbox.public_id])).content.decode()
        assert "10 today, 5 more each day, up to 50 a day" in page

    def test_is_set_by_api(self, client_as, mailbox):
        manager = client_as("manager")
        address = reverse("api-mailboxes-detail", args=[mailbox.public_id])
        refused = manager.patch(address, {"ramp_start": 10}, format="json")
        assert refused.status_code == 400
        assert [error["field"] for error in refused.json()["errors"]] == ["ramp_step", "ramp_from"]
        whole = {"ramp_start": 10, "ramp_step": 5, "ramp_from": "2026-03-04"}
        assert manager.patch(address, whole, format="json").status_code == 200
        refused = manager.patch(address, {"ramp_step": 0}, format="json")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "ramp_step")
