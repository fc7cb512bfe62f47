"""Every page: who may open it, who may act on it, and that it costs the same whatever the number of rows."""

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Role
from outreach.permissions import OWN_RULE, PUBLIC, ROUTES
from tests import amounts, factories
from tests.world import World

PAGES = sorted(
    (name, method)
    for name, methods in ROUTES.items()
    if not name.startswith("api-") or name in ("api-keys", "api-key-add", "api-key-revoke")
    for method, least in methods.items()
    if least not in (PUBLIC, OWN_RULE)
)
LISTS = (
    *("today", "today-live", "inbox", "prospects", "campaigns", "segments", "imports", "programs", "mailboxes"),
    *(
        "suppressions",
        "team",
        "api-keys",
        "messages-uncertain",
        "campaign",
        "campaign-live",
        "campaign-people",
        "campaign-edit",
        "campaign-changes",
        "campaign-versions",
    ),
    *("campaign-audience-people", "prospect", "message", "segment", "import", "import-live", "setup", "settings"),
    *("segment-add", "segment-edit"),
)


@pytest.fixture
def world(db, now):
    return World(now)


def _in(role):
    client = Client(raise_request_exception=False)
    if role != "stranger":
        client.force_login(factories.UserFactory(role=role))
    return client


def _answer(client, method, address):
    """What the page says; whatever it changed is taken back."""
    with transaction.atomic():
        response = client.generic(method, address)
        transaction.set_rollback(True)
    return response


@pytest.mark.parametrize("caller", [*Role.values, "stranger"])
def test_lets_each_role_open_and_do_what_the_table_says_and_no_more(world, caller):
    client = _in(caller)
    for route, method in PAGES:
        if not amounts.tells_apart(caller, ROUTES[route][method]):
            continue
        response = _answer(client, method, world.address(route))
        where = f"{caller} {method} {route}: {response.status_code}"
        if caller == "stranger":
            assert response.status_code == 302, where
            assert response.url.startswith("/sign-in/?next="), where
        elif Role(caller).covers(ROUTES[route][method]):
            assert response.status_code in (200, 204, 302, 400, 404, 409, 422), where
        else:
            assert response.status_code == 403, where
            assert ROUTES[route][method].label.lower() in response.content.decode(), where


def test_sends_the_window_of_a_part_to_sign_in(client, db):
    response = client.get(reverse("today-live"), headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Redirect"]) == (401, "/sign-in/")


def test_answers_a_method_that_a_page_lacks_with_405(world):
    assert _in("administrator").put(reverse("today")).status_code == 405


def _queries_by_list(client, addresses):
    counts = {}
    for route, address in addresses.items():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200, route
        counts[route] = [query["sql"][:200] for query in queries.captured_queries]
    return counts


def test_costs_the_same_queries_whatever_the_number_of_rows(world):
    world.grow()  # more people than a page shows as a sample: it counts them
    client, addresses = _in("administrator"), {route: world.address(route) for route in LISTS}
    first = _queries_by_list(client, addresses)
    for _ in range(3):
        world.grow()
    for route, asked in _queries_by_list(client, addresses).items():
        assert len(asked) <= len(first[route]), "\n".join([route, *asked])


def test_keeps_the_strict_policy_on_every_page(world):
    client = _in("administrator")
    for route in [route for route, method in PAGES if method == "GET"]:
        policy = client.get(world.address(route))["Content-Security-Policy"]
        if route == "step-html":  # a mail in a frame: it styles itself, and nothing runs or is loaded
            assert {"sandbox", "default-src 'none'", "frame-ancestors 'self'"} <= set(policy.split("; "))
            continue
        assert "script-src 'self'" in policy, route
        assert "unsafe" not in policy, route


def test_is_kept_by_no_cache(world):
    client = _in("viewer")
    assert "no-store" in client.get(reverse("today"))["Cache-Control"]
    assert "no-store" in client.get("/api/v1/prospects/")["Cache-Control"]


def test_says_in_words_that_an_address_cannot_be_read(world):
    response = _in("viewer").get(reverse("prospects") + "?before=abc")
    assert response.status_code == 400
    assert "can't be read" in response.content.decode()
