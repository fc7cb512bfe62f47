"""What beat wakes to bring in sheets."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from prospects import importing_running, uploading


@shared_task
def run_imports(**kwargs: Any) -> None:
    """Runs a slice of what waits, and throws away what nobody went on with."""
    importing_running.run_next()
    uploading.forget(now=timezone.now())
