"""Taking an import back: who it added goes unless something has happened with them; what it changed comes back."""

import io

import pytest
from django.urls import reverse

from campaigns import enrolling, lifecycle, undoing
from campaigns.models import Enrollment
from prospects import editing, notes, suppression, tagging
from prospects.importing.choosing import Settings
from prospects.importing.files import import_file
from prospects.models import ImportBatch, ImportChange, Prospect, Site
from tests import factories

SHEET = "Email,First name,Company,Size,Website\n"


def bring(content, **said):
    return import_file(source=io.BytesIO(content.encode()), file_name="people.csv", by=None, **said)


def people():
    names = [field.attname for field in Prospect._meta.concrete_fields if field.attname not in {"id", "contact_keys"}]
    return list(Prospect.objects.order_by("email").values(*names))


def undo(batch, now):
    return undoing.undo(batch=batch, by=None, now=now)


def test_gives_back_the_table_as_it_was(db, now):
    editing.add_prospect(email="ada@a.example", by=None, first_name="Ada", tags=["old"], custom={"city": "Köln"})
    editing.add_prospect(email="berta@b.example", by=None, company="Acme", country="FR")
    before = people()
    content = SHEET + "ada@a.example,Other,Acme,7,shop.example\nberta@b.example,Berta,Beta,,\nnew@c.example,N,,,\n"
    batch = bring(content + ",,,,research.example\n", settings=Settings(replace=["company"]))
    assert people() != before
    assert Site.objects.filter(is_to_research=True).exists()
    done = undo(batch, now)
    assert people() == before
    assert (done.removed, done.stay, done.given_back, done.changed_since) == (1, {}, 2, 0)
    assert not Site.objects.filter(is_to_research=True).exists()
    assert not ImportChange.objects.exists()
    batch.refresh_from_db()
    assert batch.undone_at == now


def test_keeps_whoever_something_has_happened_with_and_says_why(db, now):
    batch = bring(SHEET + "".join(f"{name}@a.example,,,,\n" for name in ("go", "in", "note", "stop", "later")))
    person = {prospect.email.partition("@")[0]: prospect for prospect in Prospect.objects.all()}
    chosen = factories.SegmentFactory(filter={"field": "email", "op": "is", "value": "in@a.example"})
    campaign = factories.campaign(mailbox=factories.MailboxFactory(verified_at=now), segment=chosen)
    lifecycle.launch(campaign=campaign, now=now, by=None)
    enrolling.enroll_segment(campaign=campaign, now=now, by=None)
    assert Enrollment.objects.get().prospect == person["in"]
    notes.add_note(prospect=person["note"], text="nice", by=None)
    Prospect.objects.filter(pk=person["stop"].pk).update(stopped_at=now, stop_reason="asked us to")
    bring(SHEET + "later@a.example,Later,,,\n")
    foreseen = undoing.foresee(batch=batch)
    done = undo(batch, now)
    assert done.removed == foreseen.removed == 1
    assert done.stay == foreseen.stay == {
        "are or were in a campaign": 1,
        "said no, or are held": 1,
        "have notes, files or a next step": 1,
        "learned something from a later import": 1,
    }  # fmt: skip
    assert set(Prospect.objects.values_list("email", flat=True)) == {
        f"{name}@a.example" for name in ("in", "note", "stop", "later")
    }
    assert "1 person stays: they are or were in a campaign." in done.words()


def test_leaves_alone_what_somebody_changed_since(db, now):
    ada = editing.add_prospect(email="ada@a.example", by=None)
    batch = bring(SHEET + "ada@a.example,Ada,Acme,7,\n")
    editing.change_prospect(prospect=ada, by=None, first_name="Adele", custom={"size": "7", "city": "Köln"})
    tagging.add_tag(prospect_ids=[ada.pk], tag="vip")
    done = undo(batch, now)
    ada.refresh_from_db()
    assert (ada.first_name, ada.company, ada.custom, ada.tags) == ("Adele", "", {"city": "Köln"}, ["vip"])
    assert (done.given_back, done.changed_since) == (1, 1)


def test_never_lifts_a_stop_or_suppression(db, now):
    ada = editing.add_prospect(email="ada@a.example", by=None)
    batch = bring("Email,Do not contact,Other email\nada@a.example,x,ada2@a.example\nberta@b.example,yes,\n")
    undo(batch, now)
    ada.refresh_from_db()
    assert suppression.is_suppressed(ada.contact_keys)
    again = editing.add_prospect(email="BERTA+x@b.example", by=None)
    assert suppression.is_suppressed(again.contact_keys)
    assert any(key.startswith("address:") for key in ada.contact_keys[1:])


def test_is_done_once_and_only_when_the_import_has_ended(db, now):
    batch = bring(SHEET + "ada@a.example,,,,\n")
    undo(batch, now)
    with pytest.raises(undoing.CannotUndo, match="undone already"):
        undo(batch, now)
    waiting = ImportBatch.objects.create(file_name="x.csv", status="queued")
    with pytest.raises(undoing.CannotUndo, match="not ended"):
        undoing.foresee(batch=waiting)


def test_goes_on_where_it_was_cut_off(db, now, monkeypatch):
    batch = bring(SHEET + "".join(f"p{n}@a.example,,,,\n" for n in range(25)))
    monkeypatch.setattr(undoing.facts, "CHUNK", 10)
    monkeypatch.setattr(undoing.facts, "give_back", lambda **said: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        undo(batch, now)
    monkeypatch.undo()
    monkeypatch.setattr(undoing.facts, "CHUNK", 10)
    assert undo(batch, now).removed == 0
    assert not Prospect.objects.exists()


def test_asks_on_a_page_and_names_the_numbers(client, db, now):
    client.force_login(factories.UserFactory(role="operator"))
    batch = bring(SHEET + "ada@a.example,,,,\nberta@b.example,,,,\n")
    assert "Undo this import" in client.get(reverse("import", args=[batch.public_id])).content.decode()
    route = reverse("import-undo", args=[batch.public_id])
    said = client.get(route).content.decode()
    assert "2 people would be removed." in said
    assert Prospect.objects.count() == 2
    answer = client.post(route, follow=True).content.decode()
    assert "The import is undone. 2 people were removed." in answer
    assert not Prospect.objects.exists()
    assert "undone already" in client.post(route, follow=True).content.decode()
    client.force_login(factories.UserFactory(role="viewer"))
    assert client.get(route).status_code == 403


def test_undoes_over_the_api(client_as):
    api = client_as("operator")
    batch = bring(SHEET + "ada@a.example,,,,\n")
    route = reverse("api-imports-undo", args=[batch.public_id])
    assert api.get(route).json() == {"removed": 1, "stay": {}, "given_back": 0}
    assert api.post(route).json() == {"removed": 1, "stay": {}, "given_back": 0}
    assert not Prospect.objects.exists()
    answer = api.post(route)
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
