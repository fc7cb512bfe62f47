import base64
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns import privacy
from prospects.models import File, Note, PrivacyRecord, Prospect
from tests import factories
from tests.architecture import facts
from tests.campaigns import canary
from tests.campaigns.canary import ADDRESS, TOKEN

PERSONAL = facts.personal("PERSONAL")


@pytest.fixture
def person(db, now):
    people = canary.write_about(now)
    canary.plant(people, PERSONAL)
    return Prospect.objects.get(pk=people[0].pk)


def test_tells_every_personal_field_of_everything_that_is_held(person, manager, now):
    found = privacy.export_person(prospect=person, by=manager, now=now)
    for app, held in canary.held():
        rows = found[str(held.model._meta.verbose_name_plural)]
        assert rows, held.model
        for name in PERSONAL[f"{app}.{held.model.__name__}"]:
            assert name in rows[0], (held.model, name)
    text = json.dumps(found, default=str)
    assert text.count(TOKEN) > 50
    assert f"Twin {TOKEN}" in text, "what was merged into them is told too"
    assert found["suppressions"]
    assert base64.b64decode(found["files"][0]["data"]["base64"]) == bytes(File.objects.get().data)
    assert [TOKEN.encode() in base64.b64decode(mail["raw"]["base64"]) for mail in found["mails received"]] == [True] * 2
    assert list(PrivacyRecord.objects.filter(recorded_by=manager).values_list("action", flat=True)) == ["exported"] * 2


def test_tells_nothing_of_anybody_else(person, now):
    other = factories.ProspectFactory(email="other@elsewhere.example")
    assert TOKEN not in json.dumps(privacy.export_person(prospect=other, by=None, now=now))


def test_costs_the_same_however_much_there_is(person, now, django_assert_num_queries):
    with CaptureQueriesContext(connection) as first:
        privacy.export_person(prospect=person, by=None, now=now)
    Note.objects.bulk_create(Note(prospect=person, text="more") for _ in range(20))
    with django_assert_num_queries(len(first)):
        assert len(privacy.export_person(prospect=person, by=None, now=now)["notes"]) == 21


def test_gives_managers_one_file(person, client, manager):
    client.force_login(manager)
    answer = client.post(reverse("prospect-export", args=[person.public_id]))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="person-{person.public_id}.json"'
    assert answer.json()["about"]["email"] == ADDRESS


@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("route", ["prospect-export", "prospect-erase"])
def test_is_for_managers_only(person, client, role, route):
    client.force_login(factories.UserFactory(role=role))
    assert client.post(reverse(route, args=[person.public_id]), {"reason": "x"}).status_code == 403
    page = client.get(reverse("prospect", args=[person.public_id])).content.decode()
    assert "Forget for good" not in page


def test_asks_before_it_forgets_and_says_what_stays(person, client, manager):
    client.force_login(manager)
    assert "Forget for good" in client.get(reverse("prospect", args=[person.public_id])).content.decode()
    address = reverse("prospect-erase", args=[person.public_id])
    asked = client.get(address).content.decode()
    assert "and 1 row that had been merged with theirs" in asked
    assert "1 mail stays counted" in asked
    assert "This field is required" in client.post(address, {"reason": ""}).content.decode()
    answer = client.post(address, {"reason": "asked us by mail"}, follow=True)
    assert "They are forgotten" in answer.content.decode()
    assert TOKEN not in answer.content.decode()
    page = client.get(reverse("prospect", args=[person.public_id])).content.decode()
    assert "This person was forgotten" in page
    assert "were erased before" in client.get(address, follow=True).content.decode()


def test_tells_and_forgets_over_http(person, client_as):
    client = client_as("manager")
    told = client.post(
        reverse("api-prospects-personal-data", args=[person.public_id]), headers={"Idempotency-Key": "k"}
    )
    assert told.json()["about"]["email"] == ADDRESS
    address = reverse("api-prospects-erase", args=[person.public_id])
    assert client.post(address, {}).json()["errors"][0]["field"] == "reason"
    assert client.post(address, {"reason": "asked"}, headers={"Idempotency-Key": "e"}).status_code == 204
    assert canary.found_in(canary.dump()) == {}
    assert client.post(address, {"reason": "asked"}).status_code == 409
    assert client_as("operator").post(address, {"reason": "asked"}).status_code == 403


def test_tells_and_forgets_on_the_command_line(person, capsys):
    call_command("export_person", ADDRESS.upper())
    assert json.loads(capsys.readouterr().out)["about"]["email"] == ADDRESS
    with pytest.raises(CommandError, match="Nobody is known"):
        call_command("export_person", "nobody@tea.example")
    with pytest.raises(CommandError, match="Nobody is known"):
        call_command("erase_person", "nobody@tea.example", reason="x")
    call_command("erase_person", str(person.public_id), reason="asked")
    assert "Forgotten" in capsys.readouterr().out
    with pytest.raises(CommandError, match="erased before"):
        call_command("erase_person", str(person.public_id), reason="asked")
    with pytest.raises(CommandError, match="erased before"):
        call_command("export_person", str(person.public_id))
