from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts import keys
from accounts.models import ApiKey


@pytest.fixture
def made(manager):
    return keys.create_key(name="crm", role="operator", owner=manager)


def test_keeps_only_the_hash(made):
    key, raw = made
    assert raw.startswith("ok_")
    stored = ApiKey.objects.values_list("key_hash", "prefix", "name").get(pk=key.pk)
    assert not any(raw in str(column) or str(column) == raw for column in stored)


def test_knows_a_key_again(made, now):
    key, raw = made
    assert keys.authenticate(raw=raw, now=now) == key


@pytest.mark.parametrize(
    "change", [str.upper, lambda raw: raw[:-1], lambda raw: raw + "x", lambda raw: "", lambda raw: "ok_"]
)
def test_refuses_anything_but_the_whole_key(made, now, change):
    assert keys.authenticate(raw=change(made[1]), now=now) is None


def test_refuses_an_expired_key(manager, now):
    _, raw = keys.create_key(name="k", role="viewer", owner=manager, expires_at=now)
    assert keys.authenticate(raw=raw, now=now - timedelta(seconds=1))
    assert keys.authenticate(raw=raw, now=now) is None


def test_refuses_a_revoked_key_and_says_so_once(made, now):
    key, raw = made
    assert keys.revoke(key=key, now=now) is True
    assert keys.revoke(key=key, now=now) is False
    assert keys.authenticate(raw=raw, now=now) is None


def test_refuses_the_key_of_somebody_who_left(made, manager, now):
    type(manager).objects.filter(pk=manager.pk).update(is_active=False)
    assert keys.authenticate(raw=made[1], now=now) is None


def test_notes_its_use_at_most_once_a_minute(made, now):
    key, raw = made
    for seconds in (0, 59):
        keys.authenticate(raw=raw, now=now + timedelta(seconds=seconds))
        assert ApiKey.objects.get(pk=key.pk).last_used_at == now
    keys.authenticate(raw=raw, now=now + timedelta(seconds=61))
    assert ApiKey.objects.get(pk=key.pk).last_used_at == now + timedelta(seconds=61)


def test_refuses_a_role_above_the_owners(manager):
    with pytest.raises(keys.InvalidKey) as refusal:
        keys.create_key(name="k", role="administrator", owner=manager)
    assert [problem.field for problem in refusal.value.problems] == ["role"]


def test_says_how_to_authenticate_when_a_key_does_not_count(db):
    for headers in ({}, {"HTTP_AUTHORIZATION": "Bearer ok_wrong"}):
        answer = APIClient(**headers).get("/api/v1/programs/")
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer["Content-Type"] == "application/problem+json"


def test_costs_one_query_per_request(made, django_assert_num_queries):
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {made[1]}")
    client.get("/api/v1/programs/")
    with django_assert_num_queries(2):  # the key with its owner; the programs
        assert client.get("/api/v1/programs/").status_code == 200
