"""What beat wakes to forget old answers."""

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.utils import timezone

from accounts.models import IdempotentAnswer

KEPT = timedelta(hours=24)


@shared_task
def forget_answers(**kwargs: Any) -> None:
    """Forgets the answers to idempotent requests after a day."""
    IdempotentAnswer.forget(before=timezone.now() - KEPT)
