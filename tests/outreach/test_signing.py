"""Keyed hashes, held against the standard library's HMAC."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from outreach.lib import signing


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40), max_size=3), st.booleans())
def test_hashes_as_rfc_2104_says_with_a_key_of_any_length(settings, parts, is_long):
    settings.INSTALLATION_KEY = "key" * (40 if is_long else 4)
    framed = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in ("address", *parts))
    expected = hmac.new(settings.INSTALLATION_KEY.encode(), framed, "sha256").hexdigest()
    assert signing.keyed_hasher("address")(*parts) == signing.keyed_hash("address", *parts) == expected
