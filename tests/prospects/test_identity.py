"""Who is the same person, however the address is written."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prospects import identity

labels = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
locals_ = st.from_regex(r"[a-z][a-z0-9]{0,6}(\.[a-z0-9]{1,4})?", fullmatch=True)
addresses = st.builds("{}@{}.{}".format, locals_, labels, st.sampled_from(["com", "example", "de", "co.uk"]))
pasted = st.sampled_from(
    ["{}", " {} ", "\u00a0{}\u200b", "\ufeff{}", "mailto:{}", "<{}>", "Anna Smith <{}>", "mailto:{}?subject=Hi"]
)


@pytest.mark.parametrize(
    ("given_address", "stored"),
    [
        ("Anna.Smith@Example.COM", "Anna.Smith@example.com"),
        ("\u00a0a@b.example\u200b", "a@b.example"),
        ("a\u200bb@c.example", "ab@c.example"),
        ("MAILTO:a@b.example?subject=x", "a@b.example"),
        ('"Anna" <anna@MÜLLER.de>', "anna@xn--mller-kva.de"),
        ("jürgen@müller.de", "jürgen@xn--mller-kva.de"),
    ],
)
def test_stores_what_is_written_to(given_address, stored):
    assert identity.normalise(given_address) == stored


@pytest.mark.parametrize(
    "address",
    [
        *["", "x", "@", "a@", "@b.com", "a@b", "a@b..com", "a b@c.com", "a@-b.com", ".a@b.com", "a@b.com, c@d.com"],
        *["a@b.test", "a@b.invalid", "a@localhost", "a@[127.0.0.1]", "a@1.2.3.4", '"a b"@c.com'],
        *["a" * 65 + "@b.com", "a@" + "b." * 130 + "com"],
    ],
)
def test_refuses_what_is_no_address_in_a_sentence(address):
    with pytest.raises(identity.BadAddress) as caught:
        identity.normalise(address)
    assert str(caught.value).endswith((".", ")"))
    assert caught.value.problems[0].field == "email"


@given(addresses, pasted, st.booleans(), st.sampled_from(["", "+x", "+news+2"]))
def test_folds_every_spelling_to_one_key(address, how, upper, tag):
    local, _, domain = address.partition("@")
    written = how.format(f"{local}{tag}@{domain}")
    written = written.upper() if upper else written
    assert identity.fold(written) == identity.fold(address)
    assert identity.address_key(written) == identity.address_key(address)
    assert identity.address_key(identity.normalise(written)) == identity.address_key(address)


@given(st.text(max_size=40) | st.text(alphabet="aAßİσς.+@ⅸ＠\u200b <>mailto:", max_size=20) | addresses)
@example("++a@gmail.com")
@example("...@gmail.com")
@example("a@xn--.com")
def test_folding_twice_is_folding_once(text):
    once = identity.fold(text)
    assert identity.fold(once) == once


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a.n.na@gmail.com", "Anna+x@googlemail.com", True),
        ("a.nna@example.com", "anna@example.com", False),
        ("anna@münchen.de", "ANNA@XN--MNCHEN-3YA.DE", True),
        ("anna@a.example", "anna@b.example", False),
        ("JÜRGEN@x.example", "jürgen@x.example", True),
    ],
)
def test_knows_what_providers_ignore(one, other, same):
    assert (identity.address_key(one) == identity.address_key(other)) is same


def test_tells_nobody_the_address():
    key = identity.address_key("anna@example.com")
    assert len(key) == 64
    assert "anna" not in key


def test_names_a_person_by_address_host_owner_and_site():
    keys = identity.contact_keys(email="anna@mail.blog.co.uk", site_domain="shop.example")
    address = f"address:{identity.address_key('anna@mail.blog.co.uk')}"
    assert keys == [address, "domain:mail.blog.co.uk", "domain:blog.co.uk", "domain:shop.example"]
    assert identity.contact_keys(email="a@b.example", site_domain="b.example")[1:] == ["domain:b.example"]
    assert identity.contact_keys(email="", site_domain="b.example") == ["domain:b.example"]


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.Blog.CO.UK.", "blog.co.uk"),
        ("a.b.example", "b.example"),
        ("www.müller.de", "xn--mller-kva.de"),
        ("anna.github.io", "anna.github.io"),
        ("co.uk", ""),
        ("localhost", ""),
        ("127.0.0.1", ""),
        ("", ""),
    ],
)
def test_finds_the_registrable_domain(host, domain):
    assert identity.registrable_domain(host) == domain
