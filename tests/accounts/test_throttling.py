"""Guessing has an end: for one account, for one address, and for keys; and no cache shuts nobody out."""

import secrets
from datetime import timedelta

import pytest
from django.test import Client, override_settings
from rest_framework.test import APIClient

from accounts import keys, throttling
from tests import factories
from tests.outreach.test_cache import GONE

PASSWORD = "correct horse battery"


@pytest.fixture
def anew():
    """An address that nobody guessed from: what was counted stays in the cache."""
    return lambda: f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


@pytest.fixture
def ada(db):
    user = factories.UserFactory(username="ada")
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(address, password, username="ada", **headers):
    form = {"username": username, "password": password, "next": ""}
    return Client(REMOTE_ADDR=address, **headers).post("/sign-in/", form)


@pytest.mark.parametrize("username", ["ada", "nobody"])
def test_ends_guessing_one_password_in_the_same_words_for_every_account(ada, anew, username):
    here = anew()
    for _ in range(throttling.PER_ACCOUNT):
        assert sign_in(here, "wrong", username).status_code == 200
    refused = sign_in(here, PASSWORD, username.upper())
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= throttling.WINDOW
    assert "There were too many wrong passwords. Try again in " in refused.content.decode()
    assert "sessionid" not in refused.cookies
    assert sign_in(here, "wrong", "somebody else").status_code == 200
    assert sign_in(anew(), PASSWORD).status_code == 302


def test_does_not_count_right_passwords(ada, anew):
    here = anew()
    for _ in range(throttling.PER_ACCOUNT + 1):
        assert sign_in(here, PASSWORD).status_code == 302


def test_ends_guessing_many_accounts_from_one_network_and_begins_anew(anew, now):
    here = anew()
    tries = [throttling.sign_ins(username=f"user{n}", address=here) for n in range(throttling.PER_ADDRESS + 1)]
    assert all(throttling.spend(limits, now=now) for limits in tries[:-1])
    assert not throttling.spend(tries[-1], now=now)
    assert throttling.spend(tries[-1], now=now + timedelta(seconds=throttling.seconds_left(now=now)))


def test_counts_an_ipv6_network_as_one_visitor(ada, anew):
    here = anew()
    for n in range(throttling.PER_ACCOUNT):
        sign_in(f"{here[:-1]}{n + 1:x}", "wrong")
    assert sign_in(here, PASSWORD).status_code == 429


@override_settings(TRUST_PROXY=True)
def test_believes_what_a_trusted_proxy_wrote_and_nothing_before_it(ada, anew):
    here, other = anew(), anew()
    for n in range(throttling.PER_ACCOUNT):
        sign_in("127.0.0.1", "wrong", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}, {here}")
    assert sign_in("127.0.0.1", PASSWORD, HTTP_X_FORWARDED_FOR=f"10.9.9.9, {here}").status_code == 429
    assert sign_in("127.0.0.1", PASSWORD, HTTP_X_FORWARDED_FOR=f"{here}, {other}").status_code == 302


def test_believes_no_header_without_a_trusted_proxy(ada, anew):
    here = anew()
    for _ in range(throttling.PER_ACCOUNT):
        sign_in(here, "wrong", HTTP_X_FORWARDED_FOR=anew())
    assert sign_in(here, PASSWORD, HTTP_X_FORWARDED_FOR=anew()).status_code == 429


def test_lets_people_in_while_the_cache_is_gone(ada, anew):
    with override_settings(CACHES=GONE):
        for _ in range(throttling.PER_ACCOUNT + 1):
            assert sign_in(anew(), "wrong").status_code == 200
        assert sign_in(anew(), PASSWORD).status_code == 302


def test_ends_guessing_keys_and_lets_a_right_one_work(ada, anew):
    here = anew()
    _, raw = keys.create_key(name="k", role="viewer", owner=ada)
    wrong = APIClient(REMOTE_ADDR=here, HTTP_AUTHORIZATION="Bearer ok_wrong")
    for _ in range(throttling.PER_ADDRESS):
        assert wrong.get("/api/v1/programs/").status_code == 401
    refused = wrong.get("/api/v1/programs/")
    assert (refused.status_code, refused["Content-Type"]) == (429, "application/problem+json")
    assert 0 < int(refused["Retry-After"]) <= throttling.WINDOW
    right = APIClient(REMOTE_ADDR=here, HTTP_AUTHORIZATION=f"Bearer {raw}")
    assert right.get("/api/v1/programs/").status_code == 200
