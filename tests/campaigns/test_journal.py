"""The journal of opt-outs: written before the answer, readable without the database, replayed as often as one likes."""

import io
import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns import companies, journal, lifting, privacy, replaying, stopping, suppressing_lists, tracking
from campaigns.models import Enrollment, Event, Message, SendingControl
from outreach.lib import crypto
from prospects.models import Prospect, Site, Suppression
from prospects.suppression import BadExpiry
from prospects.suppression_lists import Meant
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def lines(safety):
    files = (safety / "opt-outs").glob("*.jsonl")
    return [json.loads(text) for path in files for text in path.read_text().splitlines() if text]


def forget():
    """What a backup does not know."""
    Event.objects.all().delete()
    Suppression.objects.all().delete()
    Site.objects.update(stopped_at=None)
    Prospect.objects.update(stopped_at=None, stop_reason="")
    Enrollment.objects.update(state="active", stop_reason="", ended_at=None)


@pytest.fixture
def sent(running):
    world = running(people=2, steps=2)
    world.tick()
    world.first, world.second = Message.objects.select_related("prospect", "campaign").order_by("id")
    return world


def test_one_click_is_on_disk_when_it_is_answered_and_names_nobody(sent, safety):
    token = tracking.unsubscribe_url(public_id=sent.first.public_id).partition("/u/")[2]
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


def take_list(text, now, reason="imported", **meant):
    meant = Meant(reason, "their list", meant.get("expires_at"))
    return suppressing_lists.take(source=io.BytesIO(text.encode()), meant=meant, by=None, now=now)


def entries():
    return list(Suppression.objects.order_by("key").values_list("key", "kind", "reason", "expires_at"))


def test_an_imported_list_is_on_disk_when_it_is_answered_and_names_nobody(sent, safety):
    take_list(f"email\n{sent.first.recipient}\nb@b.example\n", sent.now)
    (line,) = lines(safety)
    said = json.loads(crypto.decrypt(line["said"]))
    assert len(said["entries"]) == 2
    assert sent.first.recipient.partition("@")[0] not in json.dumps([line, said])


def test_an_imported_list_is_replayed_whole_and_twice_is_once(sent):
    ends = timezone.now() + timedelta(days=30)
    listed = [sent.first.recipient, "not-in-the-backup@b.example", *(f"p{n}@many.example" for n in range(2_500))]
    take_list("email\n" + "\n".join(listed), sent.now, reason="declined")
    take_list("domain\nrival.example\n", sent.now, expires_at=ends)
    shown = entries()
    assert len(shown) == 2_503
    forget()
    stopping.suppress(kind="address", value="p7@many.example", reason="manual")
    assert replaying.replay(since=None) == 2_503  # one of them only as what they asked for themselves
    assert entries() == shown
    assert Suppression.objects.get(kind="domain").value == "rival.example"
    assert Suppression.objects.filter(value=sent.first.recipient).exists()
    assert Enrollment.objects.get(prospect=sent.first.prospect).stop_reason == "declined"
    assert Enrollment.objects.get(prospect=sent.second.prospect).state == "active"
    assert replaying.replay(since=None) == 0
    assert entries() == shown


def test_the_same_list_again_writes_no_line_again(sent, safety):
    for _ in range(3):
        take_list("email\na@a.example\n", sent.now)
    assert len(lines(safety)) == 1


def test_an_entry_of_a_list_that_was_taken_back_stays_so(sent):
    take_list("email\na@a.example\nb@b.example\n", sent.now)
    lifting.lift(suppression=Suppression.objects.get(value="a@a.example"), note="A mistake", by=None)
    forget()
    replaying.replay(since=None)
    assert Suppression.objects.count() == 1


def test_never_contact_this_company_is_replayed_and_so_is_that_it_was_taken_back(sent):
    site, other = sent.first.prospect.site, sent.second.prospect.site
    companies.stop_site(site=site, reason="asked", by=None)
    companies.stop_site(site=other, reason="a mistake", by=None)
    lifting.lift(suppression=Suppression.objects.get(value=other.domain), note="A mistake", by=None)
    forget()
    assert replaying.replay(since=None) == 2
    assert list(Site.objects.exclude(stopped_at=None)) == [site]
    assert Suppression.objects.get().value == site.domain
    assert Enrollment.objects.get(prospect=sent.first.prospect).state == "stopped"
    assert replaying.replay(since=None) == 0


def test_lists_and_companies_that_a_full_disk_kept_out_are_caught_up(sent, safety):
    safety.mkdir(parents=True, exist_ok=True)
    (safety / "opt-outs").write_text("in the way")
    take_list("email,since\na@a.example,2020-01-01\n", sent.now)
    companies.stop_site(site=sent.first.prospect.site, reason="asked", by=None)
    (safety / "opt-outs").unlink()
    assert journal.catch_up()
    shown = entries()
    forget()
    replaying.replay(since=None)
    assert entries() == shown
    assert Site.objects.filter(stopped_at__isnull=False).count() == 1
