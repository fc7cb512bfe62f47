"""A launch and a publication for very many people: begun by the request, ended by a tick, cut off anywhere unharmed."""

import threading
from contextlib import suppress

import pytest
from django.db import connection
from django.urls import reverse

from campaigns import (
    enrolling,
    errands,
    filling,
    gate,
    lifecycle,
    moving,
    planning,
    revising,
    stopping,
    taking_along,
    tasks,
)
from campaigns.models import CampaignErrand, Enrollment, Message
from prospects import segments
from tests import factories
from tests.campaigns.building import at, form
from tests.campaigns.revising_stories import edit, publish, received, sequence
from tests.running import Running

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 7


@pytest.fixture
def in_pieces(monkeypatch):
    """Two people a piece, and one piece a request."""
    monkeypatch.setattr(filling, "PIECE", 2)
    monkeypatch.setattr(filling, "SITES", 2)
    monkeypatch.setattr(taking_along, "PIECE", 2)
    monkeypatch.setattr(errands, "HURRY", 0)


@pytest.fixture
def draft(mailbox, smtp, imap, now):
    """A draft with the steps A and B for seven people, and what drives it."""
    people = [factories.ProspectFactory() for _ in range(PEOPLE)]
    type(mailbox).objects.filter(pk=mailbox.pk).update(verified_at=now)
    mailbox.refresh_from_db()
    world = Running(sequence("AB", mailbox=mailbox), mailbox, smtp, imap, now)
    world.prospects = people
    return world


@pytest.fixture
def world(draft):
    """The same, launched, with everybody's first mail planned and not sent."""
    lifecycle.launch(campaign=draft.campaign, now=draft.now, by=None)
    draft.campaign.refresh_from_db()
    planning.plan(now=draft.now)
    edit(draft.campaign, "XB")
    return draft


def launch(world, **options):
    return lifecycle.launch(campaign=world.campaign, now=world.now, by=None, **options)


def clicked(client, world):
    return form(client, at("campaign-launch", world.campaign), {}, follow=True).content.decode()


def inside():
    return Enrollment.objects.count()


def versions():
    return sorted(Enrollment.objects.values_list("sequence_version__number", flat=True))


def test_a_launch_is_begun_by_the_request_and_ended_by_a_tick(draft, in_pieces):
    done = launch(draft, seconds=0)
    assert (done.enrolled, done.is_done, inside()) == (2, False, 2)
    draft.tick(hours=1)
    assert not Message.objects.exists()  # nobody is planned until all are in
    tasks.run_errands()
    assert inside() == PEOPLE
    draft.tick(hours=1)
    assert received(draft.smtp) == {person.email: ["A"] for person in draft.prospects}


def test_a_launch_that_is_cut_off_goes_on_and_comes_to_the_same(draft, in_pieces, monkeypatch):
    real, left = enrolling.put_in, iter([True, False, True, True, False])

    def cut_off(**given):
        count = real(**given)
        if next(left, True):
            return count
        raise ConnectionError

    monkeypatch.setattr(enrolling, "put_in", cut_off)
    with pytest.raises(ConnectionError):
        launch(draft)
    assert inside() == 2  # the piece and how far it is are one
    while errands.of_campaign(draft.campaign):
        try:
            filling.go_on()
        except ConnectionError:
            continue
    assert inside() == CampaignErrand.objects.get().done["enrolled"] == PEOPLE


def test_one_that_fails_each_time_holds_up_its_own_campaign_only(draft, in_pieces):
    launch(draft, seconds=0)
    CampaignErrand.objects.update(done={"filter": {"field": "gone"}, "last": 0, "enrolled": 2})
    other = sequence("AB", mailbox=draft.mailbox)
    lifecycle.launch(campaign=other, now=draft.now, by=None, seconds=0)
    while errands.of_campaign(other):
        with suppress(segments.BadFilter):
            tasks.run_errands()
    assert Enrollment.objects.filter(campaign=other).count() == PEOPLE
    assert errands.of_campaign(draft.campaign) is not None


def test_of_each_site_the_best_is_first_whichever_piece_they_came_in(draft, in_pieces):
    type(draft.campaign).objects.update(one_per_site=True)
    draft.campaign.refresh_from_db()
    for name in ("info", "sales", "ada"):
        known = {"first_name": "Ada", "last_name": "L"} if name == "ada" else {}
        factories.ProspectFactory(email=f"{name}@tea.example", **known)
    launch(draft, seconds=0)
    while errands.of_campaign(draft.campaign):
        planning.plan(now=draft.now)
        filling.go_on(seconds=0)
    draft.tick()
    at_site = Message.objects.filter(prospect__email__endswith="@tea.example")
    assert [message.prospect.email for message in at_site] == ["ada@tea.example"]
    assert Message.objects.count() == PEOPLE + 1


def test_an_archived_campaign_takes_in_nobody_more(draft, in_pieces):
    launch(draft, seconds=0)
    lifecycle.pause(campaign=draft.campaign, by=None)
    lifecycle.archive(campaign=draft.campaign, by=None)
    tasks.run_errands()
    assert inside() == 2
    assert errands.of_campaign(draft.campaign) is None


def test_the_page_says_how_far_a_launch_is_and_a_second_click_changes_nothing(draft, in_pieces, client_as):
    operator = client_as("operator")
    operator.default_format = "multipart"
    page = clicked(operator, draft)
    assert "2 people so far, the others come in during the next minutes" in page
    assert "People are coming in: 2 people so far." in page
    assert "was launched already" in clicked(operator, draft)
    assert inside() == 2
    tasks.run_errands()
    assert "People are coming in" not in operator.get(at("campaign", draft.campaign)).content.decode()


def test_the_api_says_202_until_everybody_is_in(draft, in_pieces, client_as):
    operator = client_as("operator")
    answer = operator.post(reverse("api-campaigns-launch", args=[draft.campaign.public_id]), {})
    assert (answer.status_code, answer.json()) == (202, {"enrolled": 2})


def test_from_a_publication_on_nobody_gets_what_it_changed(world, in_pieces):
    publish(world.campaign, now=world.now, seconds=0)
    assert versions() == [1] * 5 + [2] * 2
    planned = list(Message.objects.filter(state="planned").values_list("pk", flat=True))
    assert set(map(tuple, gate.refusals(message_ids=planned).values())) == {("campaign_changes",)}
    world.tick(hours=1)
    assert received(world.smtp) == {}
    tasks.run_errands()
    assert versions() == [2] * PEOPLE
    version = world.campaign.live_version()
    assert version.counts == {"goes_on": PEOPLE}
    world.days(4)
    assert received(world.smtp) == {person.email: ["X", "B"] for person in world.prospects}


def test_a_publication_that_is_cut_off_goes_on_and_comes_to_the_same(world, in_pieces, monkeypatch):
    real = moving.move

    def cut_off(**given):
        real(**given)
        raise ConnectionError

    publish(world.campaign, now=world.now, seconds=0)
    monkeypatch.setattr(moving, "move", cut_off)
    with pytest.raises(ConnectionError):
        taking_along.go_on()
    assert versions() == [1] * 5 + [2] * 2
    monkeypatch.setattr(moving, "move", real)
    threads = [threading.Thread(target=lambda: (taking_along.go_on(), connection.close())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions() == [2] * PEOPLE
    assert world.campaign.live_version().counts == {"goes_on": PEOPLE}


def test_a_stop_in_between_stops(world, in_pieces):
    publish(world.campaign, now=world.now, seconds=0)
    last = world.prospects[-1]
    stopping.stop_person(prospect=last, reason="They called", by=None)
    tasks.run_errands()
    world.days(4)
    assert last.email not in received(world.smtp)
    assert len(received(world.smtp)) == PEOPLE - 1


def test_another_version_waits_until_everybody_is_in_this_one(world, in_pieces):
    publish(world.campaign, now=world.now, seconds=0)
    edit(world.campaign, "XBC")
    with pytest.raises(revising.NotPublished):
        publish(world.campaign, now=world.now)
    tasks.run_errands()
    publish(world.campaign, now=world.now)
    assert versions() == [3] * PEOPLE


def test_whoever_comes_in_meanwhile_begins_in_the_new_version(world, in_pieces):
    publish(world.campaign, now=world.now, seconds=0)
    factories.ProspectFactory()
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    tasks.run_errands()
    assert versions() == [2] * (PEOPLE + 1)
    assert world.campaign.live_version().counts == {"goes_on": PEOPLE}


def test_the_page_and_the_api_say_how_far_a_publication_is(world, in_pieces, client_as):
    operator = client_as("operator")
    url = reverse("api-versions-publish", args=[world.campaign.public_id, 2])
    answer = operator.post(url, {})
    assert (answer.status_code, answer.json()["counts"]) == (202, {"goes_on": 2})
    page = operator.get(at("campaign", world.campaign)).content.decode()
    assert "People go on in the new version: 2 people so far." in page
    tasks.run_errands()
    assert "go on in the new version" not in operator.get(at("campaign", world.campaign)).content.decode()
