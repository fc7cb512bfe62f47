"""Oneself and the keys, on pages."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey
from tests import factories

ME = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@home.example", "time_zone": "Asia/Kathmandu"}


@pytest.fixture
def me(db):
    user = factories.UserFactory(role="administrator", username="ada")
    user.set_password("correct horse battery")
    user.save()
    return user


@pytest.fixture
def page(client, me):
    client.force_login(me)
    return client


def test_changes_oneself_and_keeps_the_role(page, me):
    page.post(reverse("profile"), {**ME, "role": "viewer", "is_superuser": "1"})
    me.refresh_from_db()
    assert [getattr(me, field) for field in ME] == list(ME.values())
    assert (me.role, me.is_superuser) == ("administrator", False)
    assert "Administrator" in page.get(reverse("profile")).content.decode()


def test_refuses_a_time_zone_that_is_none(page, me):
    said = page.post(reverse("profile"), {**ME, "time_zone": "Mars/Olympus"}).content.decode()
    assert "Select a valid choice" in said
    me.refresh_from_db()
    assert me.time_zone == "UTC"


def test_keeps_an_older_name_of_a_zone(page, me):
    type(me).objects.filter(pk=me.pk).update(time_zone="CET")
    assert '<option value="CET" selected>' in page.get(reverse("profile")).content.decode()
    assert page.post(reverse("profile"), {**ME, "time_zone": "CET"}).status_code == 302


def test_changes_the_password_and_stays_signed_in(page, me):
    elsewhere = Client()
    elsewhere.force_login(me)
    form = {"do": "password", "old_password": "wrong", "new_password1": "another horse 1", "new_password2": "x"}
    said = page.post(reverse("profile"), form).content.decode()
    assert "incorrect" in said
    form |= {"old_password": "correct horse battery", "new_password2": "another horse 1"}
    assert page.post(reverse("profile"), form).status_code == 302
    assert page.get(reverse("profile")).status_code == 200
    assert elsewhere.get(reverse("profile")).status_code == 302
    me.refresh_from_db()
    assert me.check_password("another horse 1")


def test_shows_a_new_key_once_and_lets_it_work(page, me):
    answer = page.post(reverse("api-key-add"), {"name": "Import <job>", "role": "operator", "days": "30"})
    said = answer.content.decode()
    raw = re.search(r'value="(ok_[^"]+)"', said)[1]
    assert "no-store" in answer["Cache-Control"]
    assert "Import &lt;job&gt;" in said
    now = timezone.now()
    assert keys.authenticate(raw=raw, now=now + timedelta(days=29)).owner == me
    assert keys.authenticate(raw=raw, now=now + timedelta(days=31)) is None
    listed = page.get(reverse("api-keys")).content.decode()
    assert raw[:11] in listed
    assert raw not in listed


def test_makes_a_key_without_an_end(page):
    page.post(reverse("api-key-add"), {"name": "x", "role": "viewer", "days": ""})
    assert ApiKey.objects.get().expires_at is None


def test_says_what_is_wrong_with_a_key(page):
    said = page.post(reverse("api-key-add"), {"role": "emperor", "days": "30"}).content.decode()
    assert "This field is required." in said
    assert "Select a valid choice" in said
    assert not ApiKey.objects.exists()


def test_asks_before_it_revokes_and_tells_states_apart(page, me):
    now = timezone.now()
    key, _ = keys.create_key(name="job", role="viewer", owner=me)
    keys.create_key(name="old", role="viewer", owner=me, expires_at=now - timedelta(days=1))
    address = reverse("api-key-revoke", args=[key.public_id])
    assert "Revoke the key “job”?" in page.get(address).content.decode()
    key.refresh_from_db()
    assert key.revoked_at is None
    said = page.post(address, follow=True).content.decode()
    assert "is revoked" in said
    assert ">Revoked</span>" in said
    assert ">Expired</span>" in said
    assert "had been revoked before" in page.post(address, follow=True).content.decode()


def test_says_what_a_key_is_for_when_there_is_none(page):
    assert "No key yet" in page.get(reverse("api-keys")).content.decode()


def test_asks_as_often_for_many_keys_as_for_one(page, me, django_assert_num_queries):
    keys.create_key(name="one", role="viewer", owner=me)
    with django_assert_num_queries(7) as counted:
        page.get(reverse("api-keys"))
    for _ in range(4):
        keys.create_key(name="more", role="viewer", owner=factories.UserFactory())
    with django_assert_num_queries(len(counted)):
        page.get(reverse("api-keys"))


def test_keeps_keys_from_managers(client, db):
    client.force_login(factories.UserFactory(role="manager"))
    for route in ("api-keys", "api-key-add"):
        assert client.get(reverse(route)).status_code == 403
