"""The cache, with Redis and without."""

import pytest
from django.core.cache import caches
from django.test import override_settings

GONE = {
    "default": {
        "BACKEND": "outreach.lib.cache.ForgivingRedisCache",
        "LOCATION": "redis://127.0.0.1:1/0",
        "OPTIONS": {"socket_connect_timeout": 1},
    }
}


def test_keeps_what_it_is_given():
    cache = caches["default"]
    cache.set("here", {"a": 1}, timeout=30)
    assert cache.get("here") == {"a": 1}
    assert cache.get_many(["here", "not-here"]) == {"here": {"a": 1}}
    assert cache.delete("here")
    assert cache.get("here", "default") == "default"


def test_answers_not_there_while_redis_is_gone():
    with override_settings(CACHES=GONE):
        cache = caches["default"]
        cache.set("key", 1)
        assert cache.get("key", "default") == "default"
        assert cache.get_or_set("key", 2) == 2
        assert cache.get_many(["key"]) == {}
        assert not cache.add("key", 1)
        assert not cache.has_key("key")
        assert cache.incr("key") == 0
        assert not cache.delete("key")
        cache.set_many({"key": 1})


@pytest.mark.django_db
def test_pages_work_while_redis_is_gone(client_as):
    with override_settings(CACHES=GONE):
        assert client_as("manager").get("/").status_code == 200
        assert client_as("viewer").get("/api/v1/prospects/").status_code == 200
