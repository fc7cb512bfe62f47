import pytest
from django.urls import reverse

from campaigns.models import Campaign, Event, Message, Reply
from tests import factories

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
