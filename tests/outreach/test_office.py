"""The back office as a place: its doors, its shell, its policy, and files out and in."""

import csv
import io
import json

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role
from campaigns import lifecycle, planning
from campaigns.admin import ledger
from campaigns.models import Message
from outreach import admin as schedule
from outreach.lib import exporting
from prospects.models import Program, Suppression
from tests import factories

PROSPECTS, MESSAGES = "/admin/prospects/prospect/", "/admin/campaigns/message/"


@pytest.fixture
def office(client, db):
    def login(role):
        client.force_login(factories.UserFactory(role=role))
        return client

    return login


@pytest.fixture
def at_work(db, now):
    """A campaign with planned messages for three people."""
    for _ in range(3):
        factories.ProspectFactory()
    return _launch(now)


def _launch(now):
    campaign = factories.campaign(mailbox=factories.MailboxFactory(verified_at=now), steps=1)
    lifecycle.launch(campaign=campaign, now=now, by=None)
    planning.plan(now=now)
    return campaign


def test_starts_at_today_and_shows_every_table_beside(office):
    client = office("viewer")
    assert client.get("/admin/").url == reverse("today")
    page = client.get("/admin/tables/").content.decode()
    assert "/admin/campaigns/message/" in page
    assert "/admin/accounts/user/" not in page


@pytest.mark.parametrize("page", [PROSPECTS, f"{PROSPECTS}add/", f"{PROSPECTS}export/", "/admin/tables/"])
def test_sends_a_stranger_to_the_one_sign_in_page_and_back(client, db, page):
    wanted = client.get(page, follow=True)
    assert wanted.redirect_chain[-1][0] == f"{reverse('sign-in')}?next={page.replace('/', '%2F')}"
    assert client.get("/admin/login/").url.startswith(reverse("sign-in"))


def test_signs_out_by_a_post_only(office):
    client = office("viewer")
    client.get("/admin/logout/")
    assert client.get(PROSPECTS).status_code == 200
    assert client.post("/admin/logout/").url == reverse("sign-in")
    assert client.get(PROSPECTS).status_code == 302


def test_is_closed_to_people_who_left(client, db):
    user = factories.UserFactory(role="administrator")
    client.force_login(user)
    type(user).objects.update(is_active=False)
    assert client.get(PROSPECTS).status_code == 302


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize(
    ("page", "least"),
    [
        (f"{PROSPECTS}add/", "operator"),
        (f"{PROSPECTS}export/", "operator"),
        ("/admin/prospects/program/import/", "operator"),
        ("/admin/prospects/suppression/add/", "operator"),
        ("/admin/templates/template/add/", "operator"),
        ("/admin/campaigns/campaign/add/", "operator"),
        (f"{MESSAGES}export/", "operator"),
        (MESSAGES, "viewer"),
        ("/admin/integrations/mailbox/add/", "manager"),
        ("/admin/accounts/user/", "administrator"),
        ("/admin/accounts/user/add/", "administrator"),
        ("/admin/django_celery_beat/periodictask/", "administrator"),
        ("/admin/django_celery_beat/periodictask/add/", "administrator"),
    ],
)
def test_opens_a_page_to_the_roles_of_the_table(office, role, page, least):
    status = office(role).get(page).status_code
    assert status == (200 if Role(role).covers(Role(least)) else 403)


def test_stands_in_the_shell_of_every_page(office):
    page = office("operator").get(PROSPECTS).content.decode()
    for part in ("Stop all sending", 'aria-label="Rooms"', 'aria-label="Tables"', "css/bar.css"):
        assert part in page
    assert "fonts/inter" not in page
    assert "chart.js" not in page


def test_loosens_the_policy_for_scripts_in_the_office_only(office):
    client = office("viewer")
    policy = client.get(PROSPECTS).headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert "unsafe" not in client.get(reverse("settings")).headers["Content-Security-Policy"]


def _queries_by_list(client):
    counts = {}
    for model in admin.site._registry:
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        counts[model.__name__] = len(queries)
    return counts


def test_asks_as_many_queries_for_one_row_as_for_many(office, now):
    client = office("administrator")
    factories.ProspectFactory()
    _launch(now)
    few = _queries_by_list(client)
    for _ in range(3):
        factories.ProspectFactory()
    _launch(now)
    assert _queries_by_list(client) == few


def test_finds_people_and_what_is_theirs_by_a_part_of_the_name(office, at_work):
    factories.ProspectFactory(first_name="Grace", last_name="Hopper", email="grace@navy.example")
    client = office("viewer")
    assert "grace@navy.example" in client.get(f"{PROSPECTS}?q=hopp").content.decode()
    assert "grace@navy.example" not in client.get(f"{PROSPECTS}?q=lovelace").content.decode()
    assert "at least three letters" in client.get(f"{PROSPECTS}?q=ho").content.decode()
    assert "@site" in client.get(f"{MESSAGES}?q=person").content.decode()
    assert "Nothing matches" in client.get(f"{MESSAGES}?q=hopper").content.decode()


def test_looks_for_a_rare_state_among_the_newest_messages_only(office, at_work, monkeypatch):
    client = office("viewer")
    Message.objects.update(state="refused")
    assert "@site" in client.get(f"{MESSAGES}?state=refused").content.decode()
    assert "Nothing matches" in client.get(f"{MESSAGES}?state=abandoned").content.decode()
    assert "Nothing matches" in client.get(f"{MESSAGES}?outcome=bounced").content.decode()
    monkeypatch.setattr(ledger, "NEWEST", 0)
    assert "Nothing matches" in client.get(f"{MESSAGES}?state=refused").content.decode()
    Message.objects.update(state="planned")
    assert "@site" in client.get(f"{MESSAGES}?state=planned").content.decode()


def test_shows_a_rehearsal_nowhere(office, at_work):
    type(at_work).objects.filter(pk=at_work.pk).update(
        rehearsal_of=factories.campaign(steps=0, name="Real one"), rehearsal_to="me@outreach.example"
    )
    client = office("viewer")
    page = client.get("/admin/campaigns/campaign/").content.decode()
    assert "Real one" in page
    assert f">{at_work.name}<" not in page
    assert "@site" not in client.get(MESSAGES).content.decode()


def test_shows_no_field_on_an_add_form_that_is_not_there_yet(office):
    page = office("administrator").get(f"{PROSPECTS}add/").content.decode()
    assert "DatabaseDefault" not in page
    assert "Created at" not in page


def test_never_deletes_rows_by_the_dozen(office):
    factories.ProspectFactory()
    assert "delete_selected" not in office("administrator").get(PROSPECTS).content.decode()


def test_acts_on_ticked_rows_only_whatever_a_form_says(office):
    ticked, _ = factories.ProspectFactory(), factories.ProspectFactory()
    form = {"action": "suppress", "_selected_action": [ticked.pk], "select_across": "1"}
    assert "1 suppressed." in office("operator").post(PROSPECTS, form, follow=True).content.decode()
    assert Suppression.objects.count() == 1


def test_takes_a_suppression_off_only_by_the_page_that_asks_why(office):
    row = Suppression.objects.create(kind="address", key="k", value="a@b.example", reason="unsubscribed")
    address = f"/admin/prospects/suppression/{row.pk}/delete/"
    for ask in (office("administrator").get, office("administrator").post):
        assert ask(address, {"post": "yes"}).headers["Location"] == reverse("suppression-lift", args=[row.public_id])
    assert "Only they can take that back" in office("administrator").get(address, follow=True).content.decode()
    assert office("manager").get(address).status_code == 403
    assert Suppression.objects.filter(pk=row.pk).exists()


def test_lists_what_a_message_may_say(office):
    assert "{{ first_name }}" in office("operator").get("/admin/templates/template/add/").content.decode()


def _export(client, page, file_format=0):
    answer = client.post(f"{page}export/", {"format": file_format, "resource": 0})
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_exports_the_list_as_it_is_searched_without_formulas(office, at_work):
    factories.ProspectFactory(first_name="=SUM(A1)", last_name="Hopper", email="grace@navy.example")
    answer = office("operator").post(f"{PROSPECTS}export/?q=hopper", {"format": 0, "resource": 0})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["email"] for row in rows] == ["grace@navy.example"]
    assert not rows[0]["first_name"].startswith("=")
    assert rows[0]["created_at"].endswith("+00:00")


@pytest.mark.parametrize(
    "page",
    [
        PROSPECTS,
        MESSAGES,
        *(f"/admin/prospects/{name}/" for name in ("site", "program", "segment", "suppression")),
        "/admin/templates/template/",
        "/admin/templates/templateversion/",
        "/admin/campaigns/campaign/",
        "/admin/campaigns/reply/",
    ],
)
def test_exports_every_list_that_says_so(office, at_work, page):
    client = office("operator")
    assert f"{page}export/" in client.get(page).content.decode()
    assert _export(client, page).startswith("public_id,")


def test_exports_json_too(office, at_work):
    client = office("operator")
    formats = [one().get_title() for one in exporting.ExportsList().get_export_formats()]
    rows = json.loads(_export(client, PROSPECTS, formats.index("json")))
    assert len(rows) == 3


def test_exports_so_many_rows_and_no_more(office, at_work, monkeypatch):
    monkeypatch.setattr(exporting, "MOST_ROWS", 2)
    client = office("operator")
    assert len(_export(client, PROSPECTS).splitlines()) == 3
    assert "at most 2 rows" in client.get(f"{PROSPECTS}export/").content.decode()


def test_offers_no_export_of_mailboxes_and_people_who_sign_in(office):
    client = office("administrator")
    for page in ("/admin/integrations/mailbox/", "/admin/accounts/user/"):
        assert client.get(f"{page}export/", follow=True).redirect_chain  # not a page of its own
    assert 'export/"' not in client.get("/admin/integrations/mailbox/").content.decode()


def test_imports_programs_by_their_name(office):
    factories.ProgramFactory(name="Tea", merchant="Old")
    sheet = (
        "name,merchant,website,postal_address\nTea,New,https://tea.example/,1 Street\nCoffee,Bean,not a link,2 Street\n"
    )
    client = office("operator")
    page = "/admin/prospects/program/import/"
    upload = SimpleUploadedFile("programs.csv", sheet.encode(), content_type="text/csv")
    bad = client.post(page, {"import_file": upload, "format": 0, "resource": 0}).content.decode()
    assert "Enter a valid URL" in bad
    assert Program.objects.count() == 1
    upload = SimpleUploadedFile("programs.csv", sheet.replace("not a link", "https://c.example/").encode())
    seen = client.post(page, {"import_file": upload, "format": 0, "resource": 0})
    confirm = seen.context["confirm_form"].initial
    client.post("/admin/prospects/program/process_import/", {**confirm, "resource": 0})
    assert set(Program.objects.values_list("name", "merchant")) == {("Tea", "New"), ("Coffee", "Bean")}


def test_says_the_schedule_in_words(office):
    interval = schedule.IntervalSchedule.objects.create(every=3600, period="seconds")
    schedule.PeriodicTask.objects.create(name="plan", task="campaigns.tasks.plan", interval=interval)
    page = office("administrator").get("/admin/django_celery_beat/periodictask/").content.decode()
    assert "Fills the free slots of every mailbox." in page
    assert "every hour" in page


def test_adds_a_periodic_task(office):
    interval = schedule.IntervalSchedule.objects.create(every=5, period="minutes")
    form = {"name": "mine", "regtask": "campaigns.tasks.plan", "enabled": "on", "interval": interval.pk}
    form |= {"args": "[]", "kwargs": "{}"}
    client = office("administrator")
    assert "campaigns.tasks.plan" in client.get("/admin/django_celery_beat/periodictask/add/").content.decode()
    answer = client.post("/admin/django_celery_beat/periodictask/add/", form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert schedule.PeriodicTask.objects.get(name="mine").task == "campaigns.tasks.plan"
