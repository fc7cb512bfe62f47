"""Taking an import back: who it added goes unless something has happened with them; what it changed comes back."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.urls import reverse

from campaigns import enrolling, lifecycle, tasks, undoing
from campaigns.models import Enrollment
from outreach.lib import history
from prospects import editing, notes, suppression, tagging
from prospects.importing import choosing, running, uploading
from prospects.importing.choosing import Settings
from prospects.importing.files import import_file
from prospects.models import ImportBatch, ImportChange, Prospect, Site
from tests import factories
from tests.prospects.sheets import workbook

SHEET = "Email,First name,Company,Size,Website\n"


def bring(content, **said):
    return import_file(source=io.BytesIO(content.encode()), file_name="people.csv", by=None, **said)


def tagged(content, now):
    """Brought in as the pages do: everybody who stands in it gets the tag, also who was known."""
    batch = uploading.store(source=io.BytesIO(content.encode()), file_name="people.csv", by=None, now=now, tag="vip")
    choosing.choose_by_names(batch=batch)
    uploading.queue(batch=batch)
    assert running.run_next() == batch
    batch.refresh_from_db()
    return batch


def beside(work):
    """On a connection of its own, as another process would."""

    def run():
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def people():
    names = [field.attname for field in Prospect._meta.concrete_fields if field.attname not in {"id", "contact_keys"}]
    return list(Prospect.objects.order_by("email").values(*names))


def undo(batch, now):
    undoing.ask(batch=batch, by=None, now=now)
    assert undoing.undo_next(now=now) == batch
    batch.refresh_from_db()
    return undoing.Undone(**batch.undo)


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


def test_takes_the_tag_only_off_those_whom_this_import_gave_it(db, now):
    editing.add_prospect(email="known@a.example", by=None)
    batch = tagged("Email\nnew@a.example\nknown@a.example\n", now)
    tagged("Email\nlater@b.example\n", now)
    editing.add_prospect(email="hand@c.example", by=None, tags=["vip"])
    assert "vip" in Prospect.objects.get(email="known@a.example").tags
    undo(batch, now)
    left = Prospect.objects.filter(tags__contains=["vip"]).values_list("email", flat=True)
    assert set(left) == {"later@b.example", "hand@c.example"}


def test_keeps_whoever_was_changed_by_hand_since(client, transactional_db, now):
    client.force_login(factories.UserFactory(role="operator"))
    batch = bring(SHEET + "".join(f"{name}@a.example,,,,\n" for name in ("go", "page", "tag")))
    page, tag = (Prospect.objects.get(email=f"{name}@a.example") for name in ("page", "tag"))
    client.post(reverse("prospect-edit", args=[page.public_id]), {"email": page.email, "first_name": "Ada"})
    said = {"action": "tag", "id": [str(tag.public_id)], "tag": "hot", "sure": "1"}
    client.post(reverse("prospects-act"), said)
    done = undo(batch, now)
    assert (done.removed, done.stay) == (1, {"were changed by hand": 2})
    assert dict(Prospect.objects.values_list("email", "first_name")) == {"page@a.example": "Ada", "tag@a.example": ""}


def test_takes_an_undo_of_a_later_import_for_no_change_by_hand(transactional_db, now):
    first = bring(SHEET + "ada@a.example,Ada,,,\n")
    second = bring(SHEET + "ada@a.example,,Acme,,\n")
    with history.pghistory.context(user=1):
        assert undo(second, now).given_back == 1
    assert undo(first, now).removed == 1


def test_gives_back_what_stood_there_before_two_sheets_changed_it(db, now):
    ada = editing.add_prospect(email="ada@a.example", by=None, company="Old")
    rows = {name: [["Email", "Company"], ["ada@a.example", name]] for name in ("Acme", "Beta")}
    book = io.BytesIO(workbook(rows))
    batch = import_file(source=book, file_name="x.xlsx", by=None, settings=Settings(replace=["company"]))
    ada.refresh_from_db()
    assert (ada.company, batch.changes.count()) == ("Beta", 2)
    assert undoing.foresee(batch=batch).given_back == 1
    done = undo(batch, now)
    ada.refresh_from_db()
    assert (ada.company, done.given_back, done.changed_since) == ("Old", 1, 0)


def test_is_done_once_and_only_when_the_import_has_ended(db, now):
    batch = bring(SHEET + "ada@a.example,,,,\n")
    undo(batch, now)
    with pytest.raises(undoing.CannotUndo, match="undone already"):
        undo(batch, now)
    waiting = ImportBatch.objects.create(file_name="x.csv", status="queued")
    with pytest.raises(undoing.CannotUndo, match="not ended"):
        undoing.foresee(batch=waiting)


def test_goes_on_where_it_was_cut_off(db, now, monkeypatch):
    known = [editing.add_prospect(email=f"k{n}@b.example", by=None) for n in range(15)]
    content = SHEET + "".join(f"p{n}@a.example,,,,\n" for n in range(25))
    batch = bring(content + "".join(f"{person.email},Ada,,,\n" for person in known) + ",,,,research.example\n")
    Prospect.objects.filter(email__in=["p3@a.example", "p20@a.example"]).update(stopped_at=now, stop_reason="no")
    undoing.ask(batch=batch, by=None, now=now)
    monkeypatch.setattr(undoing.facts, "CHUNK", 10)
    far = []
    while undoing.undo_next(now=now, seconds=0):
        batch.refresh_from_db()
        far.append((batch.undo["looked_at"], batch.undo["given_back"], batch.undo["sites"]))
    pieces = [(10, 0, 0), (20, 0, 0), (25, 0, 0), (25, 10, 0), (25, 15, 0), (25, 15, 1)]
    assert far == [*pieces, pieces[-1]], "and once to see that nothing is left"
    assert (batch.undo["removed"], batch.undo["stay"]) == (23, {"said no, or are held": 2})
    assert not Prospect.objects.filter(first_name="Ada").exists()


def test_waits_while_an_import_runs(transactional_db, now):
    batch = bring(SHEET + "ada@a.example,,,,\n")
    undoing.ask(batch=batch, by=None, now=now)
    with running.alone():
        assert beside(lambda: undoing.undo_next(now=now)) is None
    assert Prospect.objects.exists()
    tasks.undo_imports()
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
    assert "This import is being undone: 0 people removed so far." in answer
    assert "data-live" in answer
    assert "is being undone" in client.post(route, follow=True).content.decode()
    tasks.undo_imports()
    assert not Prospect.objects.exists()
    part = client.get(reverse("import-live", args=[batch.public_id])).content.decode()
    assert "2 people were removed." in part
    assert "data-live" not in part
    assert "undone already" in client.post(route, follow=True).content.decode()
    client.force_login(factories.UserFactory(role="viewer"))
    assert client.get(route).status_code == 403


def test_undoes_over_the_api(client_as):
    api = client_as("operator")
    batch = bring(SHEET + "ada@a.example,,,,\n")
    route = reverse("api-imports-undo", args=[batch.public_id])
    assert api.get(route).json() == {"removed": 1, "stay": {}, "given_back": 0}
    answer = api.post(route)
    assert (answer.status_code, answer.json()["undo"]["removed"], answer.json()["undone_at"]) == (202, 0, None)
    assert Prospect.objects.exists()
    tasks.undo_imports()
    assert not Prospect.objects.exists()
    shown = api.get(reverse("api-imports-detail", args=[batch.public_id])).json()
    assert shown["undo"] == {"removed": 1, "stay": {}, "given_back": 0}
    assert shown["undone_at"]
    answer = api.post(route)
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
