"""Who is offered to be played in a rehearsal."""

import pytest
from django.urls import reverse

from campaigns import casting, drafting
from campaigns.models import Campaign
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ME = "me@office.example"


@pytest.fixture
def operator_page(client_as):
    """The page on which a rehearsal is asked for, and how to post to it."""

    class Door:
        def __init__(self, client, address):
            self.client, self.address = client, address

        def post(self, fields, **more):
            return self.client.post(self.address, fields, format="multipart", **more)

    def opened(campaign):
        door = Door(client_as("operator"), reverse("campaign-rehearse", args=[campaign.public_id]))
        return door.client.get(door.address), door

    return opened


def test_suggests_people_who_differ_in_what_is_not_known_of_them(running):
    full = {"last_name": "Doe", "website": "https://a.example/", "country": "DE"}
    world = running(people=1)
    for _ in range(10):
        factories.ProspectFactory(**full, company="Acme")
    plain = factories.ProspectFactory(**full)
    nameless = factories.ProspectFactory(**{**full, "first_name": "", "last_name": ""})
    found = casting.offered(campaign=world.campaign)
    assert len(found) == 5
    assert {plain, nameless} <= {part.prospect for part in found}
    assert casting.offered(campaign=world.campaign, first=[nameless])[0].prospect == nameless


def test_offers_first_who_lacks_what_a_step_needs_and_finds_the_others(operator_page, running):
    world = running(people=1, says={"text": "Hi {{ first_name | default: 'you' }}, {{ custom.shop }}" + drafting.FOOT})
    for number in range(8):
        factories.ProspectFactory(first_name=f"Full{number}", custom={"shop": "x"}, company="Acme", country="DE")
    factories.ProspectFactory(first_name="Zeno", custom={"shop": ""})
    factories.ProspectFactory(first_name="Elsewhere", email="", x_handle="elsewhere", custom={})
    page, address = operator_page(world.campaign)
    first = page.context["offered"][0]
    assert first.lacks[0] == "“shop”"
    assert "no “shop”" in page.content.decode()
    chosen = str(first.prospect.public_id)
    look = {"look": "1", "find": "full7", "people": [chosen], "to": ME}
    found = address.post(look)
    assert [str(part.prospect) for part in found.context["offered"]] == [str(first.prospect), "Full7"]
    assert f'value="{chosen}" id="id_people_0" checked' in found.content.decode()
    assert f'value="{ME}"' in found.content.decode()
    part = address.post({**look, "find": "nobody"}, headers={"HX-Request": "true"})
    assert "Nobody else in the segment" in part.content.decode()
    assert "<h1>" not in part.content.decode()
    assert not Campaign.objects.filter(rehearsal_of__isnull=False).exists()
