"""The Celery application; settings are Django's under the CELERY_ prefix, in its own processes without any face."""

import ctypes
import gc
import os
import warnings
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]
from celery.signals import worker_init
from django_structlog.celery.steps import DjangoStructLogInitStep

warnings.filterwarnings("ignore", category=SecurityWarning)  # eight lines for root; a container runs as its own user
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.worker_settings")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # `migrate` and `run` check; a worker would import every page for it

M_ARENA_MAX = -8  # malloc.h

app = Celery("outreach")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


@worker_init.connect
def keep_what_is_loaded(**kwargs: Any) -> None:
    """What is loaded stays until the process ends: the collector need not look through it every few thousand mails,
    which held up all connections of the process for some 50 ms. And its threads share one heap: what one frees,
    another uses again."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # glibc has it
        mallopt(M_ARENA_MAX, 1)
    gc.collect()
    gc.freeze()
