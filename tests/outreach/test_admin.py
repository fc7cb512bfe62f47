"""The back office as a whole: every page of every model, every role."""

import pghistory.models
import pytest
from django.apps import apps
from django.contrib import admin
from django.core.paginator import Paginator
from django.urls import reverse

from accounts.models import Role
from campaigns import lifecycle, planning
from outreach.lib import admin as lib
from outreach.office_rights import OFFICE_APPS
from prospects.models import Prospect
from tests import factories

NOT_SHOWN = {"ImportChunk", "CountCursor"}  # bytes of a file on its way, and a bookmark
OURS = [
    model
    for app in ("accounts", *sorted(OFFICE_APPS))
    for model in apps.get_app_config(app).get_models()
    if model.__name__ not in NOT_SHOWN and not issubclass(model, pghistory.models.Event)  # a row's History page
]
LEDGER = ["Message", "Event", "Decision", "Enrollment", "InboundEvent", "ImportRow", "TrackedLink", "IdempotentAnswer"]
LEDGER += ["DailyCount", "CampaignCount", "Installation", "ImportChange", "SavedMapping", "CustomField"]


def _page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.fixture
def office(client, db):
    def login(role):
        client.force_login(factories.UserFactory(role=role))
        return client

    return login


@pytest.fixture
def one_of_each(db, now):
    """A campaign at work: something in most lists."""
    factories.ProspectFactory()
    campaign = factories.campaign(mailbox=factories.MailboxFactory(verified_at=now), steps=1)
    lifecycle.launch(campaign=campaign, now=now, by=None)
    assert planning.plan(now=now)


def test_knows_every_model():
    assert set(OURS) <= set(admin.site._registry)


def test_opens_every_list_and_never_counts_a_whole_table(office, one_of_each, django_assert_max_num_queries):
    client = office("administrator")
    for model in OURS:
        with django_assert_max_num_queries(12, info=model.__name__) as queries:
            assert client.get(_page(model, "changelist")).status_code == 200, model
        for query in queries.captured_queries:
            assert not (query["sql"].startswith("SELECT COUNT") and " LIMIT " not in query["sql"]), query["sql"]


def test_opens_the_page_of_a_row_and_of_a_new_one(office, one_of_each):
    client = office("administrator")
    for model in OURS:
        page = admin.site._registry[model]
        if row := model._default_manager.first():
            assert client.get(_page(model, "change", row.pk)).status_code == 200, model
        status = client.get(_page(model, "add")).status_code
        assert status == (403 if isinstance(page, lib.ReadOnlyAdmin) or model.__name__ == "Site" else 200), model


@pytest.mark.parametrize("name", LEDGER)
def test_lets_nobody_write_the_ledger(rf, name):
    model = next(model for model in OURS if model.__name__ == name)
    request = rf.get("/")
    request.user = factories.UserFactory.build(role="administrator", is_superuser=True)
    page = admin.site._registry[model]
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)


@pytest.mark.parametrize("role", Role.values)
def test_opens_to_a_role_what_it_may_see(office, role):
    client = office(role)
    for model in OURS:
        status = client.get(_page(model, "changelist")).status_code
        may = model._meta.app_label in OFFICE_APPS or role == "administrator"
        assert status == (200 if may else 403), model


@pytest.mark.parametrize("role", Role.values)
def test_asks_for_a_role_and_not_for_a_flag(client, db, role):
    client.force_login(factories.UserFactory(role=role, is_staff=False))
    assert client.get("/admin/prospects/prospect/").status_code == 200


def test_counts_to_a_limit(db, monkeypatch):
    monkeypatch.setattr(lib, "MOST_COUNTED", 3)
    Prospect.objects.bulk_create(Prospect(first_name="x") for _ in range(5))
    assert lib.BoundedPaginator(Prospect.objects.order_by("pk"), 2).count == 3
    assert Paginator(Prospect.objects.order_by("pk"), 2).count == 5
    assert lib.BoundedPaginator([1, 2], 2).count == 2
