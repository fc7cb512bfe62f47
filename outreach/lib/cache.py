"""A cache that is allowed to be gone."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


def _forgiving(method: Callable[..., Any], answer: Any = None) -> Callable[..., Any]:
    """The method, answering `answer` as if nothing were stored when Redis does not."""

    @wraps(method)
    def call(self: RedisCacheClient, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except RedisError as error:
            log.warning("cache_unavailable", error=type(error).__name__)
            return answer

    return call


class ForgivingClient(RedisCacheClient):
    """Answers "not there" while Redis is down, so that every page still works."""

    set = _forgiving(RedisCacheClient.set)
    add = _forgiving(RedisCacheClient.add, answer=False)
    touch = _forgiving(RedisCacheClient.touch, answer=False)
    delete = _forgiving(RedisCacheClient.delete, answer=False)
    incr = _forgiving(RedisCacheClient.incr, answer=0)
    has_key = _forgiving(RedisCacheClient.has_key, answer=False)
    get_many = _forgiving(RedisCacheClient.get_many, answer={})
    set_many = _forgiving(RedisCacheClient.set_many)
    delete_many = _forgiving(RedisCacheClient.delete_many)

    def get(self, key: str, default: Any) -> Any:  # type: ignore[override]
        return _forgiving(RedisCacheClient.get, answer=default)(self, key, default)


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache over the forgiving client."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = ForgivingClient
