"""Encoded host names on pages."""

import pytest

from outreach.lib.domains import readable


@pytest.mark.parametrize(
    ("encoded", "shown"),
    [
        ("info@xn--bro-hoa.example", "info@büro.example"),
        ("https://xn--strae-oqa.de/path", "https://straße.de/path"),
        ("xn--wgv71a119e.jp", "日本語.jp"),
        ("xn--e1afmkfd.xn--p1ai", "пример.рф"),
        ("The mailbox a@xn--d-uga0v4h.pl is paused.", "The mailbox a@łódź.pl is paused."),
        ("plain@site.example", "plain@site.example"),
        ("", ""),
    ],
)
def test_shows_names_as_they_are_read(encoded, shown):
    assert readable(encoded) == shown


@pytest.mark.parametrize(
    "host",
    [
        "xn--80ak6aa92e.com",  # "apple" in Cyrillic letters
        "xn--ggle-55da.com",  # "google" with two Cyrillic letters
        "xn--hxakic4aa.gr",  # Greek under a Latin top level domain
        "xn--zzzzz-999.com",  # no name at all
    ],
)
def test_leaves_look_alikes_encoded(host):
    assert readable(f"info@{host}") == f"info@{host}"
