"""The settings for the type checker: made-up variables, so that types need neither servers nor secrets."""

import os

os.environ.update(
    SECRET_KEY="types",
    FIELD_ENCRYPTION_KEYS="types",
    INSTALLATION_KEY="types",
    DATABASE_URL="postgres://types@/types",
    REDIS_URL="redis://127.0.0.1:6379/0",
)

from outreach.settings import *  # noqa: F403
