"""The side column of a person: what is looked at daily is open, the rest is folded away, and what waits is seen."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import companies, stopping
from campaigns import merging as consequences
from prospects import merging
from prospects.models import Duplicate, Prospect
from tests import factories

pytestmark = pytest.mark.django_db
OPEN = ("Who", "Relationship", "Note", "Do", "More")


@pytest.fixture
def person(db):
    return factories.ProspectFactory(first_name="Ada", website="")


@pytest.fixture
def shown(client, person):
    client.force_login(factories.UserFactory(role="manager", username="mia"))

    def get(subject=person):
        return client.get(reverse("prospect", args=[subject.public_id])).content.decode()

    return get


def heads(page):
    """The headings of the cards, without those of the groups that are folded away."""
    return re.findall(r"<h2 id=[^>]+>([^<]+)</h2>", page.partition('<div class="column">')[2])


def test_keeps_open_what_is_looked_at_daily_and_folds_the_rest(shown):
    page = shown()
    assert tuple(heads(page)) == OPEN
    more = page.partition('id="more"')[2]
    groups = ("Files", "Their company", "Here twice?", "Another address", "Ask before writing", "Privacy and proof")
    assert re.findall(r"<details><summary><h3>([^<]+)</h3>", more) == list(groups)
    for does in ("Keep the file", "Never contact this company", "Compare the two", "Add it", "Protect: ask", "Forget"):
        assert does in more


def test_leaves_a_viewer_what_can_be_read(client, shown):
    client.force_login(factories.UserFactory(role="viewer"))
    page = shown()
    assert heads(page) == ["Who", "Relationship", "More"]
    assert "<form" not in page.partition('id="more"')[2]


def test_shows_at_once_who_may_be_the_same_person(person, shown):
    other = factories.ProspectFactory(first_name="Adah")
    Duplicate.objects.create(first=person, second=other, reason="Same name", score=0.9)
    page = shown()
    assert heads(page)[0] == "May be the same person"
    assert reverse("prospect-compare", args=[person.public_id, other.public_id]) in page


def test_shows_at_once_that_a_merge_waits_and_then_folds_it(person, shown):
    merging.merge(survivor=person, merged=factories.ProspectFactory(), by=None, now=timezone.now())
    assert "nothing is sent for a moment" in shown()
    consequences.apply_waiting()
    page = shown()
    assert "nothing is sent for a moment" not in page
    assert "1 merged" in page.partition('id="more"')[2]


def test_offers_never_again_once_and_then_says_since_when_and_why(person, shown):
    never = reverse("prospect-stop", args=[person.public_id])
    assert never in shown()
    stopping.stop_person(prospect=person, reason="Asked on the telephone")
    page = shown()
    assert never not in page
    assert re.search(r"Nobody writes to Ada any more: Asked on the telephone[^<]*, <time", page)
    for done_with in ("Enrol in a campaign", "Put on hold", "Only one address?"):
        assert done_with not in page


def test_offers_no_second_no_to_who_said_it_themselves(person, shown):
    stopping.suppress(kind="address", value=person.email, reason="unsubscribed")
    page = shown()
    assert reverse("prospect-stop", args=[person.public_id]) not in page
    assert re.search(r"any more: unsubscribed, <time", page)
    assert "Only they can take that back" in page


@pytest.mark.parametrize("whole_company", [False, True])
def test_keeps_a_way_to_say_that_a_suppressed_person_said_no(person, shown, whole_company):
    if whole_company:
        companies.stop_site(site=person.site, reason="Their lawyer wrote", by=None)
    else:
        stopping.suppress(kind="address", value=person.email, reason="manual", source="by mistake?")
    page = shown()
    assert "any more: added by hand (" in page
    folded = page.partition("Did they say no themselves?")[2]
    assert reverse("prospect-stop", args=[person.public_id]) in folded


def test_proves_what_an_erased_person_got(person, shown):
    Prospect.objects.filter(pk=person.pk).update(erased_at=timezone.now())
    page = shown()
    assert "was forgotten" in page
    assert reverse("prospect-proof", args=[person.public_id]) in page
