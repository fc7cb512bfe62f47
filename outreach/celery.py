"""The Celery application; settings are Django's under the CELERY_ prefix, in its own processes without any face."""

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]
from django_structlog.celery.steps import DjangoStructLogInitStep

warnings.filterwarnings("ignore", category=SecurityWarning)  # eight lines for root; a container runs as its own user
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.worker_settings")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # `migrate` and `run` check; a worker would import every page for it

app = Celery("outreach")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)
