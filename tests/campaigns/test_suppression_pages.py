"""The list of whom we never write to: seen, searched, and added to with open eyes."""

import pytest
from django.urls import reverse

from campaigns import stopping
from campaigns.models import Enrollment
from prospects.models import Suppression
from tests import factories

ADD = "/settings/suppressions/add/"


@pytest.fixture
def page(client, db):
    client.force_login(factories.UserFactory(role="operator", first_name="Olga"))
    return client


def _suppress(value, kind="address", **fields):
    return stopping.suppress(kind=kind, value=value, reason="manual", **fields)


def _add(page, lines, **fields):
    return page.post(ADD, {"lines": lines, "reason": "declined", **fields}, follow=True).content.decode()


def test_says_what_to_do_when_nobody_is_suppressed(page):
    assert "Nobody is suppressed" in page.get(reverse("suppressions")).content.decode()


def test_finds_an_address_in_any_spelling_and_by_a_part(page):
    _suppress("Ada.Lovelace@gmail.com", source="on the telephone", by=factories.UserFactory(first_name="Bob"))
    _suppress("blog.example", kind="domain")
    for search, found in (
        ("adalovelace+x@googlemail.com", "Ada.Lovelace@gmail.com"),
        ("lovelace", "Ada.Lovelace@gmail.com"),
        ("BLOG.example", "blog.example"),
    ):
        said = page.get(reverse("suppressions"), {"q": search}).content.decode()
        assert f'<th scope="row" class="plain">{found}' in said
        assert said.count("<tr>") == 2
    said = page.get(reverse("suppressions"), {"q": "nobody@else.example"}).content.decode()
    assert "is not on the list" in said
    assert "?lines=nobody%40else.example" in said
    assert "Bob" in page.get(reverse("suppressions"), {"reason": "manual"}).content.decode()
    assert "for this reason" in page.get(reverse("suppressions"), {"reason": "bounced"}).content.decode()


def test_asks_as_often_for_many_rows_as_for_one(page, django_assert_num_queries):
    _suppress("one@a.example", by=factories.UserFactory())
    with django_assert_num_queries(7) as counted:  # session, user, list; what stands around each page
        page.get(reverse("suppressions"))
    for number in range(5):
        _suppress(f"p{number}@a.example", by=factories.UserFactory())
    with django_assert_num_queries(len(counted)):
        page.get(reverse("suppressions"))


def test_says_whom_it_concerns_before_anything_happens(page, running):
    world = running(people=3)
    domain = world.prospects[0].email.partition("@")[2]
    factories.ProspectFactory(email=f"second@{domain}")
    said = _add(page, f"{domain}\n{world.prospects[1].email}\nnobody\n\nx@new.example\ngmail.com\n{domain.upper()}")
    assert not Suppression.objects.exists()
    assert "<strong>3 people</strong>" in said
    assert "<strong>2</strong> of them are in running campaigns" in said
    assert "1 line can't be used" in said
    assert "“nobody”" in said
    assert "Anybody can have an address there" in said
    assert said.count('data-label="People"') == 4


def test_suppresses_when_that_is_confirmed_and_stops_campaigns(page, running):
    world = running(people=2)
    first = world.prospects[0].email
    said = _add(page, f"{first}\nnobody\nx@new.example", source="asked us", confirmed="1")
    assert "2 suppressed." in said
    stored = Suppression.objects.get(value=first)
    assert (stored.reason, stored.source, stored.created_by.first_name) == ("declined", "asked us", "Olga")
    assert Enrollment.objects.get(prospect=world.prospects[0]).stop_reason == "declined"
    assert Enrollment.objects.get(prospect=world.prospects[1]).state == "active"
    assert "0 suppressed. 1 had been on the list before." in _add(page, first, confirmed="1")


def test_reports_each_bad_line_beside_the_field(page):
    said = _add(page, "nobody\nftp://\n", confirmed="1")
    assert "Line 1: " in said
    assert "Line 2: " in said
    assert "At most 500 lines" in _add(page, "a.example\n" * 501)
    assert not Suppression.objects.exists()


def test_escapes_what_it_shows(page):
    said = _add(page, '<script>alert("x")</script>\na@b.example', source="<b>")
    assert "<script>alert" not in said
    assert "(&lt;b&gt;)" in said


def test_looks_many_lines_up_with_the_same_queries(page, django_assert_max_num_queries):
    for number in range(20):
        factories.ProspectFactory(email=f"p{number}@s{number}.example")
    lines = "\n".join(f"s{number}.example" for number in range(20))
    with django_assert_max_num_queries(9):  # session, user, three counts, the shell
        page.post(reverse("suppression-add"), {"lines": lines, "reason": "manual"})
