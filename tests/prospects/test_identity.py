"""Who is the same person, however the address is written."""

from importlib import import_module

import pytest
from django.apps import apps
from hypothesis import example, given
from hypothesis import strategies as st

from prospects import identity, suppression
from prospects.models import Prospect, Suppression
from tests import factories

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
        ("jane.doe@pm.me", "Jane-Doe+x@protonmail.com", True),
        ("jane@me.com", "jane+x@icloud.com", True),
        ("jane-shop@yahoo.com", "jane@yahoo.com", True),
        ("jane-shop@example.com", "jane@example.com", False),
        ("shop@jane.fastmail.com", "jane+x@fastmail.com", True),
        ("jane@outlook.com", "jane@hotmail.com", False),
        ("ja.ne@outlook.com", "jane@outlook.com", False),
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
    ("text", "handle"),
    [
        *[(text, "jane_doe") for text in ("Jane_Doe", "@jane_doe", " @JANE_DOE\u200b", "\uff20jane_doe")],
        *[("https://" + host + "/Jane_Doe", "jane_doe") for host in ("x.com", "www.twitter.com", "mobile.twitter.com")],
        *[("x.com/jane_doe/status/12?s=20", "jane_doe"), ("http://x.com/@jane_doe?lang=de", "jane_doe")],
        *[("https://x.com/search?q=jane", ""), ("https://x.com/", ""), ("", ""), ("jane doe", ""), ("j@x.com", "")],
        *[("https://example.com/jane", ""), ("x" * 21, "")],
    ],
)
def test_folds_an_x_handle(text, handle):
    assert identity.fold_handle(text) == handle
    assert identity.fold_handle(handle) == handle


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("https://www.linkedin.com/in/Jane-Doe/", "in/jane-doe"),
        ("de.linkedin.com/in/jane-doe?trk=x#about", "in/jane-doe"),
        ("http://linkedin.com/in/jane-doe/details/skills/", "in/jane-doe"),
        ("\u00a0linkedin.com/in/jane-doe\u200b", "in/jane-doe"),
        ("https://uk.linkedin.com/pub/Jane-Doe/a7/576/b50?trk=x", "in/jane-doe-b50576a7"),
        ("https://www.linkedin.com/in/j%C3%BCrgen", "in/jürgen"),
        ("https://www.linkedin.com/in/ju%CC%88rgen/de", "in/jürgen"),
        ("https://www.linkedin.com/company/ACME/", "company/acme"),
        *[("jane-doe", "in/jane-doe"), ("in/jane-doe", "in/jane-doe"), ("", ""), ("jane@doe.example", "")],
        *[("https://www.linkedin.com/feed/", ""), ("https://www.linkedin.com/in/", ""), ("https://a.example/in/b", "")],
    ],
)
def test_folds_a_linkedin_page(text, page):
    assert identity.fold_linkedin(text) == page
    assert identity.fold_linkedin(page) == page


@given(st.text(max_size=40) | st.text(alphabet="aİσ@./?%C3pubinx.comlinkedin", max_size=30))
def test_folding_a_handle_twice_is_folding_it_once(text):
    for fold in (identity.fold_handle, identity.fold_linkedin):
        assert fold(fold(text)) == fold(text)


def test_knows_a_person_without_an_address_by_handle_or_page():
    key = identity.person_key(x_handle="https://x.com/Jane")
    assert key == identity.person_key(x_handle="@jane", linkedin_url="linkedin.com/in/other")
    assert len({key, identity.person_key(linkedin_url="in/jane"), identity.person_key(email="jane@x.com")}) == 3
    assert identity.person_key(x_handle="not a handle") is None
    assert identity.person_key(email="jane@x.com", x_handle="jane") == identity.address_key("jane@x.com")


def test_names_a_person_by_handles_and_further_addresses_last():
    keys = identity.contact_keys(
        email="anna@blog.example", x_handle="@Anna", linkedin_url="linkedin.com/in/Anna", others=["a@gmail.com"]
    )
    assert keys == [
        identity.key_for("address", "anna@blog.example"),
        "domain:blog.example",
        identity.key_for("x", "https://x.com/anna"),
        identity.key_for("linkedin", "in/anna"),
        identity.key_for("address", "a@gmail.com"),
    ]


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


@pytest.mark.django_db
def test_names_everybody_anew_who_was_here_before_handles_and_providers_counted():
    anna = factories.ProspectFactory(email="anna-shop@yahoo.com", x_handle="anna")
    twin = factories.ProspectFactory(email="ben.doe@pm.me")
    other = factories.ProspectFactory(email="other@pm.me")
    before = {"anna": "address:old-of-anna", "twin": "address:old-of-twin"}
    Prospect.objects.filter(pk=anna.pk).update(identity_key="old-of-anna", contact_keys=[before["anna"]])
    Prospect.objects.filter(pk=other.pk).update(email="bendoe@proton.me", identity_key="old-of-twin", contact_keys=[])
    Suppression.objects.create(kind="address", key="address:older", value="anna@yahoo.com", reason="unsubscribed")
    keys = import_module("prospects.migrations.0008_keys")
    for _ in range(2):
        keys.rekey_suppressions(apps, None)
        keys.rekey_people(apps, None)
    for row in (anna, twin, other):
        row.refresh_from_db()
    assert anna.identity_key == identity.address_key("anna@yahoo.com")
    assert {before["anna"], identity.key_for("x", "anna")} < set(anna.contact_keys)
    assert suppression.is_suppressed(anna.contact_keys)
    assert (twin.identity_key, other.identity_key) == (identity.address_key("ben.doe@pm.me"), "old-of-twin")
    assert other.contact_keys[0] == twin.contact_keys[0]
