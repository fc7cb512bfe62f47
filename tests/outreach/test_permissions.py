import uuid

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver, path, reverse
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from accounts import keys
from accounts.models import Role
from outreach import office_rights, permissions
from outreach.office_rights import RoleBackend
from outreach.permissions import NAMESPACES, OWN_RULE, PUBLIC, ROUTES
from tests import amounts, factories

ANY_ID = uuid.UUID(int=7)


def _patterns(resolver, namespace=""):
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield namespace, entry
        else:
            yield from _patterns(entry, namespace or entry.namespace or "")


def routes():
    return {p.name: p for namespace, p in _patterns(get_resolver()) if namespace not in NAMESPACES}


def _methods(pattern):
    view = pattern.callback
    if hasattr(view, "actions"):
        return {method.upper() for method in view.actions if method in view.cls.http_method_names} - {"HEAD"}
    return {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view.cls, name)}


def test_lists_every_route():
    assert set(routes()) == set(ROUTES)


def test_lists_exactly_the_methods_that_a_route_has():
    listed = {name: set(ROUTES[name]) for name, pattern in routes().items() if hasattr(pattern.callback, "cls")}
    assert listed == {name: _methods(routes()[name]) for name in listed}


def test_keeps_every_view_of_the_api_under_the_table():
    for name, pattern in routes().items():
        classes = getattr(getattr(pattern.callback, "cls", None), "permission_classes", [])
        if hasattr(pattern.callback, "cls") and PUBLIC not in ROUTES[name].values():
            assert classes == [permissions.RoutePermission], name


def test_lets_nobody_below_an_operator_write():
    writes = {(name, method) for name, methods in ROUTES.items() for method in set(methods) - {"GET"}}
    open_to_more = {(name, method) for name, method in writes if ROUTES[name][method] in (PUBLIC, Role.VIEWER)}
    previews = {"api-segments-preview", "api-templates-preview", "step-preview"}
    own_account = {"sign-in", "sign-in-link", "sign-out", "profile"}
    assert open_to_more == {(name, "POST") for name in previews | own_account | {"unsubscribe"}}


class Unlisted(APIView):
    def get(self, request):
        return Response("secret")


urlpatterns = [path("unlisted/", Unlisted.as_view(), name="unlisted")]


@pytest.mark.urls("tests.outreach.test_permissions")
def test_refuses_a_route_that_is_not_in_the_table_to_an_administrator_too(client_as):
    assert client_as("administrator").get("/unlisted/").status_code == 403


def test_refuses_a_method_that_the_table_forgot(client_as, monkeypatch):
    monkeypatch.setitem(ROUTES, "api-programs-list", {"GET": Role.VIEWER})
    assert client_as("administrator").post("/api/v1/programs/", {"name": "X"}).status_code == 403


def test_leaves_a_method_that_no_view_has_to_the_view(client_as):
    for address in ("/api/v1/programs/", _address("api-programs-detail")):
        assert client_as("administrator").put(address, {}).status_code == 405


GUARDED = [
    (name, method, least)
    for name, methods in ROUTES.items()
    for method, least in methods.items()
    if hasattr(routes()[name].callback, "cls") and least not in (PUBLIC, OWN_RULE)
]


def _address(name):
    converters = routes()[name].pattern.converters
    return reverse(name, kwargs={key: 7 if key == "number" else ANY_ID for key in converters})


@pytest.mark.parametrize("caller", [*Role.values, "stranger"])
def test_lets_each_role_do_what_the_table_says_and_no_more(client_as, db, caller):
    client = APIClient() if caller == "stranger" else client_as(caller)
    for name, method, least in GUARDED:
        if not amounts.tells_apart(caller, least):
            continue
        status = client.generic(method, _address(name), "{}", content_type="application/json").status_code
        where = f"{caller} {method} {name}: {status}"
        if caller == "stranger":
            assert status == 401, where
        elif Role(caller).covers(least):
            assert status not in (401, 403, 405, 500), where
        else:
            assert status == 403, where


def test_never_lets_a_key_do_more_than_its_owner(db):
    owner = factories.UserFactory(role="manager")
    _, raw = keys.create_key(name="k", role="manager", owner=owner)
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {raw}")
    assert client.post("/api/v1/sending/resume-all/").status_code == 200
    type(owner).objects.filter(pk=owner.pk).update(role="viewer")
    assert client.post("/api/v1/sending/resume-all/").status_code == 403
    assert client.get("/api/v1/sending/").status_code == 200


def test_lets_a_key_do_less_than_its_owner(db):
    _, raw = keys.create_key(name="k", role="viewer", owner=factories.UserFactory(role="administrator"))
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {raw}")
    assert client.get("/api/v1/programs/").status_code == 200
    assert client.post("/api/v1/programs/", {"name": "X"}).status_code == 403


@pytest.mark.parametrize(
    ("perm", "least"),
    [
        ("prospects.view_prospect", "viewer"),
        ("prospects.change_prospect", "operator"),
        ("prospects.delete_prospect", "manager"),
        ("prospects.add_suppression", "operator"),
        ("prospects.delete_suppression", "administrator"),
        ("integrations.change_mailbox", "manager"),
        ("campaigns.add_campaign", "operator"),
        ("campaigns.delete_message", "administrator"),
        ("accounts.view_user", "administrator"),
        ("accounts.add_apikey", "administrator"),
        ("django_celery_beat.change_periodictask", "administrator"),
    ],
)
def test_gives_the_back_office_to_roles(db, perm, least):
    for role in Role:
        user = factories.UserFactory.build(role=role)
        assert RoleBackend().has_perm(user, perm) is role.covers(Role(least)), role


def test_gives_nothing_to_strangers_and_people_who_left(db):
    assert not RoleBackend().has_perm(AnonymousUser(), "prospects.view_prospect")
    assert not factories.UserFactory(role="administrator", is_active=False).has_perm("prospects.view_prospect")


def test_knows_every_model_it_names(db):
    named = set(office_rights.CHANGED_BY) | set(office_rights.ADDED_BY) | set(office_rights.DELETED_BY)
    registered = {model._meta.label_lower for model in admin.site._registry}
    assert named <= registered


def test_shows_the_back_office_only_what_the_role_may_see(db):
    request = RequestFactory().get("/admin/")
    request.user = factories.UserFactory(role="viewer", is_staff=True)
    assert {app["app_label"] for app in admin.site.get_app_list(request)} == office_rights.OFFICE_APPS
