from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role
from campaigns import counting, lifecycle, planning, present, standing, stopping, timeline
from campaigns.models import Campaign, DailyCount, Decision, Enrollment, Event, Message, Reply, Step
from integrations.models import Mailbox
from prospects import holding
from prospects.models import Note, Prospect, Suppression
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db
HOSTILE = '<img src=x onerror="alert(1)">\u202e' + "x" * 5_000


@pytest.fixture
def world(running, client):
    world = running(people=1)
    world.person = world.prospects[0]
    client.force_login(factories.UserFactory(role="manager", username="mia"))
    return world


@pytest.fixture
def page(client):
    def get(route, subject, query=""):
        response = client.get(reverse(route, args=[subject.public_id]) + query)
        assert response.status_code == 200
        return response.content.decode()

    return get


@pytest.fixture
def do(client):
    def post(route, subject, query="", **fields):
        response = client.post(reverse(route, args=[subject.public_id]) + query, fields, follow=True)
        assert response.status_code == 200
        return response.content.decode()

    return post


def entries(person, limit=50):
    return timeline.of(prospect=person, suppressed=standing.reasons(person.contact_keys), limit=limit).entries


def titles(person):
    return [entry.title for entry in entries(Prospect.objects.get(pk=person.pk))]


def test_tells_a_life_newest_first(world, page):
    world.tick()
    sent = Message.objects.get()
    assert sorted(titles(world.person)) == ["Added", "Enrolled", "Sent: step 1"]
    world.answers(mails.reply(sent, sender=world.person.email))
    world.later(hours=1).receive()
    assert "Finished: they answered that they are interested" in titles(world.person)
    listed = [entry.at for entry in entries(world.person)]
    assert listed == sorted(listed, reverse=True)
    answer = next(entry for entry in entries(world.person) if entry.kind == "reply")
    assert "tell me more" in answer.quote
    shown = page("prospect", world.person)
    assert sent.subject in shown
    assert "a word about" in shown  # the exact text
    assert sent.mailbox.from_address in shown


def test_shows_clicks_bounces_decisions_notes_and_stops(world):
    world.tick()
    message = Message.objects.get()
    for kind, machine, detail in (
        ("clicked", False, {"url": "https://acme.example/"}),
        ("clicked", True, {}),
        ("bounced", False, {"permanent": False, "status": "4.2.2"}),
        ("auto_replied", False, {"return_date": None}),
    ):
        Event.record_once(
            kind=kind,
            message=message,
            occurred_at=world.now,
            by_machine=machine,
            detail=detail,
            dedupe_key=f"{kind}{machine}",
        )
    Decision.objects.create(
        enrollment_id=message.enrollment_id,
        step_key="x",
        verdict="hold",
        rule="person_held",
        values={"reason": "on leave"},
        decided_at=world.now,
    )
    Note.objects.create(prospect=world.person, text="Likes tea")
    stopping.suppress(kind="address", value=world.person.email, reason="manual")
    stopping.stop_person(prospect=world.person, reason="rude")
    found = {entry.title: entry for entry in entries(Prospect.objects.get(pk=world.person.pk))}
    assert found["Clicked a link"].detail == "https://acme.example/"
    assert "A mail scanner opened a link" in found
    assert found["The mail came back for now"].detail == "4.2.2"
    assert "Automatic answer, such as out of office" in found
    assert found["Held: this person is on hold"].detail == "on leave"
    assert found["Note"].quote == "Likes tea"
    assert found["Suppressed: added by hand"].tone == "bad"
    assert found["Never to be written to again"].detail == "rude"
    assert "Stopped: somebody here added a suppression" in found


def test_leaves_rehearsals_out(world, page):
    world.tick()
    other = factories.campaign(mailbox=world.mailbox)
    Campaign.objects.filter(pk=world.campaign.pk).update(rehearsal_of=other, rehearsal_to="me@acme.example")
    assert titles(world.person) == ["Added"]
    assert "no campaign writes to them now" in page("prospect", world.person)
    rows = standing.of([world.person])
    assert rows[world.person.pk] == standing.NEVER


def test_shows_the_newest_and_offers_older(world, page):
    for number in range(45):
        Note.objects.create(prospect=world.person, text=f"Note number {number}.")
    first = page("prospect", world.person)
    assert "Note number 44." in first
    assert "Note number 2." not in first
    assert "?shown=80#happened" in first
    assert "Note number 2." in page("prospect", world.person, "?shown=80")
    assert page("prospect", world.person, "?shown=nonsense")


def test_counts_the_queries_of_a_person(world, client, django_assert_max_num_queries):
    world.tick()
    address = reverse("prospect", args=[world.person.public_id])
    Note.objects.create(prospect=world.person, text="x")
    factories.ProspectFactory(email=f"b@{world.person.site.domain}")
    client.get(address)
    with django_assert_max_num_queries(38) as one:
        client.get(address)
    for number in range(3):
        Note.objects.create(prospect=world.person, text="x")
        factories.ProspectFactory(email=f"c{number}@{world.person.site.domain}")
        world.tick(days=1)
    with django_assert_max_num_queries(len(one)):
        client.get(address)


def test_says_what_happens_next(world):
    (planned_later,) = present.of(prospect=world.person, now=world.now)
    assert (planned_later.step, planned_later.words) == (1, "Will be planned for about")
    assert planned_later.at >= world.now
    world.tick()
    (waits,) = present.of(prospect=world.person, now=world.now)
    assert waits.step == 2
    assert waits.why.startswith("1 day after step 1, which was sent today ")
    holding.hold(prospect_ids=[world.person.pk], reason="on leave", by=None)
    (held,) = present.of(prospect=world.person, now=world.now)
    assert (held.words, held.why, held.waits) == ("Held", "this person is on hold", True)


def test_waits_until_its_window_opens(world):
    world.tick()
    due = (world.now + timedelta(days=10)).replace(hour=18, minute=57)
    Step.objects.update(window_start=time(9), window_end=time(17), weekdays=[1, 2, 3, 4, 5, 6, 7])
    Message.objects.filter(state="planned").delete()
    Enrollment.objects.update(due_at=due, look_at=due)
    (waits,) = present.of(prospect=world.person, now=world.now)
    zone = ZoneInfo(world.person.time_zone or world.campaign.time_zone)
    assert waits.at > due
    assert waits.at.astimezone(zone).time() == time(9)


def test_says_why_a_planned_message_is_held(world, page):
    planning.plan(now=world.now)
    stopping.stop_all(by=None)
    (held,) = present.of(prospect=world.person, now=world.now)
    assert (held.words, held.why, held.waits) == ("Planned for", "held: all sending is stopped", True)
    assert "held: all sending is stopped" in page("prospect", world.person)


def test_explains_at_most_three_campaigns_in_the_same_number_of_queries(world, django_assert_max_num_queries):
    with django_assert_max_num_queries(12) as one:
        present.of(prospect=world.person, now=world.now)
    for _ in range(3):
        lifecycle.launch(campaign=factories.campaign(mailbox=world.mailbox), now=world.now, by=None)
    with django_assert_max_num_queries(len(one)):
        assert len(present.of(prospect=world.person, now=world.now)) == 3


def test_keeps_a_note_and_loses_nothing_typed(world, do):
    assert "The note is kept" in do("prospect-note", world.person, text="Call on Monday")
    assert "Call on Monday" in do("prospect-note", world.person, text=" ")
    refused = do("prospect-note", world.person, text="x" * 10_001)
    assert "at most 10,000 characters" in refused
    assert "x" * 10_001 in refused


def test_asks_then_never_writes_again(world, page, do):
    asked = page("prospect-stop", world.person)
    assert "1 person" in asked
    assert "leave 1 campaign" in asked
    assert "required" in do("prospect-stop", world.person)
    assert "never be written to again" in do("prospect-stop", world.person, reason="rude")
    world.person.refresh_from_db()
    assert world.person.stop_reason == "rude (mia)"
    assert Enrollment.objects.get().stop_reason == "person_stopped"
    shown = page("prospect", world.person)
    assert "any more: rude (mia)" in shown
    assert "Enrol in a campaign" not in shown


def test_asks_then_suppresses_the_address(world, page, do):
    assert world.person.email in page("prospect-suppress", world.person)
    assert "is suppressed" in do("prospect-suppress", world.person)
    assert Suppression.objects.get().created_by.username == "mia"
    assert "Suppressed: added by hand" in page("prospect", world.person)


def test_says_that_there_is_no_address_to_suppress(world, client, do):
    nobody = factories.ProspectFactory(email="", x_handle="nobody")
    assert "has no address" in do("prospect-suppress", nobody)


def test_holds_with_a_reason_and_takes_it_back(world, do):
    assert "Say why" in do("prospect-hold", world.person)
    assert "is on hold" in do("prospect-hold", world.person, reason="on leave")
    world.person.refresh_from_db()
    assert world.person.hold_reason == "on leave (mia)"
    assert "is released" in do("prospect-release", world.person)
    assert "is on hold" in do("prospect-hold", world.person, query="?reason=on+leave")  # what undo posts


def test_asks_what_they_said_elsewhere_and_counts_it_as_an_answer(world, do):
    world.tick()
    assert "leave 1 campaign" in do("prospect-answered", world.person)
    assert "Choose what they said" in do("prospect-answered", world.person, sure="1")
    assert Enrollment.objects.get().state == "active"
    said = {"sure": "1", "reply_class": "positive", "words": "Call me in May"}
    assert "leaves 1 campaign" in do("prospect-answered", world.person, **said)
    assert Enrollment.objects.get().stop_reason == "positive_reply"
    reply = Reply.objects.get()
    assert (reply.reply_class, reply.read_at is not None) == ("positive", True)
    assert "Call me in May" in reply.text
    do("prospect-answered", world.person, **said)
    assert Reply.objects.count() == 1
    counting.recount(now=timezone.now())
    day = DailyCount.objects.aggregate(replied=Sum("replied"), positive=Sum("positive"))
    assert day == {"replied": 1, "positive": 1}


def test_says_that_an_answer_before_the_first_mail_counts_nowhere(world, do):
    assert "counts in no campaign" in do("prospect-answered", world.person)
    assert "counts in no campaign" in do("prospect-answered", world.person, sure="1", reply_class="question")
    assert Enrollment.objects.get().stop_reason == "replied"
    assert not Reply.objects.exists()


def test_answers_as_who_was_written_to_from_a_practice_mailbox(world, page, do):
    assert "Answer as" not in page("prospect", world.person)
    world.tick()
    assert "Answer as" in page("prospect", world.person)
    assert "is on its way" in do("prospect-play", world.person, text="Yes, please tell me more")
    world.later(minutes=2).receive()
    assert Reply.objects.get().text == "Yes, please tell me more"
    Mailbox.objects.update(is_demo=False)
    assert "Answer as" not in page("prospect", world.person)
    assert "Answer from your own mail program" in do("prospect-play", world.person, text="No")


def test_lists_others_of_the_site(world, page):
    other = factories.ProspectFactory(email=f"other@{world.person.site.domain}")
    assert reverse("prospect", args=[other.public_id]) in page("prospect", world.person)


def test_shows_hostile_words_as_text(world, page):
    world.tick()
    Message.objects.update(subject=HOSTILE, text=HOSTILE, html=HOSTILE, smtp_reply=HOSTILE[:500], smtp_code=250)
    Prospect.objects.filter(pk=world.person.pk).update(custom={"x": HOSTILE}, hold_reason="<b>", held_at=world.now)
    Note.objects.create(prospect=world.person, text=HOSTILE)
    for route, subject in (("prospect", world.person), ("message", Message.objects.get())):
        shown = page(route, subject)
        assert "<img src=x" not in shown
        assert "&lt;img src=x" in shown


def test_opens_no_script_address(world, page):
    Prospect.objects.filter(pk=world.person.pk).update(website="javascript:alert(1)")
    assert 'href="javascript:' not in page("prospect", world.person)


def test_shows_a_message_as_it_was_handed_over(world, page):
    world.tick()
    message = Message.objects.get()
    shown = page("message", message)
    for said in (message.recipient, message.message_id.strip("<>"), "Its time has come", "250"):
        assert said in shown
    assert "What came back" in shown


@pytest.fixture
def unsure(world):
    world.tick()
    Message.objects.update(state="uncertain", handed_over_at=timezone.now())
    Enrollment.objects.update(steps_handed_over=0)
    return Message.objects.get()


def test_settles_a_mail_we_are_not_sure_about(unsure, page, do, client):
    assert "It was sent" in page("message", unsure)
    listed = client.get(reverse("messages-uncertain")).content.decode()
    assert unsure.recipient in listed
    assert "Say whether it was sent" in do("message-settle", unsure, sent="perhaps")
    assert "was sent, the campaign goes on" in do("message-settle", unsure, sent="yes", note="saw it")
    unsure.refresh_from_db()
    assert (unsure.state, unsure.why["settled_by"], unsure.why["note"]) == ("sent", "mia", "saw it")
    assert "settled already" in do("message-settle", unsure, sent="no")
    assert "sure about every mail" in client.get(reverse("messages-uncertain")).content.decode()


def test_settles_a_mail_as_not_sent(unsure, do):
    assert "counts as not sent" in do("message-settle", unsure, sent="no")
    assert Enrollment.objects.get().state == "stopped"


def test_lets_only_a_manager_settle(unsure, client):
    client.force_login(factories.UserFactory(role=Role.OPERATOR))
    listed = client.get(reverse("messages-uncertain")).content.decode()
    assert reverse("message-settle", args=[unsure.public_id]) not in listed
    assert client.post(reverse("message-settle", args=[unsure.public_id]), {"sent": "yes"}).status_code == 403


def test_counts_the_queries_of_a_message_and_of_the_unsure(running, client, django_assert_max_num_queries):
    world = running(people=4)
    client.force_login(factories.UserFactory(role="manager"))
    world.tick()
    first, *rest = Message.objects.order_by("pk")
    for route, args in (("messages-uncertain", []), ("message", [first.public_id])):
        Message.objects.filter(pk=first.pk).update(state="uncertain")
        with django_assert_max_num_queries(15) as one:
            client.get(reverse(route, args=args))
        Message.objects.filter(pk__in=[message.pk for message in rest]).update(state="uncertain")
        with django_assert_max_num_queries(len(one)):
            client.get(reverse(route, args=args))
