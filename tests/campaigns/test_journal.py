"""The journal of opt-outs: written before the answer, readable without the database, replayed as often as one likes."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns import journal, lifting, privacy, replaying, stopping, tracking
from campaigns.models import Enrollment, Event, Message, SendingControl
from outreach.lib import crypto
from prospects.models import Prospect, Suppression
from prospects.suppression import BadExpiry
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def lines(safety):
    files = (safety / "opt-outs").glob("*.jsonl")
    return [json.loads(text) for path in files for text in path.read_text().splitlines() if text]


def forget():
    """What a backup does not know."""
    Event.objects.all().delete()
    Suppression.objects.all().delete()
    Prospect.objects.update(stopped_at=None, stop_reason="")
    Enrollment.objects.update(state="active", stop_reason="", ended_at=None)


@pytest.fixture
def sent(running):
    world = running(people=2, steps=2)
    world.tick()
    world.first, world.second = Message.objects.select_related("prospect", "campaign").order_by("id")
    return world


def test_one_click_is_on_disk_when_it_is_answered_and_names_nobody(sent, safety):
    token = tracking.unsubscribe_url(message=sent.first).partition("/u/")[2]
    assert Client().post(f"/u/{token}", {"List-Unsubscribe": "One-Click"}).status_code == 200
    said = [json.loads(crypto.decrypt(line["said"])) for line in lines(safety)]
    assert {each["do"] for each in said} == {"suppress", "unsubscribe"}
    raw = json.dumps([lines(safety), said])
    assert sent.first.recipient not in raw
    assert sent.first.recipient.partition("@")[0] not in raw


def test_replays_every_kind_of_no_and_twice_is_once(sent, safety):
    stopping.unsubscribe(message=sent.first, source="page", now=sent.now)
    stopping.stop_person(prospect=sent.second.prospect, reason="told us")
    stopping.suppress(kind="x", value="@rival", reason="declined")
    stopping.suppress(kind="domain", value="rival.example", reason="complained")
    shown = set(Suppression.objects.values_list("key", "kind", "reason"))
    written = len(lines(safety))
    forget()
    assert replaying.replay(since=None) == 5
    assert set(Suppression.objects.values_list("key", "kind", "reason")) == shown
    assert Suppression.objects.get(kind="address").value == sent.first.recipient
    assert Prospect.objects.get(pk=sent.second.prospect_id).stopped_at
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"stopped"}
    assert Event.objects.filter(kind="unsubscribed", message=sent.first).count() == 1
    assert replaying.replay(since=None) == 0
    assert len(lines(safety)) == written


def test_whoever_answered_on_the_telephone_gets_no_follow_up(sent):
    stopping.stop_enrollments(prospect=sent.first.prospect, reason="replied")
    forget()
    assert replaying.replay(since=None) == 1
    assert Enrollment.objects.get(prospect=sent.first.prospect).stop_reason == "replied"
    assert Enrollment.objects.get(prospect=sent.second.prospect).state == "active"
    assert replaying.replay(since=timezone.now() + timedelta(hours=1)) == 0


def test_what_was_taken_back_stays_so():
    row, _ = stopping.suppress(kind="address", value="other@site.example", reason="manual")
    lifting.lift(suppression=row, note="A mistake", by=None)
    person = factories.ProspectFactory()
    stopping.stop_person(prospect=person, reason="a mistake")
    lifting.lift_person(prospect=person, note="A mistake", by=None)
    assert replaying.replay(since=None) == 0
    assert not Suppression.objects.exists()
    assert Prospect.objects.get(pk=person.pk).stopped_at is None


def test_whoever_is_not_in_the_backup_stays_out_when_they_come_back():
    person = factories.ProspectFactory(email="late@comer.example")
    stopping.stop_person(prospect=person, reason="told us")
    person.delete()
    replaying.replay(since=None)
    again = factories.ProspectFactory(email="Late@Comer.example")
    assert Suppression.objects.filter(key__in=again.contact_keys).exists()


def test_whoever_was_erased_stays_barred(now, manager):
    person = factories.ProspectFactory(email="gone@for-good.example")
    privacy.erase(prospect=person, reason="asked by mail", by=manager, now=now)
    forget()
    again = factories.ProspectFactory(email="gone@for-good.example")
    stopping.suppress(kind="address", value="gone@for-good.example", reason="manual")
    assert replaying.replay(since=None) >= 0
    row = Suppression.objects.get(key__in=again.contact_keys)
    assert (row.reason, row.value) == ("erased", "")


def test_a_stop_that_was_refused_is_not_written(safety):
    tomorrow = timezone.now() + timedelta(days=1)
    with pytest.raises(BadExpiry):
        stopping.suppress(kind="address", value="a@site.example", reason="declined", expires_at=tomorrow)
    assert not (safety / "opt-outs").exists()


def test_a_disk_that_fails_loses_nothing_and_catches_up(sent, safety):
    safety.mkdir(parents=True, exist_ok=True)
    (safety / "opt-outs").write_text("in the way")
    stopping.unsubscribe(message=sent.first, source="page", now=sent.now)
    stopping.stop_person(prospect=sent.second.prospect, reason="told us")
    assert Suppression.objects.count() == 1
    assert SendingControl.objects.get().journal_failed_at
    assert not journal.catch_up()
    assert SendingControl.objects.get().journal_failed_at
    (safety / "opt-outs").unlink()
    assert journal.catch_up()
    assert SendingControl.objects.get().journal_failed_at is None
    forget()
    assert replaying.replay(since=None) == 2


def test_half_a_line_and_a_foreign_key_spoil_no_other(safety):
    stopping.suppress(kind="address", value="one@site.example", reason="declined")
    (path,) = (safety / "opt-outs").glob("*.jsonl")
    with path.open("a") as file:
        file.write('{"id": "x", "at": "2026-01-01T00:00:00+00:00", "said": "gAAAA"}\n{"id": "half')
    stopping.suppress(kind="address", value="two@site.example", reason="declined")
    forget()
    assert replaying.replay(since=None) == 2


def test_starts_a_file_each_month_and_forgets_very_old_ones(safety):
    folder = safety / "opt-outs"
    folder.mkdir(parents=True)
    (folder / "2020-01.jsonl").write_text("")
    stopping.suppress(kind="address", value="one@site.example", reason="declined")
    assert [path.name for path in folder.iterdir()] == [f"{timezone.now():%Y-%m}.jsonl"]
