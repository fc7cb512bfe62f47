import re

import pytest

from accounts import keys
from accounts.models import ApiKey, User
from tests import factories


@pytest.fixture
def office(client, db):
    client.force_login(factories.UserFactory(role="administrator", is_staff=True, username="boss"))
    return client


def test_shows_a_new_key_once(office, now):
    owner = factories.UserFactory(role="operator")
    form = {"name": "crm", "role": "operator", "owner": owner.pk}
    page = office.post("/admin/accounts/apikey/add/", form, follow=True).content.decode()
    raw = re.search(r"ok_[\w-]+", page)[0]
    assert keys.authenticate(raw=raw, now=now) == ApiKey.objects.get()
    assert raw not in office.get("/admin/accounts/apikey/").content.decode()


def test_says_beside_the_field_that_a_role_is_too_high(office):
    owner = factories.UserFactory(role="viewer")
    form = {"name": "crm", "role": "manager", "owner": owner.pk}
    page = office.post("/admin/accounts/apikey/add/", form)
    assert "role" in page.context["adminform"].form.errors
    assert not ApiKey.objects.exists()


def test_revokes_keys_and_says_how_many(office, now):
    key, raw = keys.create_key(name="k", role="viewer", owner=User.objects.get())
    action = {"action": "revoke", "_selected_action": [key.pk]}
    assert "1 revoked." in office.post("/admin/accounts/apikey/", action, follow=True).content.decode()
    assert keys.authenticate(raw=raw, now=now) is None


def test_adds_a_person_with_a_role(office):
    form = {"username": "ada", "role": "operator"}
    form |= {"password1": "correct horse 7", "password2": "correct horse 7"}
    assert office.post("/admin/accounts/user/add/", form).status_code == 302
    assert User.objects.get(username="ada").role == "operator"
    assert office.login(username="ada", password="correct horse 7")
    assert office.get("/admin/prospects/prospect/add/").status_code == 200
    assert office.get("/admin/accounts/user/").status_code == 403
