from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from campaigns import answers, counting, timeline
from campaigns.models import Campaign, DailyCount, Enrollment, Event, Message, Reply
from prospects.models import Prospect, Suppression
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(running, client):
    world = running(people=3)
    world.tick()
    client.force_login(factories.UserFactory(role="operator"))
    return world


def answer(world, index=0, kind="positive", text="Yes, please", **fields):
    message = Message.objects.order_by("pk")[index]
    event, _ = Event.record_once(
        kind="replied", message=message, occurred_at=world.now, dedupe_key=f"r{Event.objects.count()}"
    )
    values = {"sender": message.recipient, "subject": "Re: Hello", "received_at": world.now, **fields}
    return Reply.objects.create(
        prospect=message.prospect, message=message, event=event, text=text, reply_class=kind, **values
    )


@pytest.fixture
def inbox(client):
    def get(query=""):
        response = client.get(reverse("inbox") + query)
        assert response.status_code == 200
        return response

    return get


def shown(response):
    return [*response.context["first"], *response.context["paged"].rows]


def test_lists_interested_people_and_questions_first(world, inbox):
    yes, no, ask, other = (answer(world, kind=kind) for kind in ("positive", "negative", "question", ""))
    assert shown(inbox()) == [ask, yes, other, no]
    assert shown(inbox("?tab=all")) == [other, ask, no, yes]


def test_shows_who_in_which_campaign_and_their_own_words(world, inbox):
    reply = answer(world, text="<b>Yes</b>, " + "please " * 500)
    text = inbox().content.decode()
    assert "&lt;b&gt;Yes&lt;/b&gt;" in text
    assert world.campaign.name in text
    assert reverse("prospect", args=[reply.prospect.public_id]) in text
    assert len(text) < 20_000


@pytest.mark.parametrize(("kind", "number"), [("negative", 1), ("other", 2), ("unsubscribe", 0), ("nonsense", 4)])
def test_narrows_to_a_kind(world, inbox, kind, number):
    for reply_class in ("positive", "negative", "other", ""):
        answer(world, kind=reply_class)
    assert len(shown(inbox(f"?kind={kind}"))) == number
    assert len(shown(inbox(f"?tab=all&kind={kind}"))) == number


def test_takes_an_answer_off_and_puts_it_back(world, inbox, client):
    reply = answer(world)
    done = client.post(reverse("reply-read", args=[reply.public_id]), follow=True)
    assert "does not wait any more" in done.content.decode()
    assert shown(inbox()) == []
    assert "Nothing waits for you" in inbox().content.decode()
    assert shown(inbox("?tab=all")) == [reply]
    (notice,) = done.context["messages"]
    client.post(notice.extra_tags.partition("undo:")[2].split(" ")[0])
    assert shown(inbox()) == [reply]


def test_leaves_answers_to_rehearsals_out(world, inbox):
    answer(world)
    other = factories.campaign(mailbox=world.mailbox)
    Campaign.objects.filter(pk=world.campaign.pk).update(rehearsal_of=other, rehearsal_to="me@acme.example")
    assert shown(inbox("?tab=all")) == []


def test_goes_on_by_key(world, inbox):
    replies = [answer(world, kind="other") for _ in range(52)]
    first = inbox()
    older = inbox(first.context["paged"].older)
    assert shown(first) + shown(older) == replies[::-1]


def test_says_what_to_do_when_it_is_empty(world, inbox):
    assert "Nothing waits for you" in inbox().content.decode()
    assert "No answers yet" in inbox("?tab=all").content.decode()
    assert "No answers of this kind wait" in inbox("?kind=question").content.decode()


def test_lets_a_viewer_read_only(world, client):
    reply = answer(world)
    client.force_login(factories.UserFactory(role="viewer"))
    address = reverse("reply-read", args=[reply.public_id])
    assert address not in client.get(reverse("inbox")).content.decode()
    assert client.post(address).status_code == 403


def test_counts_the_queries(world, client, django_assert_max_num_queries):
    address = reverse("inbox")
    answer(world)
    answer(world, kind="other")
    with django_assert_max_num_queries(15) as one:
        client.get(address)
    for index in range(3):
        answer(world, index=index)
        answer(world, index=index, kind="other")
    with django_assert_max_num_queries(len(one)):
        client.get(address)


def label(client, reply, reply_class, **fields):
    said = {"reply_class": reply_class, **fields}
    return client.post(reverse("reply-label", args=[reply.public_id]), said, follow=True).content.decode()


def test_corrects_an_answer_and_keeps_how_it_was_read_and_by_whom(world, client):
    client.force_login(factories.UserFactory(role="operator", first_name="Ada", last_name=""))
    reply = answer(world, kind="positive")
    assert "counts as “Not interested”" in label(client, reply, "negative")
    reply.refresh_from_db()
    assert (reply.reply_class, reply.machine_class, reply.relabelled_by.first_name) == ("negative", "positive", "Ada")
    assert Enrollment.objects.get(prospect=reply.prospect).stop_reason == "replied"
    label(client, reply, "question")
    reply.refresh_from_db()
    assert (reply.reply_class, reply.machine_class) == ("question", "positive")
    person = Prospect.objects.get(pk=reply.prospect_id)
    (entry,) = (each for each in timeline.of(prospect=person, suppressed={}, limit=9).entries if each.kind == "reply")
    assert (entry.title, entry.detail) == ("Answered: question", "Read as interested, corrected by Ada")
    assert "read as interested, corrected by Ada" in client.get(reverse("inbox")).content.decode()


def test_lifts_no_stop_by_correcting_an_answer(world, client):
    reply = answer(world, kind="negative")
    Enrollment.objects.filter(prospect=reply.prospect).update(state="stopped", stop_reason="replied", look_at=None)
    said = label(client, reply, "positive")
    assert "What was stopped stays stopped" in said
    way = Enrollment.objects.get(prospect=reply.prospect)
    assert (way.state, way.stop_reason) == ("finished", "positive_reply")  # the campaign's goal, and not under way


def test_asks_before_it_takes_an_answer_for_a_wish_to_stop(world, client):
    reply = answer(world)
    asked = label(client, reply, "unsubscribe")
    assert "asked us to stop?" in asked
    assert not Suppression.objects.exists()
    label(client, reply, "unsubscribe", sure="1")
    stored = Suppression.objects.get()
    assert (stored.value, stored.reason, stored.source) == (reply.message.recipient, "unsubscribed", "reply")
    assert Enrollment.objects.get(prospect=reply.prospect).stop_reason == "unsubscribed"
    assert Event.objects.filter(kind="unsubscribed", message=reply.message).count() == 1
    label(client, reply, "positive")
    assert Suppression.objects.exists()


def test_swaps_the_row_or_leads_the_whole_window_to_the_question(world, client):
    reply = answer(world)
    address, part = reverse("reply-label", args=[reply.public_id]), {"HX-Request": "true"}
    row = client.post(address, {"reply_class": "question", "next": "/inbox/?tab=all"}, headers=part).content.decode()
    assert row.lstrip().startswith("<article")
    assert "Corrected" in row
    assert 'value="/inbox/?tab=all"' in row
    led = client.post(address, {"reply_class": "unsubscribe"}, headers=part)
    assert "asked us to stop?" in client.get(led["HX-Redirect"]).content.decode()


def test_refuses_a_class_that_there_is_not(world, client):
    reply = answer(world)
    assert "Choose what the answer says" in label(client, reply, "angry")
    reply.refresh_from_db()
    assert (reply.reply_class, reply.relabelled_at) == ("positive", None)


def test_counts_a_corrected_answer_again_however_old_it_is(world, client):
    reply = answer(world, kind="positive")
    Event.objects.filter(pk=reply.event_id).update(occurred_at=world.now - timedelta(days=40))
    counting.rebuild(now=world.now)
    Event.objects.update(created_at=world.now - timedelta(days=40))
    counting.recount(now=world.now)
    assert sum(DailyCount.objects.values_list("positive", flat=True)) == 1
    label(client, reply, "negative")
    counting.recount(now=world.now)
    assert sum(DailyCount.objects.values_list("positive", flat=True)) == 0
    assert sum(DailyCount.objects.values_list("replied", flat=True)) == 1


@pytest.mark.django_db(transaction=True)
def test_takes_an_automatic_answer_for_a_real_one(world, client):
    message = Message.objects.order_by("pk").first()
    world.answers(mails.out_of_office(message, sender=message.recipient))
    world.tick(minutes=1)
    event = Event.objects.get(kind="auto_replied")
    page = reverse("prospect", args=[message.prospect.public_id])
    assert "A person wrote this?" in client.get(page).content.decode()
    for _ in range(2):
        said = {"event": str(event.public_id), "reply_class": "question"}
        client.post(reverse("prospect-was-a-person", args=[message.prospect.public_id]), said)
    reply = Reply.objects.get()
    assert (reply.reply_class, reply.machine_class) == ("question", "automatic")
    assert "out of office" in reply.text
    assert Enrollment.objects.get(pk=message.enrollment_id).stop_reason == "replied"
    shown = client.get(page).content.decode()
    assert "A person wrote this?" not in shown
    assert "Read as an automatic answer, corrected by" in shown


@pytest.mark.django_db(transaction=True)
def test_takes_the_last_word_on_an_automatic_answer(world, client):
    message = Message.objects.order_by("pk").first()
    world.answers(mails.out_of_office(message, sender=message.recipient))
    world.tick(minutes=1)
    event = Event.objects.get(kind="auto_replied")
    for said in ("question", "unsubscribe", "unsubscribe"):
        client.post(
            reverse("prospect-was-a-person", args=[message.prospect.public_id]),
            {"event": str(event.public_id), "reply_class": said},
        )
    reply = Reply.objects.get()
    assert (reply.reply_class, reply.machine_class) == ("unsubscribe", "automatic")
    assert Suppression.objects.get().value == message.recipient
    client.post(reverse("reply-label", args=[reply.public_id]), {"reply_class": "positive"})
    assert Suppression.objects.exists()


def test_answers_by_mail_with_their_subject_and_words(world, inbox):
    reply = answer(world, text="Yes & no?\n" + "größe " * 2_000, subject="Re: Hello & you")
    address = answers.mail_address(reply)
    asked = parse_qs(urlsplit(address).query)
    assert asked["subject"] == ["Re: Hello & you"]
    assert "> Yes & no?\r\n> größe" in asked["body"][0]
    assert asked["body"][0].endswith("> …\r\n")
    assert len(address) < 2_000
    reply.subject = "Hello"
    assert "subject=Re%3A%20Hello" in answers.mail_address(reply)
    assert "what you write there is not kept here" in inbox().content.decode()
