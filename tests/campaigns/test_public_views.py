"""What people who get our mail see and do."""

import base64
from datetime import time

import pytest
from django.test import Client

from campaigns import delivery, lifecycle, planning, tracking
from campaigns.models import Enrollment, Event, Message, TrackedLink
from prospects.models import Suppression
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ONE_CLICK = b"List-Unsubscribe=One-Click"


@pytest.fixture
def sent(running):
    world = running()
    world.tick()
    world.message = Message.objects.get()
    world.path = "/u/" + tracking.unsubscribe_url(public_id=world.message.public_id).rpartition("/u/")[2]
    return world


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "patch", "delete", "trace"])
def test_nothing_but_a_post_unsubscribes(client, sent, method):
    response = getattr(client, method)(sent.path)
    assert response.status_code == (200 if method in ("get", "head") else 405)
    assert not Suppression.objects.exists()
    assert Enrollment.objects.get().state == "active"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_one_click_works_without_cookies_and_answers_200_every_time(sent, content_type):
    body = ONE_CLICK
    if content_type.startswith("multipart"):
        body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    stranger = Client(enforce_csrf_checks=True, headers={"cookie": "sessionid=junk"})
    for _ in range(3):
        assert stranger.post(sent.path, body, content_type=content_type).status_code == 200
    assert Suppression.objects.get().source == "one-click"
    assert Event.objects.filter(kind="unsubscribed").count() == 1
    for _ in range(3):
        sent.tick(days=1)
    assert len(sent.smtp.received) == 1


def test_a_person_finds_a_button(client, sent):
    page = client.get(sent.path)
    assert "no-store" in page["Cache-Control"]
    assert b"<button" in page.content
    done = client.post(sent.path)
    assert b"You are unsubscribed" in done.content
    assert Suppression.objects.get().source == "page"


def test_a_damaged_link_is_unknown_and_says_the_same_whatever_was_damaged(client, sent):
    token = sent.path.rpartition("/")[2]
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    bodies = set()
    for place in range(len(raw)):
        damaged = bytearray(raw)
        damaged[place] ^= 1
        response = client.post(
            "/u/" + base64.urlsafe_b64encode(damaged).rstrip(b"=").decode(), {"List-Unsubscribe": "One-Click"}
        )
        assert response.status_code == 404
        bodies.add(response.content)
    bodies.add(client.post("/u/short").content)
    assert len(bodies) == 1
    assert not Suppression.objects.exists()


def test_public_pages_have_a_strict_content_security_policy(client, sent):
    policy = client.get(sent.path)["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_click_leads_to_the_stored_address_and_is_an_event(client, mailbox, smtp, imap, now):
    factories.ProspectFactory()
    campaign = factories.campaign(mailbox=mailbox, steps=0)
    html = (
        '<p>{{ program }} <a href="https://acme.example/offer?a=1&amp;b=2">offer</a> {{ postal_address }}'
        ' <a href="{{ unsubscribe_url }}">stop</a></p>'
    )
    lifecycle.add_step(
        campaign=campaign,
        template=factories.template(html=html),
        window_start=time(0),
        window_end=time(0),
        weekdays=list(range(1, 8)),
        by=None,
    )
    mailbox.verified_at = now
    mailbox.save()
    lifecycle.launch(campaign=campaign, now=now, by=None)
    planning.plan(now=now)
    delivery.deliver(mailbox_id=mailbox.pk, now=now, owner="t")
    message = Message.objects.get()
    link = TrackedLink.objects.get()
    assert link.url == "https://acme.example/offer?a=1&b=2"
    assert "https://acme.example" not in message.html
    path = "/c/" + message.html.partition("/c/")[2].partition('"')[0]
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, link.url)
    assert Event.objects.get().by_machine is False
    assert client.head(path).status_code == 302
    assert Event.objects.filter(by_machine=True).count() == 1
    assert client.get("/c/" + "A" * 48).status_code == 404
