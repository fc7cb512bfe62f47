"""Lists of those who get no mail, as people keep them: several in one cell, why beside them, the same one twice."""

import io

import pytest
from django.urls import reverse

from campaigns import suppressing_lists
from prospects import suppression_lists
from prospects.models import Suppression
from prospects.suppression_lists import Line, Meant
from tests import factories

pytestmark = pytest.mark.django_db


def take(text, now):
    return suppressing_lists.take(source=io.BytesIO(text.encode()), meant=Meant(), by=None, now=now)


def listed():
    return list(Suppression.objects.order_by("kind", "value").values_list("value", flat=True))


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("jane@acme.com (asked by phone)", ["jane@acme.com"]),
        ("Jane Doe jane@acme.com", ["jane@acme.com"]),
        ("(jane@acme.com)", ["jane@acme.com"]),
        ("jane@acme.com, asked by phone.", ["jane@acme.com"]),
        ("jane@acme.com; bob@acme.com", ["bob@acme.com", "jane@acme.com"]),
        ("a@x.com / b@y.com", ["a@x.com", "b@y.com"]),
        ("a@x.com b@y.com", ["a@x.com", "b@y.com"]),
        ("Doe, Jane <jane@acme.com>; Bob <bob@acme.com>", ["bob@acme.com", "jane@acme.com"]),
        ("root@localhost", ["root@localhost"]),
        ("a@b.test", ["a@b.test"]),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        ("acme.com; shop.example", ["acme.com", "shop.example"]),
    ],
)
@pytest.mark.parametrize("header", ["value", ""])
def test_names_everybody_whom_a_cell_names(cell, found, header, now):
    taken = take(f'{header}\n"{cell}"\n', now)
    assert (listed(), taken.added, taken.rejected) == (found, len(found), 0)


@pytest.mark.parametrize(
    "cell",
    [
        "jane@acme.com; acme.com",
        "Jane @acme.com",
        "a@@x.com",
        "all of acme.com",
        "acme.com (all)",
        "linkedin.com/in/jane (asked)",
    ],
)
def test_tells_what_it_can_not_read_instead_of_stopping_nobody(cell, now):
    taken = take(f'value\n"{cell}"\nada@tea.example\n', now)
    assert listed() == ["ada@tea.example"]
    assert [(line.number, line.text) for line in taken.bad] == [(2, cell)]


def test_stops_who_can_be_read_beside_who_can_not(now):
    taken = take('email\n"jane@acme.com; bob at@"\n', now)
    assert (listed(), [line.text for line in taken.bad]) == (["jane@acme.com"], ["bob at@"])


def test_tells_such_a_line_where_it_is_typed_as_well(client, client_as):
    client.force_login(factories.UserFactory(role="operator"))
    page = client.post(reverse("suppression-add"), {"lines": "jane@acme.com (asked by phone)", "reason": "manual"})
    assert "jane@acme.com (asked by phone)" in page.content.decode()
    body = {"kind": "address", "value": "Jane Doe jane@acme.com", "reason": "manual"}
    assert client_as("operator").post(reverse("api-suppressions-list"), body).status_code == 400
    assert listed() == []


@pytest.mark.parametrize("header", ["email\n", ""])
@pytest.mark.parametrize("comma", [",", ";", "; "])
def test_loses_nobody_to_a_comma_that_makes_another_column(header, comma, now):
    take(f"{header}jane@acme.com{comma}bob@acme.com\nada@tea.example\n", now)
    assert listed() == ["ada@tea.example", "bob@acme.com", "jane@acme.com"]


def test_takes_words_in_another_column_for_nobody(now):
    taken = take("a.example;b.example\nc.example; asked by phone\nd@x.example;site.example\n;e@x.example\n", now)
    assert listed() == ["d@x.example", "e@x.example", "a.example", "b.example", "c.example"]
    assert taken.rejected == 0


@pytest.mark.parametrize("ends", [("2030-01-01", "2027-01-01"), ("2027-01-01", "2030-01-01")])
def test_lets_the_later_of_two_ends_in_one_list_count(ends, now):
    take("email,expires\nA@x.example,{}\na@x.example,{}\n".format(*ends), now)
    assert Suppression.objects.get().expires_at.year == 2030
    take("email,expires\na@x.example,\nb@x.example,2030-01-01\nb@x.example,\n", now)
    assert not Suppression.objects.filter(expires_at__isnull=False).exists()


def test_keeps_who_was_forgotten_without_a_name_whatever_the_list_says_besides(now):
    take("email,reason\na@x.example,erased\na@x.example,declined\n", now)
    assert list(Suppression.objects.values_list("value", "reason")) == [("", "erased")]


def test_reads_line_by_line_without_storing_anything():
    read = suppression_lists.read(source=io.BytesIO(b"email\na@x.example; b@x.example\n"), meant=Meant())
    assert [(line.number, line.value) for line in read if isinstance(line, Line)] == [
        (2, "a@x.example"),
        (2, "b@x.example"),
    ]
    assert listed() == []
