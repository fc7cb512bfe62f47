from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from accounts import keys, onboarding
from accounts.models import ApiKey
from tests import factories


def test_makes_an_administrator_who_can_log_in(db, client):
    user, password = onboarding.create_first_administrator()
    assert authenticate(username=user.username, password=password) == user
    assert client.login(username="admin", password=password)
    assert client.get("/").status_code == 200


def test_makes_none_where_somebody_is(manager):
    assert onboarding.create_first_administrator() is None


def _make_key(*arguments):
    out, err = StringIO(), StringIO()
    call_command("create_api_key", *arguments, stdout=out, stderr=err)
    return out.getvalue().strip()


def test_command_prints_a_key_that_works_and_nothing_else(db, now):
    onboarding.create_first_administrator()
    raw = _make_key("--name", "crm", "--role", "manager", "--days", "7")
    key = keys.authenticate(raw=raw, now=now)
    assert (key.name, key.role, key.owner.username) == ("crm", "manager", "admin")
    assert key.expires_at is not None


def test_command_makes_a_key_for_a_named_person(manager, now):
    raw = _make_key("--name", "crm", "--owner", manager.username)
    assert keys.authenticate(raw=raw, now=now).owner == manager


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--name", "k", "--owner", "nobody"], "no active user called “nobody”"),
        (["--name", "k"], "no administrator yet"),
        (["--name", "k", "--days", "0"], "at least 1"),
        (["--name", "k", "--days", "9999999"], "at most 36500"),
    ],
)
def test_command_says_what_is_wrong(db, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        _make_key(*arguments)
    assert not ApiKey.objects.exists()


def test_command_refuses_a_role_above_the_owners(db):
    owner = factories.UserFactory(role="viewer")
    with pytest.raises(CommandError, match="viewer"):
        _make_key("--name", "k", "--role", "operator", "--owner", owner.username)
