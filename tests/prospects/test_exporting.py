"""Exports: everybody on a list, in constant memory, and what an import makes of them is what was exported."""

import io
import json
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from outreach.lib import spreadsheets, workbooks
from prospects import custom_fields, exporting, suppression
from prospects.importing.files import import_file
from prospects.models import Address, Prospect, Segment, Site, Stage, Suppression
from tests import amounts, corpora, factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
FORMATS = ("csv", "xlsx")
HOSTILE = [
    *("=1+1", "-1+1", "+49 170", "@SUM(A1)", "＝1", "%1", "|1", "'", "''", "'t Hart", "'=1", "-5", "+1.5", "0012"),
    *(
        "a\nb",
        'say "x"',
        "a;b,c\td",
        "_x000D_",
        "<b>&amp;</b>",
        "🫖",
        "e\u0301",
        "null",
        "n/a",
        "x",
        "yes",
        "2026-01-01",
    ),
]


def content(file_format, found=None):
    rows = exporting.rows(Prospect.objects.present() if found is None else found)
    makes = spreadsheets.csv_lines(rows) if file_format == "csv" else workbooks.xlsx(rows, title="People")
    return b"".join(makes)


def told(found=None):
    header, *rows = exporting.rows(Prospect.objects.present() if found is None else found)
    return [dict(zip(header, row, strict=True)) for row in rows]


def hostile_people():
    naughty = [value for value in json.loads((corpora.folder("blns") / "blns.json").read_text()) if len(value) <= 100]
    texts = [*HOSTILE, *(naughty if amounts.PROVING else naughty[::4])]
    custom_fields.set_kinds(kinds={"amount": "number", "since": "date", "likes": "boolean"}, by=None)
    for number, text in enumerate(texts):
        tag = text.translate(str.maketrans("", "", ",;|\n"))[:50].strip()
        own = {"words": text, "Größe_2": text[::-1], "amount": number / 4, "since": "2026-05-01", "likes": True}
        factories.ProspectFactory(
            email=f"p{number}@site{number % 7}.example",
            **dict.fromkeys(("first_name", "last_name", "company", "job_title", "legal_basis"), text[:100]),
            source=f"{text[:90]} list",  # a row without one gets the name of its file
            tags=[tag, "tea"] if tag else [],
            custom={name: value for name, value in own.items() if number % 3 or name == "words"},
            country="DE" if number % 2 else "",
        )
    Prospect.objects.update(created_at=NOW)


def forget_everybody():
    for model in (Address, Suppression, Stage, Prospect, Site):
        model.objects.all().delete()


@pytest.mark.parametrize("file_format", FORMATS)
def test_exports_what_an_import_made_of_an_export(file_format):
    hostile_people()
    first, before = content(file_format), told()
    again = import_file(source=io.BytesIO(first), file_name=f"people.{file_format}", by=None)
    assert (again.rejected, again.added, again.changed) == (0, 0, 0)
    assert content(file_format) == first
    forget_everybody()
    anew = import_file(source=io.BytesIO(first), file_name=f"people.{file_format}", by=None)
    assert (anew.rejected, anew.added) == (0, len(before))
    Prospect.objects.update(created_at=NOW)
    for was, now in zip(before, told(), strict=True):
        assert now == was
    assert content(file_format) == first


def test_tells_everything_that_is_known_of_a_person():
    owner, program = factories.UserFactory(username="olga"), factories.ProgramFactory(name="Tea club")
    person = factories.ProspectFactory(
        email="ada@north.example", first_name="Ada", tags=["tea", "vip"], custom={"size": 12.5, "likes": False}
    )
    Prospect.objects.filter(pk=person.pk).update(
        owner=owner,
        notice_date=date(2026, 1, 2),
        contacted_elsewhere_at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        next_step="Call",
        next_step_date=date(2026, 5, 1),
        address_kind="role",
        created_at=NOW,
        protected_at=NOW,
    )
    Address.objects.create(prospect=person, email="b@north.example", key="k1")
    Address.objects.create(prospect=person, email="old@north.example", key="k2", state="dead")
    Stage.objects.create(prospect=person, program=program, name="joined", changed_at=NOW)
    (row,) = told()
    wanted = {
        "Email address": "ada@north.example",
        "Further addresses": "b@north.example",
        "First name": "Ada",
        "Tags": "tea, vip",
        "Owner": "olga",
        "Told what we hold on": "2026-01-02",
        "Last written to": "2026-02-03T04:05:06Z",
        "Do not contact": "",
        "custom.size": "12.5",
        "custom.likes": "no",
        "Site": "north.example",
        "Kind of address": "role",
        "Next step": "Call",
        "Next step due": "2026-05-01",
        "Protected": "yes",
        "Added": "2026-03-04T12:00:00Z",
        "Stage in Tea club": "joined",
    }
    assert {name: row[name] for name in wanted} == wanted


def test_never_loses_a_stop(now):
    stopped, listed, _ = (factories.ProspectFactory() for _ in range(3))
    Prospect.objects.filter(pk=stopped.pk).update(stopped_at=now)
    suppression.suppress(kind="address", value=listed.email, reason="unsubscribed")
    assert [row["Do not contact"] for row in told()] == ["yes", "yes", ""]
    first = content("csv")
    forget_everybody()
    import_file(source=io.BytesIO(first), file_name="people.csv", by=None)
    refused = {person.email for person in Prospect.objects.filter(suppression.names_them())}
    assert refused == {stopped.email, listed.email}


def test_asks_as_many_queries_for_many_as_for_a_few(django_assert_num_queries):
    for _ in range(2):
        factories.ProspectFactory(custom={"a": "b"})
    with CaptureQueriesContext(connection) as few:
        list(exporting.rows(Prospect.objects.all()))
    for _ in range(10):
        factories.ProspectFactory(custom={"a": "c"})
    with django_assert_num_queries(len(few)):
        assert len(list(exporting.rows(Prospect.objects.all()))) == 13


def test_tells_people_by_address_across_batches(monkeypatch):
    monkeypatch.setattr(exporting, "BATCH", 2)
    people = [factories.ProspectFactory(email=f"{name}@tea.example") for name in "dbeac"]
    assert [row["Email address"] for row in told()] == sorted(person.email for person in people)


# --- The page ---
@pytest.fixture
def operator(client):
    client.force_login(factories.UserFactory(role="operator", username="olga"))
    return client


def body(response):
    assert response.status_code == 200
    return b"".join(response.streaming_content)


@pytest.mark.parametrize(
    ("file_format", "start"), [("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("exe", b"\xef\xbb\xbf")]
)
def test_exports_the_list_as_it_is_narrowed(operator, file_format, start):
    here, there = factories.ProspectFactory(country="DE"), factories.ProspectFactory(country="FR")
    response = operator.get(reverse("prospects-export"), {"country": "DE", "format": file_format})
    assert "attachment" in response["Content-Disposition"]
    made = body(response)
    assert made.startswith(start)
    if start != b"PK":
        assert here.email.encode() in made
        assert there.email.encode() not in made


def test_exports_a_segment(operator):
    here, there = factories.ProspectFactory(tags=["tea"]), factories.ProspectFactory()
    segment = Segment.objects.create(name="Tea", filter={"field": "tags", "op": "is", "value": "tea"})
    made = body(operator.get(reverse("prospects-export"), {"segment": segment.public_id}))
    assert here.email.encode() in made
    assert there.email.encode() not in made


def test_says_so_when_the_segment_can_not_be_read(operator):
    segment = Segment.objects.create(name="Odd", filter={"field": "shoe"})
    response = operator.get(reverse("prospects-export"), {"segment": segment.public_id}, follow=True)
    assert "can&#x27;t be read" in response.content.decode()


def test_logs_who_took_how_many(operator, caplog):
    for _ in range(3):
        factories.ProspectFactory()
    body(operator.get(reverse("prospects-export")))
    said = [record.msg for record in caplog.records if "people_exported" in str(record.msg)]
    assert [(line["by"], line["people"], line["file_format"]) for line in said] == [("olga", 3, "csv")]


def test_exports_a_segment_over_the_api(client_as):
    person = factories.ProspectFactory(tags=["tea"])
    segment = Segment.objects.create(name="Tea", filter={"field": "tags", "op": "is", "value": "tea"})
    address = reverse("api-segments-export", args=[segment.public_id])
    assert client_as("viewer").get(address).status_code == 403
    assert person.email.encode() in body(client_as("operator").get(address))
    assert body(client_as("operator").get(address, {"file_format": "xlsx"})).startswith(b"PK")
    assert client_as("operator").get(address, {"file_format": "exe"}).status_code == 400
