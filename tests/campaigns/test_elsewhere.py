"""What people answered by other means, and what the page of a row that is gone by now still may do."""

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns import merging, stopping
from campaigns.models import Enrollment, Event, Message, Reply
from prospects import merging as people
from prospects.models import Note, Prospect, Suppression
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)
NO = {"sure": "1", "reply_class": "negative", "words": "No, never again"}


@pytest.fixture
def world(running, client):
    world = running(people=2)
    world.person = world.prospects[0]
    Enrollment.objects.filter(prospect=world.prospects[1]).update(look_at=world.now + timedelta(days=9))
    client.force_login(factories.UserFactory(role="manager", username="mia"))
    return world


@pytest.fixture
def do(client):
    def post(route, subject, **fields):
        response = client.post(reverse(route, args=[subject.public_id]), fields, follow=True)
        assert response.status_code == 200
        return response.content.decode()

    return post


def shown(client, person):
    return client.get(reverse("prospect", args=[person.public_id]), follow=True).content.decode()


def merged(world, goes):
    """Who lives on, after the row was merged into a new one."""
    survivor = factories.ProspectFactory(first_name="Anna")
    people.merge(survivor=survivor, merged=goes, by=None, now=world.now)
    merging.apply_waiting()
    survivor.refresh_from_db()
    return survivor


def test_keeps_what_was_said_before_the_first_mail(world, client, do):
    for _ in range(2):
        do("prospect-answered", world.person, **NO)
    assert Enrollment.objects.get(prospect=world.person).stop_reason == "replied"
    note = Note.objects.get()
    assert note.text == "Answered elsewhere: not interested.\nNo, never again"
    assert str(note.created_by) == "mia"
    assert "No, never again" in shown(client, world.person)


def test_keeps_a_second_answer_and_lets_it_count(world, do):
    world.tick()
    do("prospect-answered", world.person, sure="1", reply_class="positive", words="Call me in May")
    for _ in range(2):
        assert "counts as an answer" in do("prospect-answered", world.person, **NO)
    reply = Reply.objects.get()
    assert (reply.reply_class, reply.machine_class, str(reply.relabelled_by)) == ("negative", "positive", "mia")
    assert "Call me in May" in reply.text
    assert Note.objects.get().text == "Answered elsewhere: not interested.\nNo, never again"


def test_counts_an_answer_to_the_mail_that_a_merged_row_got(world, client, do):
    world.tick()
    anna = merged(world, world.person)
    assert "Answer as" in shown(client, anna)  # the newest mail comes from a practice mailbox
    assert "counts as an answer" in do("prospect-answered", anna, sure="1", reply_class="positive")
    assert Reply.objects.get().message.prospect_id == world.person.pk


def test_takes_an_automatic_answer_of_a_merged_row_for_a_real_one(world, client, do):
    world.tick()
    world.answers(mails.out_of_office(Message.objects.get(), sender=world.person.email))
    world.tick(minutes=1)
    anna = merged(world, world.person)
    event = Event.objects.get(kind="auto_replied")
    assert str(event.public_id) in shown(client, anna)
    said = do("prospect-was-a-person", anna, event=str(event.public_id), reply_class="question")
    assert "answered themselves" in said
    assert Reply.objects.get().reply_class == "question"


def test_lifts_nothing_by_a_merged_row_that_who_lives_on_asked_for(world, do):
    old, anna = world.person, world.prospects[1]
    world.tick(days=9)
    do("prospect-answered", anna, **NO)
    stopping.suppress(kind="address", value=anna.email, reason="manual")
    people.merge(survivor=anna, merged=old, by=None, now=world.now)
    merging.apply_waiting()
    assert "answered no themselves" in do("prospect-lift", old, note="A mistake")
    assert Suppression.objects.get().value == anna.email


def test_does_from_a_stale_page_to_who_lives_on_what_is_said(world, do):
    old = world.person
    anna = merged(world, old)
    do("prospect-note", old, text="Likes tea")
    assert Note.objects.get(text="Likes tea").prospect_id == anna.pk
    assert "Anna" in do("prospect-hold", old, reason="on leave")
    anna.refresh_from_db()
    assert anna.held_at
    assert "was merged" in do("prospect-suppress", old)
    assert not Suppression.objects.exists()
    do("prospect-stop", old, reason="rude")
    assert not Prospect.objects.filter(pk__in=[old.pk, anna.pk], stopped_at=None).exists()


@pytest.mark.parametrize("verb", ["note", "stop", "suppress", "lift", "was-a-person", "hold", "release"])
def test_keeps_nothing_about_whom_was_erased(world, client, do, verb):
    do("prospect-erase", world.person, reason="asked us by mail")
    address = reverse(f"prospect-{verb}", args=[world.person.public_id])
    said = {"text": "Ada said", "reason": "Ada", "note": "Ada", "event": "x", "reply_class": "other"}
    assert client.post(address, said).status_code == 404
    person = Prospect.objects.get(pk=world.person.pk)
    assert (person.stop_reason, person.hold_reason, Note.objects.count()) == ("", "", 0)
