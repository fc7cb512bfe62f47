"""What a start says of a configuration that can't work."""

import pytest
from django.test import override_settings

from outreach import checks


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("https://outreach.example.com", []),
        ("http://127.0.0.1:8000", []),
        ("http://outreach.example.com", ["outreach.W001"]),
        ("outreach.example.com", ["outreach.E001"]),
        ("ftp://outreach.example.com", ["outreach.E001"]),
    ],
)
def test_the_public_address_must_be_one_that_a_mail_program_can_use(url, ids):
    with override_settings(PUBLIC_URL=url):
        assert [message.id for message in checks.public_url(None)] == ids
