"""Redis emptied, killed, hung, full and gone under workers, beats and pages. Not collected by itself: it needs servers
that nobody else uses, which test_outages.py starts.
"""

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from django.conf import settings
from django.urls import reverse
from redis import Redis

from campaigns import tracking
from campaigns.models import Enrollment, Message
from outreach import embedded
from outreach.lib import signing
from tests.faults.broker_outages import POLL, celery, somebody_new_gets_a_mail
from tests.faults.outages import FOLDER, pid, up_again
from tests.faults.rig import Rig
from tests.racing import until

__all__ = ["celery"]  # a fixture
pytestmark = pytest.mark.django_db(transaction=True)


def redis():
    return Redis.from_url(settings.REDIS_URL, socket_timeout=5)


class TestRedis:
    def test_emptied_killed_hung_and_full_costs_one_poll_at_most(self, celery):
        somebody_new_gets_a_mail(celery, seconds=POLL)

        redis().flushall()
        somebody_new_gets_a_mail(celery, seconds=POLL)

        os.kill(pid("valkey"), signal.SIGKILL)
        up_again()
        celery.rig = Rig(celery)
        somebody_new_gets_a_mail(celery, seconds=POLL)

        with hung():
            celery.celery.log.open("a").write("--- hung ---\n")
            threading.Event().wait(8)  # longer than every patience of theirs
        somebody_new_gets_a_mail(celery, seconds=POLL)

        with full():
            threading.Event().wait(8)
        somebody_new_gets_a_mail(celery, seconds=POLL)
        assert len({mail.recipient for mail in celery.smtp.received}) == len(celery.smtp.received) == 6

    @pytest.mark.parametrize("trouble", ["hung", "full", "gone"])
    def test_in_trouble_keeps_nobody_waiting(self, running, client_as, client, trouble):
        world = running(people=1)
        world.tick()
        message = Message.objects.get()
        office = client_as("manager")
        with {"hung": hung, "full": full, "gone": gone}[trouble]():
            for send in (
                lambda: client.post(
                    reverse("unsubscribe", args=[signing.make_token(tracking.UNSUBSCRIBE, message.public_id)])
                ),
                lambda: office.post(reverse("api-campaigns-pause", args=[world.campaign.public_id])),
                lambda: office.get("/ready"),
            ):
                began = time.monotonic()
                answer = send()
                assert time.monotonic() - began < 3, answer
                assert answer.status_code in (200, 503), answer
        assert answer.status_code == 503  # not ready, in words
        world.campaign.refresh_from_db()
        assert world.campaign.state == "paused"
        assert Enrollment.objects.get().stop_reason == "unsubscribed"


@contextmanager
def hung():
    os.kill(pid("valkey"), signal.SIGSTOP)
    yield
    os.kill(pid("valkey"), signal.SIGCONT)


@contextmanager
def full():
    redis().config_set("maxmemory", "1mb")
    yield
    redis().config_set("maxmemory", "0")


@contextmanager
def gone():
    """It is killed as often as it is started again."""
    over = threading.Event()

    def kill():
        while not over.is_set():
            with suppress(KeyError, ProcessLookupError):
                os.kill(pid("valkey"), signal.SIGKILL)
            over.wait(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        until(lambda: "valkey" not in embedded.pids(FOLDER))
        yield
    finally:
        over.set()
        killer.join()
        up_again()
