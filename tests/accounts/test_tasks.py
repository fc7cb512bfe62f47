"""What beat wakes in accounts."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts import tasks
from accounts.models import IdempotentAnswer

pytestmark = pytest.mark.django_db


def test_forgets_answers_after_a_day():
    IdempotentAnswer.objects.create(caller="key", key="one", fingerprint="f", status=201, body={})
    tasks.forget_answers()
    assert IdempotentAnswer.objects.count() == 1
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        tasks.forget_answers()
    assert not IdempotentAnswer.objects.exists()
