"""What waits for a person: read and approved, done by hand, left out, or stopped meanwhile."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import approving, drafting, explaining, lifecycle, planning, stopping
from campaigns.models import Enrollment, Message, PersonalText, Step
from prospects.models import Prospect, Suppression
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asking(running, monkeypatch):
    """`asking({1: "approval"})` launches a campaign of three steps a day apart, some of which wait for a person."""

    def launch(hands, people=1):
        made = factories.campaign

        def with_hands(**options):
            campaign = made(**options)
            for step in Step.objects.filter(sequence_version__campaign=campaign):
                hand = hands.get(step.position, "")
                channel = "task" if hand == "task" else "email"
                drafting.change_hand(step=step, channel=channel, needs_approval=hand == "approval")
            return campaign

        monkeypatch.setattr(factories, "campaign", with_hands)
        subjects = {"subject": "Hello"} if hands.get(1) == "task" else {}
        return running(people=people, steps=3, says=subjects)

    return launch


def waiting():
    return approving.waiting().get()


def line(world, step):
    found = explaining.explain(prospect=world.prospects[0], campaign=world.campaign, now=world.now)
    return found.lines[step]


def address(task):
    return reverse("task", args=[task.public_id])


def test_waits_without_a_slot_until_it_is_approved_and_then_goes_out(asking):
    world = asking({1: "approval"})
    world.days(1)
    task = waiting()
    assert (task.state, task.send_at, world.smtp.received) == ("planned", None, [])
    assert "Waits for a person since" in line(world, 1).sentence
    assert "reads and approves" in line(world, 1).sentence
    slot = approving.approve(message=task, by=None, now=world.now)
    assert slot >= world.now
    assert world.tick().sent == 1
    world.days(2.5)
    assert Enrollment.objects.get().state == "finished"
    assert Message.objects.filter(state="sent").count() == 3


def test_takes_no_slot_of_the_mailbox_while_it_waits(asking):
    world = asking({1: "approval"}, people=3)
    world.mailbox.daily_cap = 1
    world.mailbox.save(update_fields=["daily_cap"])
    planning.plan(now=world.now)
    world.later(days=1)
    planning.plan(now=world.now)
    tasks = list(approving.waiting())
    assert len(tasks) == 3
    slots = sorted(approving.approve(message=task, by=None, now=world.now) for task in tasks)
    assert [slot.date() - slots[0].date() for slot in slots] == [timedelta(days=n) for n in range(3)]


def test_sends_the_words_that_somebody_wrote_for_this_person(asking):
    world = asking({1: "approval", 2: "approval"})
    planning.plan(now=world.now)
    task, ada = waiting(), factories.UserFactory(first_name="Ada")
    words = approving.words_of(task)
    assert "Hello Person" in words.text
    text = f"I read your post on pots.\n\n{words.text}"
    approving.write(message=task, subject="Your pots", text=text, by=ada, now=world.now)
    approving.approve(message=task, by=ada, now=world.now)
    assert world.tick().sent == 1
    sent = Message.objects.get(state="sent")
    assert (sent.subject, sent.text.startswith("I read your post on pots."), sent.html) == ("Your pots", True, "")
    assert sent.why["approved_by"] == str(ada)
    assert b"I read your post" in world.smtp.received[0].raw
    world.tick(hours=23)
    follow_up = waiting()
    approving.approve(message=follow_up, by=ada, now=world.now)
    world.days(0.7)
    assert Message.objects.get(step__position=2).subject == "Your pots"  # the thread goes on


def test_keeps_the_link_to_say_no_and_the_postal_address(asking):
    world = asking({1: "approval"})
    planning.plan(now=world.now)
    with pytest.raises(approving.InvalidText) as refused:
        approving.write(message=waiting(), subject="x", text="Buy!", by=None, now=world.now)
    said = " ".join(problem.message for problem in refused.value.problems)
    assert "say no is missing" in said
    assert "Acme Ltd" in said
    assert not PersonalText.objects.exists()


def test_a_task_is_handed_over_by_a_person_and_the_way_goes_on(asking):
    world = asking({2: "task"})
    world.tick()
    world.days(1.2)
    task = waiting()
    assert task.awaits == "task"
    approving.done(message=task, by=factories.UserFactory(username="ada"), now=world.now)
    task.refresh_from_db()
    assert (task.state, task.why["done_by"], bool(task.text)) == ("sent", "ada", True)
    world.days(1.2)
    third = Message.objects.get(step__position=3)
    assert third.state == "sent"
    assert third.handed_over_at - task.handed_over_at >= timedelta(days=1)
    assert task.message_id.encode() not in world.smtp.received[-1].raw  # nobody got that as a mail
    assert Enrollment.objects.get().state == "finished"


def test_a_task_is_asked_for_when_it_is_due_and_not_before(asking):
    world = asking({2: "task"})
    world.tick()
    world.tick(hours=20)
    assert not approving.waiting().exists()
    world.tick(hours=5)
    assert waiting().awaits == "task"


@pytest.mark.parametrize("hand", ["approval", "task"])
def test_leaves_a_step_out_for_one_person(asking, hand):
    world = asking({1: hand})
    planning.plan(now=world.now)
    approving.leave_out(message=waiting(), by=factories.UserFactory(username="ada"), now=world.now)
    world.days(2.5)
    assert Message.objects.get(step__position=1).cancel_reason == "left out: by ada"
    assert "Left out: by ada." in line(world, 1).sentence
    second = Message.objects.get(step__position=2)
    assert (second.state, second.subject) == (
        "sent",
        "Hello" if hand == "task" else f"Hello {world.prospects[0].first_name}",
    )
    assert b"In-Reply-To" not in world.smtp.received[0].raw


@pytest.mark.parametrize("hand", ["approval", "task"])
def test_a_stop_takes_it_off_the_list(asking, hand):
    world = asking({1: hand})
    planning.plan(now=world.now)
    task = waiting()
    stopping.stop_person(prospect=world.prospects[0], reason="no")
    assert not approving.waiting().exists()
    for verb in (approving.approve, approving.done, approving.leave_out):
        with pytest.raises(approving.NotWaiting):
            verb(message=task, by=None, now=world.now)


@pytest.mark.parametrize("hand", ["approval", "task"])
def test_a_no_that_came_with_a_list_counts_too(asking, hand):
    world = asking({1: hand})
    planning.plan(now=world.now)
    task = waiting()
    key = Prospect.objects.get().contact_keys[0]
    Suppression.objects.create(kind="address", key=key, value="x", reason="imported")
    verb = approving.approve if hand == "approval" else approving.done
    with pytest.raises(approving.CannotGoOut, match="suppressed"):
        verb(message=task, by=None, now=world.now)
    planning.plan(now=world.now)
    assert not approving.waiting().exists()
    assert Enrollment.objects.get().state == "stopped"


def test_two_people_approve_once(asking):
    world = asking({1: "approval"})
    planning.plan(now=world.now)
    task = waiting()
    approving.approve(message=task, by=None, now=world.now)
    with pytest.raises(approving.NotWaiting):
        approving.approve(message=task, by=None, now=world.now)
    assert world.tick().sent == 1
    assert world.tick().sent == 0


def test_nothing_waits_of_a_campaign_that_is_paused(asking):
    world = asking({1: "approval"})
    planning.plan(now=world.now)
    lifecycle.pause(campaign=world.campaign, by=None)
    assert not approving.waiting().exists()


def test_does_them_on_the_page_one_after_the_other(client_as, asking):
    world = asking({1: "approval"}, people=3)
    planning.plan(now=world.now)
    operator = client_as("operator")
    operator.default_format = "multipart"
    first, second, third = approving.waiting()
    page = operator.get(reverse("tasks")).content.decode()
    assert "Approve step 1 for" in page
    assert first.recipient in page
    assert "3 messages wait for somebody" in operator.get(reverse("today")).content.decode()
    said = approving.words_of(first)
    answer = operator.post(address(first), {"subject": "New words", "text": said.text, "do": "approve"})
    assert answer["Location"].endswith(f"task={second.public_id}")
    assert PersonalText.objects.get().subject == "New words"
    bad = operator.post(address(second), {"subject": "x", "text": "Buy!", "do": "approve"})
    assert bad.status_code == 400
    assert "say no is missing" in bad.content.decode()
    assert ">Buy!<" in bad.content.decode()  # nothing typed is lost
    operator.post(address(second), {"do": "leave-out"})
    operator.post(address(third), {"subject": "Kept", "text": approving.words_of(third).text, "do": "save"})
    assert [task.pk for task in approving.waiting()] == [third.pk]
    assert approving.words_of(third).subject == "Kept"
    again = operator.post(address(first), {"subject": "x", "text": said.text, "do": "approve"}, follow=True)
    assert "Somebody approved it" in again.content.decode()


def test_shows_what_waits_for_my_own_people(client_as, asking):
    world = asking({1: "task"}, people=2)
    planning.plan(now=world.now)
    operator = client_as("operator")
    assert "Nothing waits for you" in operator.get(reverse("tasks") + "?whose=mine").content.decode()


def test_works_by_api(client_as, asking):
    world = asking({1: "approval", 2: "task"})
    planning.plan(now=world.now)
    operator = client_as("operator")
    listed = operator.get("/api/v1/messages/?awaits=approval").json()["results"]
    assert [(row["awaits"], row["send_at"]) for row in listed] == [("approval", None)]
    base = f"/api/v1/messages/{listed[0]['id']}/"
    words = operator.get(base + "draft/").json()
    assert "Hello Person" in words["text"]
    refused = operator.post(base + "approve/", {"text": "Buy!"}, format="json")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "text"
    done = operator.post(base + "approve/", {"text": words["text"], "subject": "By API"}, format="json")
    assert done.status_code == 200
    assert done.json()["awaits"] == ""
    assert operator.post(base + "approve/", {}, format="json").status_code == 409
    world.now = timezone.now()  # a request reads the clock itself
    assert sum(world.tick(hours=4).sent for _ in range(2)) == 1
    assert Message.objects.get(state="sent").subject == "By API"
    world.days(1.2)
    task = operator.get("/api/v1/messages/?awaits=task").json()["results"][0]
    assert operator.post(f"/api/v1/messages/{task['id']}/done/", {}, format="json").json()["state"] == "sent"
