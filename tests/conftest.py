"""Fixtures for all tests: the clock, people of each role, mail peers, profiles."""

from datetime import UTC, datetime

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection
from rest_framework.test import APIClient

from campaigns import reaching
from outreach.demo.imap_server import ImapServer
from outreach.demo.smtp_server import SmtpServer
from tests import amounts, databases, factories
from tests.backups import backup
from tests.installation import installation
from tests.running import running, running_now

__all__ = ["amounts", "backup", "installation", "running", "running_now"]  # fixtures, and how much is tried


@pytest.fixture(scope="session", autouse=True)
def quick_passwords():
    django_settings.PASSWORD_HASHERS = ["tests.passwords.Quick"]


@pytest.fixture(scope="session", autouse=True)
def static_files_when_asked_for():
    """Every client of a test brings the middleware up anew, which would look at each static file every time."""
    django_settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, django_db_blocker):
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = databases.template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        databases.prepare()


@pytest.fixture
def now():
    """A Wednesday at noon, UTC: business time in tests is passed in."""
    return datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def safety(settings, tmp_path):
    """What is known outside the database, a folder of each test's own."""
    settings.SAFETY_DIR = tmp_path / "safety"
    return settings.SAFETY_DIR


@pytest.fixture
def manager(db):
    return factories.UserFactory(role="manager")


@pytest.fixture
def client_as(db):
    """`client_as("viewer")` is an API client with a session of that role."""

    def make(role):
        client = APIClient()
        client.force_login(factories.UserFactory(role=role, is_staff=True))
        return client

    return make


@pytest.fixture
def reachable(settings):
    """A public address that was found to answer a moment ago: needed to launch from a real mailbox."""
    settings.PUBLIC_URL = "https://outreach.example.com"
    cache.set(reaching.key(url=settings.PUBLIC_URL), "", 600)  # however slow the machine is
    yield settings.PUBLIC_URL
    cache.delete(reaching.key(url=settings.PUBLIC_URL))


@pytest.fixture
def smtp():
    """A real SMTP server on loopback."""
    with SmtpServer() as server:
        yield server


@pytest.fixture
def imap():
    """A real IMAP server on loopback."""
    with ImapServer() as server:
        yield server


@pytest.fixture
def mailbox(db, smtp, imap):
    """A demo mailbox on the two servers, polled a moment ago."""
    return factories.mailbox_on(smtp, imap)
