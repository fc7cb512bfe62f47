import csv
import io
from datetime import timedelta

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from campaigns import lifecycle, planning, suppressing_lists, tasks
from campaigns.models import Enrollment, Message
from campaigns.suppressing_lists import UnreadableList
from prospects import identity, suppression
from prospects.models import Suppression
from prospects.suppression import BadExpiry
from prospects.suppression_lists import Meant
from tests import factories

MIXED = """E-Mail;Domain;Twitter handle;LinkedIn;Reason;Source;Expires
Ada@Tea.example;;;;Unsubscribed;old tool;2031-01-01
;"shop.example";;;;;2031-01-01
;;@Jane_Doe;;declined;;
;;;https://de.linkedin.com/in/Jane-Doe?x=1;;;
no address;;;;;;
;;;;;;
ada+news@TEA.example;;;;;;
"""


def take(text, now, **meant):
    source = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    return suppressing_lists.take(source=source, meant=Meant(**meant), by=None, now=now)


def listed():
    return list(Suppression.objects.order_by("kind", "value").values_list("kind", "value", "reason", "source"))


def exported():
    return b"".join(suppressing_lists.exported(by=None))


def test_reads_every_kind_by_the_name_of_its_column_and_tells_what_it_cannot_use(db, now):
    taken = take(MIXED, now, source="list.csv")
    assert listed() == [
        ("address", "Ada@tea.example", "unsubscribed", "old tool"),
        ("domain", "shop.example", "imported", "list.csv"),
        ("linkedin", "in/jane-doe", "imported", "list.csv"),
        ("x", "jane_doe", "declined", "list.csv"),
    ]
    assert (taken.added, taken.known, taken.rejected) == (4, 1, 1)
    assert [(line.number, line.text) for line in taken.bad] == [(6, "no address")]
    ends = dict(Suppression.objects.values_list("kind", "expires_at"))
    assert ends["domain"].year == 2031
    assert ends["address"] is None, "what somebody asked for never ends"


def test_reads_one_a_line_without_a_header_and_all_sheets_of_a_workbook(db, now):
    take("ada@tea.example\ntea.example\n@jane\nlinkedin.com/in/jane\n", now)
    assert [kind for kind, *_ in listed()] == ["address", "domain", "linkedin", "x"]
    book, packed = openpyxl.Workbook(), io.BytesIO()
    for number, address in enumerate(("one@sheet.example", "two@sheet.example")):
        sheet = book.create_sheet(f"s{number}")
        sheet.append(["Blocked value"])
        sheet.append([address])
    book.save(packed)
    assert take(packed.getvalue(), now).added == 2


@pytest.mark.parametrize("text", [b"", b"\x00\x01\x02", b"PK\x03\x04broken", b"email\n"])
def test_says_when_a_file_is_no_list(db, now, text):
    with pytest.raises(UnreadableList):
        take(text, now)


def test_never_lifts_and_never_weakens(db, now):
    take("email,reason\na@x.example,unsubscribed\nb@x.example,manual\n", now, source="first")
    taken = take("email,reason,expires\na@x.example,manual,2031-01-01\nb@x.example,complained,\n", now, source="second")
    assert (taken.added, taken.known, taken.strengthened) == (0, 2, 1)
    assert listed() == [
        ("address", "a@x.example", "unsubscribed", "first"),
        ("address", "b@x.example", "complained", "second"),
    ]
    assert not Suppression.objects.filter(expires_at__isnull=False).exists()


def test_lets_the_later_end_count(db, now):
    key = identity.key_for("address", "a@x.example")
    for days, expected in ((10, 10), (5, 10), (20, 20), (None, None)):
        until = now + timedelta(days=days) if days else None
        take("a@x.example\n", now, expires_at=until)
        assert Suppression.objects.get(key=key).expires_at == (now + timedelta(days=expected) if expected else None)


def test_takes_off_what_was_to_last_until_now_and_nothing_else(db, now):
    take("a@x.example\n", now, expires_at=now + timedelta(days=1))
    take("b@x.example\n", now)
    assert suppression.expire(now=now) == 0
    assert suppression.expire(now=now + timedelta(days=1)) == 1
    assert [value for _, value, *_ in listed()] == ["b@x.example"]
    tasks.keep_house()


@pytest.mark.parametrize("reason", ["unsubscribed", "declined", "complained"])
def test_refuses_an_end_of_what_somebody_asked_for(db, now, reason):
    with pytest.raises(BadExpiry):
        take("a@x.example\n", now, reason=reason, expires_at=now + timedelta(days=1))
    with pytest.raises(BadExpiry):
        take("a@x.example\n", now, expires_at=now)


HOSTILE = ["=1+1@x.example", "+a@x.example", "a@x.example", "-b@x.example", "jürgen@münchen.de", '"a b"@x.example']


def test_comes_back_from_its_own_file_byte_by_byte(db, now):
    for place, value in enumerate(HOSTILE):
        suppression.suppress(kind="address", value=value, reason="manual", source=f"=cmd|'{place}'\n\"x\"")
    suppression.suppress(kind="domain", value="tea.example", reason="bounced", expires_at=now + timedelta(days=9))
    suppression.suppress(kind="x", value="@jane", reason="declined", source="'quoted")
    key = identity.key_for("address", "gone@x.example")
    Suppression.objects.create(kind="address", key=key, reason="erased")
    first = exported()
    assert all(cell[:1] not in "=+-@" for row in csv.reader(io.StringIO(first.decode())) for cell in row if cell)
    Suppression.objects.all().delete()
    assert take(first, now).rejected == 0
    assert exported() == first
    assert take(first, now).added == 0
    assert exported() == first


def test_takes_a_code_only_of_this_installation(db, now):
    taken = take(f"hash\n{'a' * 64}\n{identity.key_for('address', 'a@x.example')}\n", now, reason="manual")
    assert (taken.added, taken.rejected) == (1, 1)
    assert suppression.is_suppressed(identity.contact_keys(email="A+b@X.example"))


@pytest.fixture
def under_way(db, now):
    """Ten people whose first mail is planned."""
    people = [factories.ProspectFactory(email=f"p{number}@site{number}.example") for number in range(10)]
    campaign = factories.campaign(mailbox=factories.MailboxFactory(verified_at=now))
    lifecycle.launch(campaign=campaign, now=now, by=None)
    planning.plan(now=now)
    return people


def active():
    return set(Enrollment.objects.filter(state="active").values_list("prospect__email", flat=True))


def test_ends_who_is_under_way_at_once(under_way, now):
    taken = take("value,reason\nP1@site1.example,unsubscribed\nsite2.example,\nnobody@else.example,\n", now)
    assert taken.ended == 2
    gone = {"p1@site1.example", "p2@site2.example"}
    assert active() == {person.email for person in under_way} - gone
    reasons = dict(Enrollment.objects.filter(state="stopped").values_list("prospect__email", "stop_reason"))
    assert reasons == {"p1@site1.example": "unsubscribed", "p2@site2.example": "imported"}
    assert set(Message.objects.filter(state="cancelled").values_list("recipient", flat=True)) == gone


def test_ends_whom_an_import_of_people_put_on_the_list(under_way, now, django_assert_max_num_queries):
    tasks.end_suppressed()
    before = active()
    suppression.suppress(kind="address", value="p3@site3.example", reason="imported")
    assert active() == before
    tasks.end_suppressed()
    assert active() == before - {"p3@site3.example"}
    with django_assert_max_num_queries(1):
        tasks.end_suppressed()


def test_works_in_sets(under_way, now, monkeypatch, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        take("".join(f"a{number}@x.example\n" for number in range(3_000)), now)
    monkeypatch.setattr(suppressing_lists, "TOGETHER", 7)
    assert take("".join(f"b{number}@x.example\n" for number in range(30)), now).added == 30
    assert Suppression.objects.count() == 3_030


def upload(text, name="list.csv"):
    return SimpleUploadedFile(name, text.encode())


def test_takes_a_list_in_on_a_page_and_shows_bad_lines(client, manager, now):
    client.force_login(manager)
    address = reverse("suppressions-import")
    assert "Never write to them again" in client.get(address).content.decode()
    fields = {"file": upload("email\na@x.example\nnobody\n"), "reason": "imported", "source": "", "expires": ""}
    page = client.post(address, fields).content.decode()
    assert "1 suppressed; 1 line can't be used" in " ".join(page.split())
    assert "Line 3" in page
    assert listed() == [("address", "a@x.example", "imported", "list.csv")]
    page = client.post(address, {**fields, "file": upload("b@x.example\n")}, follow=True).content.decode()
    assert "1 suppressed." in page
    for reason, day, said in (("declined", "2999-01-01", "never expires"), ("manual", "2001-01-01", "is over already")):
        late = {**fields, "file": upload("b@x.example\n"), "reason": reason, "expires": day}
        assert said in client.post(address, late).content.decode()


def test_adds_one_with_an_end_by_hand(client, manager, now):
    client.force_login(manager)
    fields = {"lines": "@Jane\nlinkedin.com/in/jane\nada@tea.example", "reason": "manual", "expires": "2999-01-01"}
    asked = client.post(reverse("suppression-add"), fields).content.decode()
    assert "Counts until 1 Jan 2999" in asked
    assert "@jane\nlinkedin.com/in/jane\nada@tea.example\n" in asked
    client.post(reverse("suppression-add"), {**fields, "confirmed": "1", "lines": "@jane\nlinkedin.com/in/jane\n"})
    page = client.get(reverse("suppressions"), {"kind": "linkedin"}).content.decode()
    assert "linkedin.com/in/jane" in page
    assert "until 1 Jan 2999" in page
    assert "@jane" not in page
    assert "@jane" in client.get(reverse("suppressions"), {"q": "https://x.com/JANE"}).content.decode()
    over = client.post(reverse("suppression-add"), {**fields, "reason": "declined"}).content.decode()
    assert "never expires" in over


def test_gives_the_list_out_on_a_page_and_over_http(client, client_as, now):
    take("a@x.example\n", now)
    client.force_login(factories.UserFactory(role="operator"))
    page = client.get(reverse("suppressions-export"))
    assert "attachment" in page.headers["Content-Disposition"]
    told = client_as("operator").get(reverse("api-suppressions-export"))
    assert b"".join(page.streaming_content) == b"".join(told.streaming_content) == exported()
    assert client_as("viewer").get(reverse("api-suppressions-export")).status_code == 403


def test_takes_a_list_in_over_http(client_as, now):
    client = client_as("operator")
    address = reverse("api-suppressions-upload")
    answer = client.post(address, {"file": upload("a@x.example\nnobody\n"), "reason": "bounced"}, format="multipart")
    assert answer.json() == {
        "added": 1,
        "known": 0,
        "rejected": 1,
        "ended": 0,
        "bad": [{"line": 2, "text": "nobody", "reason": answer.json()["bad"][0]["reason"]}],
    }
    assert client.post(address, {"file": upload("")}, format="multipart").status_code == 400
    late = {"file": upload("a@x.example\n"), "reason": "declined", "expires_at": "2999-01-01T00:00:00Z"}
    assert client.post(address, late, format="multipart").json()["errors"][0]["field"] == "expires_at"


@pytest.mark.parametrize("by_page", [True, False])
def test_reads_no_list_that_is_too_large_for_a_request(client, client_as, monkeypatch, by_page):
    monkeypatch.setattr(suppressing_lists, "MOST_BYTES", 10_000_000)
    large = {"file": upload("a@x.example\n" + " " * 10_000_000), "reason": "manual"}
    if by_page:
        client.force_login(factories.UserFactory(role="operator"))
        said = client.post(reverse("suppressions-import"), large).content.decode()
    else:
        answer = client_as("operator").post(reverse("api-suppressions-upload"), large, format="multipart")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "file")
        said = answer.json()["errors"][0]["message"]
    assert "At most 10 MB are read at once" in said
    assert listed() == []


def test_takes_one_with_an_end_over_http(client_as):
    client, address = client_as("operator"), reverse("api-suppressions-list")
    body = {"kind": "x", "value": "@Jane", "reason": "manual", "expires_at": "2999-01-01T00:00:00Z"}
    assert client.post(address, body).json()["value"] == "jane"
    assert client.post(address, {**body, "reason": "declined"}).json()["errors"][0]["field"] == "expires_at"
    assert client.post(address, {**body, "kind": "linkedin", "value": "nonsense.example"}).status_code == 400


def test_takes_a_list_in_on_the_command_line(db, tmp_path, capsys):
    file = tmp_path / "list.txt"
    file.write_text("a@x.example\nnobody\n")
    call_command("import_suppressions", str(file), expires=timezone.now() + timedelta(days=3))
    assert "1 suppressed, 0 known before, 1 rejected" in capsys.readouterr().out
    assert Suppression.objects.get().expires_at is not None
    with pytest.raises(CommandError, match="write a day"):
        call_command("import_suppressions", str(file), "--expires=soon")
    with pytest.raises(CommandError, match="can't be opened"):
        call_command("import_suppressions", str(tmp_path / "none.txt"))
    file.write_bytes(b"")
    with pytest.raises(CommandError, match="empty"):
        call_command("import_suppressions", str(file))
