import pytest
from django.db import connection

from prospects import counting
from prospects.counting import Count
from prospects.models import Prospect

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return Prospect.objects.bulk_create(Prospect(first_name=f"Person {n}") for n in range(30))


def test_counts_exactly_as_far_as_the_limit(people, monkeypatch):
    monkeypatch.setattr(counting, "LIMIT", 30)
    assert counting.counted(Prospect.objects.all()) == Count(30)


def test_says_about_how_many_beyond_it(people, monkeypatch):
    monkeypatch.setattr(counting, "LIMIT", 20)
    count = counting.counted(Prospect.objects.all())
    assert count.about
    assert count.number >= 20


def test_says_about_how_many_when_counting_takes_too_long(people, monkeypatch):
    monkeypatch.setattr(counting, "MOST_MS", 20)
    slow = Prospect.objects.extra(where=["pg_sleep(0.01) IS NOT NULL"])
    assert counting.counted(slow).about
    with connection.cursor() as cursor:  # what was set for counting is over, and the transaction goes on
        cursor.execute("SELECT current_setting('statement_timeout')")
        assert cursor.fetchone() == ("0",)


def test_asks_nothing_to_count_what_is_all_there(people, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert counting.counted(Prospect.objects.all(), every=people) == Count(30)


def test_counts_nobody(db):
    assert counting.counted(Prospect.objects.none()) == Count(0)


@pytest.mark.parametrize(
    ("count", "words"),
    [(Count(1), "1 person"), (Count(1234), "1,234 people"), (Count(230_000, about=True), "about 230,000 people")],
)
def test_says_a_count_in_words(count, words):
    assert count.people == words


def test_rounds_an_estimate_to_what_it_means(monkeypatch):
    monkeypatch.setattr(counting, "_exactly", lambda found: None)
    monkeypatch.setattr(counting, "_estimated", lambda found: 234_567)
    assert counting.counted(Prospect.objects.all()).amount == "about 230,000"
