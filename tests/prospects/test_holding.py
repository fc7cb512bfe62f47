"""Whoever is put on hold is held as the person they live on as."""

import pytest
from django.urls import reverse

from prospects import editing, holding, merging
from tests import factories, racing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair():
    return [editing.add_prospect(email=email, by=None) for email in ("anna@a.example", "berta@b.example")]


def held(pair):
    for row in pair:
        row.refresh_from_db()
    return [row.held_at is not None for row in pair]


def test_holds_and_releases_from_the_page_of_a_row_that_was_merged_away(client, pair, now):
    client.force_login(factories.UserFactory(role="operator"))
    merging.merge(survivor=pair[0], merged=pair[1], by=None, now=now)
    client.post(reverse("prospect-hold", args=[pair[1].public_id]), {"reason": "on leave"})
    assert held(pair) == [True, False]
    client.post(reverse("prospect-release", args=[pair[1].public_id]))
    assert held(pair) == [False, False]


def test_holds_whoever_a_merge_under_way_leaves(pair, now):
    racing.meanwhile(
        lambda: holding.hold(prospect_ids=[pair[1].pk], reason="on leave", by=None),
        under_way=lambda: merging.merge(survivor=pair[0], merged=pair[1], by=None, now=now),
    )
    assert held(pair)[0]
