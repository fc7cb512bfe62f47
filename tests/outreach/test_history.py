import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from outreach.lib import history
from prospects import suppression, tasks
from prospects.models import Program, ProgramEvent, Prospect, ProspectEvent, Site, Suppression, SuppressionEvent
from tests import factories
from tests.architecture import facts


def post(client, route, row, **fields):
    return client.post(reverse(route, args=[row.public_id]), fields)


def test_says_who_changed_what_on_a_page(client, manager):
    program = factories.ProgramFactory(name="Tea", merchant="Old")
    client.force_login(manager)
    fields = {"name": "Tea", "merchant": "New", "website": "https://tea.example/", "postal_address": "1 High Street"}
    post(client, "program-edit", program, **fields)
    change, added = history.of(program)
    assert (change.label, change.user_id) == ("Changed", manager.pk)
    assert ("merchant", "Old", "New") in change.fields
    assert added.label == "Added"


def test_says_who_it_was_over_http_with_a_key(client_as):
    client = client_as("operator")
    made = client.post(reverse("api-programs-list"), {"name": "Tea"}).json()
    (added,) = history.of(Program.objects.get(public_id=made["id"]))
    assert added.user_id is not None


def test_sees_bulk_writes_and_plain_sql_of_nobody(db):
    program = factories.ProgramFactory()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE prospects_program SET merchant = 'by hand in SQL'")
    change = history.of(program)[0]
    assert (change.fields[0][2], change.user_id, change.command) == ("by hand in SQL", None, "")


def test_keeps_what_people_change_of_a_person_and_not_what_the_system_does(client, manager, db):
    person = factories.ProspectFactory(first_name="Ada")
    Prospect.objects.update(first_name="System")
    assert history.of(person) == []
    client.force_login(manager)
    post(client, "prospect-hold", person, reason="Wait")
    (change,) = history.of(person)
    assert change.user_id == manager.pk
    assert ("hold reason", "", f"Wait ({manager})") in change.fields


def test_keeps_no_row_of_an_import_by_a_person(client_as, db):
    factories.ProspectFactory(email="ada@tea.example")
    sheet = "Email,First name,Company\nada@tea.example,Ada,Tea\nbo@tea.example,Bo,Tea\n"
    client_as("operator").post(reverse("api-imports-list"), {"file": _file(sheet)}, format="multipart")
    tasks.run_imports()
    assert Prospect.objects.get(email="ada@tea.example").company == "Tea"
    assert not ProspectEvent.objects.exists()


def _file(text):
    return SimpleUploadedFile("list.csv", text.encode())


def test_keeps_who_took_somebody_off_the_list(client, manager):
    row, _ = suppression.suppress(kind="address", value="a@tea.example", reason="manual")
    client.force_login(manager)
    post(client, "suppression-lift", row, note="A mistake")
    assert not Suppression.objects.exists()
    event = SuppressionEvent.objects.get()
    assert (event.pgh_label, event.value, event.pgh_context["user"]) == ("delete", "a@tea.example", manager.pk)
    assert reverse("suppression-lift", args=[row.public_id]) == event.pgh_context["url"]


def test_keeps_what_changes_of_a_mailbox_without_its_secrets(mailbox):
    mailbox.pause(reason="broken")
    type(mailbox).objects.filter(pk=mailbox.pk).update(polled_at=None, lease_token=9)
    change, added = history.of(mailbox)
    assert ("status reason", "", "broken") in change.fields
    assert added.label == "Added"
    assert "password" not in {field.name for model in history.models() for field in model._meta.fields}


def test_is_only_ever_added_to(db):
    factories.ProgramFactory()
    for write in (ProgramEvent.objects.all().delete, lambda: ProgramEvent.objects.update(name="x")):
        with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
            write()
    with history.redacting():
        ProgramEvent.objects.update(name="x")
    assert ProgramEvent.objects.get().name == "x"


def test_may_be_redacted_by_an_erasure_only():
    users = {module for module, source in facts.sources(*facts.PACKAGES).items() if "history.redacting(" in source}
    assert users == {"campaigns/privacy.py"}
    ignoring = {module for module, source in facts.sources(*facts.PACKAGES).items() if "pgtrigger.ignore(" in source}
    assert ignoring == {"outreach/lib/history.py"}


def test_stands_in_the_back_office_in_words(client, db):
    administrator = factories.UserFactory(role="administrator", is_staff=True, first_name="Grace", last_name="Hopper")
    client.force_login(administrator)
    program = factories.ProgramFactory(merchant="Old")
    site = Site.objects.create(domain="tea.example")
    fields = {"name": program.name, "merchant": "New <b>", "website": "", "postal_address": "x"}
    client.post(f"/admin/prospects/program/{program.pk}/change/", fields)
    page = client.get(f"/admin/prospects/program/{program.pk}/history/").content.decode()
    assert "Grace Hopper" in page
    assert "New &lt;b&gt;" in page
    assert client.get(f"/admin/prospects/site/{site.pk}/history/").status_code == 200


def test_asks_as_many_queries_for_one_change_as_for_many(client, manager, django_assert_num_queries):
    client.force_login(factories.UserFactory(role="administrator", is_staff=True))
    program = factories.ProgramFactory()
    address = f"/admin/prospects/program/{program.pk}/history/"
    client.get(address)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    for number in range(20):
        Program.objects.update(merchant=str(number))
    with django_assert_num_queries(len(one)):
        client.get(address)
