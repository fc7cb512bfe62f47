import socket
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import keys
from campaigns import reaching
from campaigns.models import SendingControl
from outreach import health
from outreach.lib.models import DatabaseClock
from tests import factories


@contextmanager
def hung_server():
    """Takes connections and never says a word, as a stopped process does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []

        def accept():
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        for one in held:
            one.close()


@pytest.fixture
def ticked(transactional_db):
    SendingControl.objects.update_or_create(pk=1, defaults={"ticked_at": DatabaseClock()})


def test_is_alive_without_asking_anybody(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert client.get("/health").status_code == 200  # and this test may not touch the database


def test_is_ready_when_all_three_work(client, ticked):
    answer = client.get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": "answers",
        "broker": "answers",
        "beat": "ticks",
        "journal": "writes",
    }


@pytest.mark.django_db(transaction=True)
def test_is_not_ready_before_the_first_tick(client):
    SendingControl.objects.update(ticked_at=None)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["beat"] == "no tick yet"


def test_says_how_late_beat_is(client, ticked):
    SendingControl.objects.update(ticked_at=timezone.now() - timedelta(minutes=5))
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "last tick 30" in answer.json()["beat"]


def test_says_that_opt_outs_cannot_be_written_outside(client, ticked):
    SendingControl.objects.update(journal_failed_at=timezone.now() - timedelta(minutes=1))
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "since 60 s" in answer.json()["journal"]


def test_says_that_the_broker_is_down(client, ticked, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "no answer" in answer.json()["broker"]
    assert answer.json()["database"] == "answers"


@pytest.mark.django_db(transaction=True)
def test_answers_in_time_when_both_servers_hang(settings, monkeypatch):
    with hung_server() as port:
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        hung = {**connection.get_connection_params(), "host": "127.0.0.1", "port": port}
        monkeypatch.setattr(connection, "get_connection_params", lambda: hung)
        begun = time.monotonic()
        answer = Client().get("/ready")
        took = time.monotonic() - begun
    assert answer.status_code == 503
    assert "no answer within" in answer.json()["database"]
    assert "no answer" in answer.json()["broker"]
    assert took < 3


@pytest.mark.django_db(transaction=True)
def test_says_that_the_database_is_down(monkeypatch):
    gone = {**connection.get_connection_params(), "host": "127.0.0.1", "port": 1}
    monkeypatch.setattr(connection, "get_connection_params", lambda: gone)
    answer = Client().get("/ready")
    assert answer.status_code == 503
    assert answer.json()["database"] == "can't be reached"


@pytest.mark.django_db(transaction=True)
def test_gives_up_on_a_query_that_hangs():
    with pytest.raises(health.Hung):
        health._ask("SELECT pg_sleep(5)", patience=0.2)


def test_shows_metrics_to_programs_on_this_machine(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert b"django_http_requests_total" in answer.content


@pytest.mark.parametrize("headers", [{"REMOTE_ADDR": "192.0.2.7"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}])
def test_hides_metrics_from_the_world(client, db, headers):
    assert client.get("/metrics", **headers).status_code == 403


@pytest.mark.parametrize(("role", "status"), [("administrator", 200), ("manager", 403)])
def test_shows_metrics_to_administrators_and_their_keys(client, db, role, status):
    owner = factories.UserFactory(role=role)
    _, raw = keys.create_key(name="prometheus", role=role, owner=owner)
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {raw}", **far).status_code == status
    client.force_login(owner)
    assert client.get("/metrics", **far).status_code == status


def test_asks_strangers_at_the_front_door_to_sign_in(client):
    assert client.get("/")["Location"] == "/sign-in/?next=%2F"


def test_says_which_installation_answers(client, settings):
    ours = client.get("/health")[reaching.HEADER]
    assert ours == reaching.fingerprint()
    settings.INSTALLATION_KEY = "another"
    assert client.get("/health")[reaching.HEADER] != ours
