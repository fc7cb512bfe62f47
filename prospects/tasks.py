"""What beat wakes to bring in sheets and to keep people in order."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from prospects import dedupe
from prospects.importing import running, uploading


@shared_task
def run_imports(**kwargs: Any) -> None:
    """Runs a slice of what waits, and throws away what nobody went on with."""
    running.run_next()
    uploading.forget(now=timezone.now())


@shared_task
def find_duplicates(**kwargs: Any) -> None:
    """Looks for rows that may be one person."""
    dedupe.find()
