"""What an import does to people: who is known, what is filled or replaced, what is kept beside them, who is refused."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from prospects import addresses, editing, identity, merging, programs, suppression
from prospects.importing.files import Settings, import_file
from prospects.models import (
    Address,
    Duplicate,
    ImportChange,
    Note,
    Prospect,
    Site,
    Stage,
    StageChange,
    Suppression,
)


def read(content, **options):
    return import_file(source=io.BytesIO(content.encode()), file_name="people.csv", by=None, **options)


def counts(batch):
    return batch.added, batch.changed, batch.unchanged, batch.rejected


def reasons(batch):
    return [row.reason for row in batch.rows.order_by("line")]


def test_keeps_further_addresses_of_a_cell(db):
    batch = read("Email,First Name\nanna@a.example; Anna@gmail.com,Anna\nberta@b.example,Berta\n")
    assert counts(batch) == (2, 0, 0, 0)
    anna = Prospect.objects.get(first_name="Anna")
    assert (anna.email, list(anna.addresses.values_list("email", "state"))) == (
        "anna@a.example",
        [("Anna@gmail.com", "alias")],
    )
    assert anna.contact_keys[0] == identity.key_for("address", "anna@a.example")
    assert identity.key_for("address", "a.n.n.a@gmail.com") in anna.contact_keys
    suppression.suppress(kind="address", value="a.n.n.a+x@googlemail.com", reason="unsubscribed")
    assert suppression.is_suppressed(anna.contact_keys)


def test_knows_a_person_by_a_further_address(db):
    anna = editing.add_prospect(email="anna@a.example", by=None)
    addresses.add_address(prospect=anna, email="anna@gmail.com", by=None)
    batch = read("Email,First Name\nAnna+x@gmail.com,Anna\n")
    assert counts(batch) == (0, 1, 0, 0)
    anna.refresh_from_db()
    assert (anna.email, anna.first_name) == ("anna@a.example", "Anna")
    assert counts(read("Email,First Name\nanna@a.example,Anna\nanna@gmail.com,Anna\n")) == (0, 0, 1, 1)
    assert Prospect.objects.count() == 1


def test_takes_nobody_elses_address_and_shows_the_two_as_alike(db):
    berta = editing.add_prospect(email="berta@b.example", by=None)
    suppression.suppress(kind="address", value="berta@b.example", reason="unsubscribed")
    for _ in range(2):
        read("Email,First Name\nanna@a.example; berta@b.example,Anna\n")
    anna = Prospect.objects.get(email="anna@a.example")
    assert not Address.objects.exists()
    assert [(pair.first, pair.second) for pair in Duplicate.objects.all()] == [(berta, anna)]
    assert suppression.is_suppressed(anna.contact_keys), "until somebody decides, a no of either holds for both"


def test_brings_a_merged_person_s_row_to_the_survivor(db, now):
    anna = editing.add_prospect(email="anna@a.example", by=None)
    other = editing.add_prospect(email="other@a.example", by=None)
    merging.merge(survivor=anna, merged=other, reason="the same", by=None, now=now)
    batch = read("Email,Company\nother@a.example,Acme\n")
    assert counts(batch) == (0, 1, 0, 0)
    anna.refresh_from_db()
    assert anna.company == "Acme"
    assert Prospect.objects.count() == 2


def test_keeps_people_without_an_address_and_sites_without_people(db):
    content = (
        "Email,Name,Twitter,LinkedIn,Website\n"
        ",Anna,@Anna_S,,\n,Berta,,https://linkedin.com/in/berta,\n,,,,https://www.shop.example/x\n,,,,\n,Carl,,,\n"
    )
    batch = read(content, source_name="fair")
    assert counts(batch) == (2, 0, 0, 1)
    assert (batch.researched, reasons(batch)) == (1, ["There is no address, handle or website in this row."])
    anna, berta = Prospect.objects.order_by("id")
    people = {person.first_name: person for person in (anna, berta)}
    assert people["Anna"].identity_key == identity.person_key(x_handle="anna_s")
    assert people["Berta"].contact_keys == [identity.key_for("linkedin", "in/berta")]
    site = Site.objects.get()
    assert (site.domain, site.is_to_research, site.source, site.import_batch) == ("shop.example", True, "fair", batch)
    assert counts(read(content)) == (0, 0, 2, 1)


def test_knows_a_person_with_an_address_by_their_handle_alone(db):
    editing.add_prospect(email="anna@a.example", x_handle="anna_s", by=None)
    assert counts(read("Email,Twitter,Company\n,https://x.com/Anna_S,Acme\n")) == (0, 1, 0, 0)
    assert Prospect.objects.get().company == "Acme"


def test_keeps_roles_dates_owners_notes_and_stages(db, manager):
    program = programs.add_program(name="Acme", postal_address="1 High Street")
    content = (
        "Email,Owner,Note,Stage,Last contacted,Told what we hold on\n"
        f"info@a.example,{manager.username},Met in Berlin,negotiating,2026-03-05,2026-01-02\n"
        "berta@b.example,,,,2026-02-01,\n"
    )
    mapping = {"Told what we hold on": "notice_date", "Last contacted": "contacted_elsewhere_at", "Owner": "owner"}
    mapping |= {"Note": "note", "Stage": "stage"}
    for _ in range(2):
        read(content, mapping=mapping, settings=Settings(program=program))
    anna = Prospect.objects.get(email="info@a.example")
    assert (anna.owner, anna.address_kind, anna.notice_date) == (manager, "role", date(2026, 1, 2))
    assert anna.contacted_elsewhere_at == datetime(2026, 3, 5, tzinfo=UTC)
    assert list(Note.objects.values_list("prospect", "text")) == [(anna.pk, "Met in Berlin")]
    assert list(Stage.objects.values_list("prospect", "name")) == [(anna.pk, "negotiating")]
    assert StageChange.objects.count() == 1
    read(content.replace("2026-03-05", "2026-02-05").replace("negotiating", "contacted"), mapping=mapping)
    read(content.replace("2026-02-01", "2026-02-03"), mapping=mapping)
    anna.refresh_from_db()
    assert anna.contacted_elsewhere_at == datetime(2026, 3, 5, tzinfo=UTC), "the later one stays"
    assert Prospect.objects.get(email="berta@b.example").contacted_elsewhere_at == datetime(2026, 2, 3, tzinfo=UTC)
    assert Stage.objects.get().name == "negotiating", "only forward"


def test_refuses_an_owner_whom_nobody_knows(db):
    batch = read("Email,Owner\nanna@a.example,Nobody\n", mapping={"Owner": "owner"})
    assert reasons(batch) == ["owner: Nobody here is called 'Nobody'."]


def test_stops_whom_the_file_says_not_to_contact_even_in_a_row_that_is_left_out(db):
    known = editing.add_prospect(email="known@a.example", by=None)
    batch = read(
        "Email,First Name,Do not contact\n"
        f"Known@A.example,{'x' * 101},yes\nanna@a.example;anna@b.example,Anna,x\nberta@b.example,Berta,no\n"
    )
    assert (batch.added, batch.rejected) == (2, 1)
    stopped = Suppression.objects.order_by("value").values_list("value", "reason", "source")
    assert list(stopped) == [
        (address, "imported", "people.csv") for address in ("Known@a.example", "anna@a.example", "anna@b.example")
    ]
    assert suppression.is_suppressed(known.contact_keys)
    assert not suppression.is_suppressed(Prospect.objects.get(email="berta@b.example").contact_keys)
    suppression.suppress(kind="address", value="carl@a.example", reason="unsubscribed")
    read("Email,Do not contact\ncarl@a.example,yes\n")
    assert Suppression.objects.get(value="carl@a.example").reason == "unsubscribed", "the first reason stays"


def test_ends_no_more_what_the_file_says_not_to_contact(db, now):
    suppression.suppress(kind="address", value="a@x.example", reason="bounced", expires_at=now + timedelta(days=1))
    read("Email,Do not contact\na@x.example,yes\n")
    stays = Suppression.objects.get()
    assert (stays.reason, stays.expires_at) == ("bounced", None)
    assert suppression.expire(now=now + timedelta(days=2)) == 0


def test_stops_everybody_of_a_site_not_to_contact_and_looks_for_nobody_there(db):
    batch = read(
        "Email,Website,Twitter,Country,Do not contact\n"
        ",https://www.foo-shop.example/x,,,yes\n,bar.example,,Narnia,yes\n,tea.example,,,no\n,gmail.com,,,yes\n"
        "carl at broken,broken.example,,,yes\n,handle.example,@emil,,yes\n"
    )
    stopped = Suppression.objects.order_by("kind", "value").values_list("kind", "value", "reason")
    assert list(stopped) == [
        ("domain", "bar.example", "imported"),
        ("domain", "foo-shop.example", "imported"),
        ("x", "emil", "imported"),
    ]
    assert list(Site.objects.filter(is_to_research=True).values_list("domain", flat=True)) == ["tea.example"]
    said = reasons(batch)
    assert said[0] == "The row says not to contact foo-shop.example: nobody there is written to, nor looked for."
    assert said[1].startswith("country: ")
    assert said[2] == "The row says not to contact somebody at gmail.com, but not whom."
    assert (counts(batch), batch.researched, len(said)) == ((1, 0, 0, 4), 1, 4)
    assert suppression.is_suppressed(editing.add_prospect(email="new@foo-shop.example", by=None).contact_keys)


@pytest.mark.parametrize(
    "row", ["Anna+x@GMAIL.com,Anna", "berta@b.example; a.nna@gmail.com,Anna", f"anna@gmail.com,{'x' * 101}"]
)
def test_never_revives_who_asked_to_be_forgotten_and_keeps_nothing_of_the_row(db, row):
    Suppression.objects.create(kind="address", key=identity.key_for("address", "anna@gmail.com"), reason="erased")
    batch = read(f"Email,First Name\n{row}\ncarl@c.example,Carl\n")
    assert counts(batch) == (1, 0, 0, 1)
    assert [(left.reason, left.values) for left in batch.rows.all()] == [("This person asked to be forgotten.", {})]
    assert Prospect.objects.get().first_name == "Carl"


def test_replaces_what_it_is_told_to_and_remembers_what_was_there(db, manager):
    anna = editing.add_prospect(
        email="anna@a.example", by=None, first_name="Anna", company="Acme", country="US", custom={"a": "1", "b": "2"}
    )
    settings = Settings(replace=("company", "custom", "website", "owner", "source"))
    batch = read(
        "Email,First Name,Company,Website,a,Owner,Lead source\n"
        f"anna@a.example,Other,New,new.example,3,{manager.username},fair\n",
        settings=settings,
        mapping={"Owner": "owner"},
    )
    assert counts(batch) == (0, 1, 0, 0)
    anna.refresh_from_db()
    assert (anna.first_name, anna.company, anna.website) == ("Anna", "New", "https://new.example")
    assert (anna.site.domain, anna.custom, anna.owner, anna.source) == (
        "new.example",
        {"a": "3", "b": "2"},
        manager,
        "fair",
    )
    assert "domain:new.example" in anna.contact_keys
    before = ImportChange.objects.get(batch=batch, prospect=anna).before
    assert (before["company"], before["website"]) == (["Acme", "New"], ["", "https://new.example"])
    assert (before["custom"][0], before["owner_id"]) == ({"a": "1", "b": "2"}, [None, manager.pk])
    assert before.keys() == {"company", "website", "custom", "owner_id", "site_id", "contact_keys", "source"}
    assert counts(read("Email,Company\nanna@a.example,\n", settings=settings)) == (0, 0, 1, 0), (
        "nothing replaces nothing"
    )


def test_marks_whom_it_added(db):
    old = editing.add_prospect(email="old@a.example", by=None)
    batch = read("Email,First Name\nold@a.example,Old\nnew@a.example,New\n")
    assert list(Prospect.objects.filter(import_batch=batch).values_list("email", flat=True)) == ["new@a.example"]
    assert list(ImportChange.objects.values_list("prospect", "before")) == [(old.pk, {"first_name": ["", "Old"]})]


@pytest.mark.parametrize("replace", [(), ("owner",)])
def test_leaves_it_to_people_who_looks_after_the_protected(db, now, replace):
    olga = User.objects.create(username="olga", role="operator")
    own = editing.add_prospect(email="own@a.example", by=None)
    theirs = editing.add_prospect(email="there@b.example", by=None)
    free = editing.add_prospect(email="free@c.example", by=None)
    Prospect.objects.filter(pk=own.pk).update(protected_at=now)
    Site.objects.filter(domain="b.example").update(protected_at=now)
    lines = "\n".join(f"{person.email},olga" for person in (own, theirs, free))
    read(f"Email,Owner\n{lines}\n", settings=Settings(replace=replace))
    owners = dict(Prospect.objects.values_list("email", "owner"))
    assert owners == {own.email: None, theirs.email: None, free.email: olga.pk}
