"""Settings under which the broker hands every task that lasts longer than two seconds to somebody else as well."""

from outreach.worker_settings import *  # noqa: F403
from outreach.worker_settings import CELERY_BROKER_TRANSPORT_OPTIONS, LOGGING

CELERY_BROKER_TRANSPORT_OPTIONS = {
    **CELERY_BROKER_TRANSPORT_OPTIONS,
    "visibility_timeout": 2,
    "unacked_restore_interval": 1,
}
LOGGING = {**LOGGING, "loggers": {**LOGGING["loggers"], "celery.worker.strategy": {"level": "INFO"}}}
