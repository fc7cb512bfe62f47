"""A cache that is allowed to be gone."""

from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


class ForgivingClient(RedisCacheClient):
    """Answers "not there" while Redis is down, so that every page still works."""

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return _Forgiving(super().get_client(key, write=write))


class _Forgiving:
    """Wraps a Redis client: each call that fails for the connection's sake returns None."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs)
            except RedisError as error:
                log.warning("cache_unavailable", error=type(error).__name__)
                return None

        return call


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache over the forgiving client."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = ForgivingClient
