"""A mailbox that is taken out of service: its people move to others, in a new thread, and no answer is missed."""

import email
from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns import (
    counting,
    enrolling,
    gate,
    lifecycle,
    needs,
    planning,
    rehearsing,
    retiring,
    situation,
)
from campaigns.forecast import foretelling
from campaigns.models import Campaign, Enrollment, Message
from integrations import polling
from integrations.models import Mailbox
from outreach.lib.models import DatabaseClock
from tests import factories
from tests.campaigns import mails
from tests.campaigns.building import form

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def second(smtp, imap, now):
    return factories.mailbox_on(smtp, imap, verified_at=now, name="Second")


def retire(world, mailbox=None, **options):
    return retiring.retire(mailbox=mailbox or world.mailbox, now=world.now, by=None, **options)


def parsed(received):
    return email.message_from_bytes(received.raw)


def test_moves_everybody_and_what_is_planned_in_place(running, second):
    world = running(people=6, steps=2)
    world.tick()
    for _ in range(4):
        factories.ProspectFactory()
    enrolling.enroll_segment(campaign=world.campaign, now=world.later(minutes=5).now, by=None)
    planning.plan(now=world.now)
    before = dict(Message.objects.filter(state="planned").values_list("pk", "message_id"))
    assert len(before) == 10
    assert retire(world, successor=second) == 10
    assert set(Enrollment.objects.values_list("mailbox", flat=True)) == {second.pk}
    planned = Message.objects.filter(state="planned")
    assert dict(planned.values_list("pk", "message_id")) == before
    assert set(planned.values_list("mailbox", flat=True)) == {second.pk}
    assert set(Message.objects.filter(state="sent").values_list("mailbox", flat=True)) == {world.mailbox.pk}
    world.campaign.refresh_from_db()
    assert world.campaign.mailbox == second
    for _ in range(12):
        world.tick(hours=4)
        world.deliver_from(second)
    assert len(world.smtp.received) == 20
    assert len({(mail.recipient, parsed(mail)["Message-ID"]) for mail in world.smtp.received}) == 20


def test_the_next_mail_begins_a_new_thread_under_a_subject(running, second):
    world = running(people=1, steps=4)
    world.tick()
    world.tick(days=1)
    retire(world, successor=second)
    for _ in range(2):
        world.tick(days=1)
        world.deliver_from(second)
    first, follow_up, moved, last = [parsed(mail) for mail in world.smtp.received]
    assert follow_up["In-Reply-To"] == first["Message-ID"]
    assert moved["In-Reply-To"] is None
    assert moved["References"] is None
    assert moved["Subject"] == first["Subject"]
    assert second.from_address in moved["From"]
    assert last["In-Reply-To"] == moved["Message-ID"]
    assert last["References"] == moved["Message-ID"]  # nothing of the old thread


def test_answers_to_what_it_sent_are_still_read_and_waited_for(running, second):
    world = running(people=2, steps=2)
    world.tick()
    retire(world, successor=second)
    planning.plan(now=world.now + timedelta(hours=1))
    Mailbox.objects.filter(pk=world.mailbox.pk).update(polled_at=DatabaseClock() - timedelta(minutes=31))
    waiting = list(Message.objects.filter(state="planned").order_by("id").values_list("pk", flat=True))
    assert set(map(tuple, gate.refusals(message_ids=waiting).values())) == {("mailbox_blind",)}
    world.later(days=1, minutes=5)
    assert world.deliver_from(second).sent == 0
    sent = Message.objects.filter(state="sent").order_by("id").first()
    world.answers(mails.reply(sent, sender=sent.recipient, text="No thanks."))
    assert world.mailbox.pk in polling.due()
    world.receive()
    assert world.deliver_from(second).sent == 1
    assert Enrollment.objects.get(pk=sent.enrollment_id).state == "stopped"


def test_one_that_is_read_no_more_holds_nobody(running, second):
    world = running(people=1, steps=2)
    world.tick()
    retire(world, successor=second)
    world.mailbox.stop_reading()
    Mailbox.objects.filter(pk=world.mailbox.pk).update(polled_at=None)
    world.later(days=1, minutes=5)
    planning.plan(now=world.now)
    assert world.deliver_from(second).sent == 1


def test_shares_them_out_among_the_other_mailboxes_of_the_campaign(running, second, smtp, imap, now):
    third = factories.mailbox_on(smtp, imap, verified_at=now)
    world = running(people=40, steps=1)
    lifecycle.change_campaign(campaign=world.campaign, now=world.now, more_mailboxes=[second, third])
    theirs = set(Enrollment.objects.filter(mailbox=third).values_list("pk", flat=True))
    mine = Enrollment.objects.filter(mailbox=world.mailbox).count()
    assert retire(world) == mine > 0
    assert {second.pk, third.pk} == set(Enrollment.objects.values_list("mailbox", flat=True))
    assert theirs < set(Enrollment.objects.filter(mailbox=third).values_list("pk", flat=True))  # and those keep theirs
    world.campaign.refresh_from_db()
    assert world.campaign.mailbox in (second, third)


def test_is_refused_where_nobody_takes_over(running, second):
    world = running(people=1, steps=1)
    with pytest.raises(retiring.NobodyTakesOver, match=world.campaign.name):
        retire(world)
    with pytest.raises(retiring.NobodyTakesOver, match="choose another active mailbox"):
        retire(world, successor=world.mailbox)
    second.pause(reason="a test")
    with pytest.raises(retiring.NobodyTakesOver):
        retire(world, successor=second)
    world.mailbox.refresh_from_db()
    assert world.mailbox.status == "active"
    assert set(Enrollment.objects.values_list("mailbox", flat=True)) == {world.mailbox.pk}


def test_what_was_being_handed_over_goes_on_with_the_new_one_when_it_has_to_be_tried_again(running, second):
    world = running(people=2, steps=1)
    planning.plan(now=world.now)
    stuck, uncertain = Message.objects.order_by("id")
    marked = {"lease_token": 1, "marked_at": world.now, "handed_over_at": world.now}
    Message.objects.filter(pk=stuck.pk).update(state="sending", **marked)
    Message.objects.filter(pk=uncertain.pk).update(state="uncertain", **marked)
    retire(world, successor=second)
    assert set(Message.objects.values_list("mailbox", flat=True)) == {world.mailbox.pk}
    Message.objects.filter(pk=stuck.pk).update(state="planned", lease_token=None)
    assert retiring.go_on(now=world.now) == 1
    assert dict(Message.objects.values_list("pk", "mailbox")) == {stuck.pk: second.pk, uncertain.pk: world.mailbox.pk}
    assert retiring.go_on(now=world.now) == 0


def test_goes_on_in_pieces(running, second, monkeypatch):
    world = running(people=9, steps=1)
    monkeypatch.setattr(retiring, "PIECE", 2)
    assert retire(world, successor=second, seconds=0) == 2
    assert retiring.go_on(now=world.now) == 7
    assert set(Enrollment.objects.values_list("mailbox", flat=True)) == {second.pk}


def test_moved_messages_keep_the_caps_of_their_new_mailbox(running, second):
    world = running(people=10, steps=1)
    Mailbox.objects.filter(pk=second.pk).update(daily_cap=3)
    planning.plan(now=world.now)
    retire(world, successor=second)
    days = [at.date() for at in Message.objects.order_by("send_at").values_list("send_at", flat=True)]
    assert [days.count(day) for day in sorted(set(days))] == [3, 3, 3, 1]


def test_ends_rehearsals_from_it_and_leaves_drafts_without(running, second, now):
    world = running(people=1, steps=1)
    draft = factories.campaign(mailbox=world.mailbox, steps=1)
    rehearsal = rehearsing.start(
        campaign=world.campaign, prospects=world.prospects, to=world.mailbox.from_address, now=world.now, by=None
    )
    retire(world, successor=second)
    rehearsal.refresh_from_db()
    draft.refresh_from_db()
    assert (rehearsal.state, draft.mailbox) == ("archived", second)
    with pytest.raises(lifecycle.InvalidCampaign):
        lifecycle.change_campaign(campaign=draft, now=now, mailbox=world.mailbox)
    with pytest.raises(retiring.NobodyTakesOver, match="retired already"):
        retire(world, successor=second)


def test_says_before_who_moves_where_and_until_when_it_lasts(running, second):
    world = running(people=60, steps=1)
    Mailbox.objects.update(daily_cap=10)
    Mailbox.objects.filter(pk=second.pk).update(daily_cap=5)
    second.refresh_from_db()
    counting.recount_campaign(campaign=world.campaign, now=world.now)
    found = retiring.outlook(mailbox=world.mailbox, now=world.now)
    assert (found.people, found.left) == (60, [world.campaign])
    found = retiring.outlook(mailbox=world.mailbox, now=world.now, successor=second)
    assert [(part.campaign, part.people, part.to) for part in found.parts] == [(world.campaign, 60, (second,))]
    assert (found.done_about, found.done_then) == (None, None)  # until a forecast was made
    foretelling.make_asked(now=world.now)
    found = retiring.outlook(mailbox=world.mailbox, now=world.now, successor=second)
    days = [(day - world.now.date()).days for day in (found.done_about, found.done_then)]
    assert days == [5, 11]


def test_a_retired_mailbox_that_cannot_be_read_is_told(running, second):
    world = running(people=1, steps=1)
    retire(world, successor=second)
    Mailbox.objects.filter(pk=world.mailbox.pk).update(poll_error="The password is wrong.")
    seen = situation.look()
    told = [need.text for need in needs.of(seen=seen, now=world.now)]
    assert any("retired" in text and "The password is wrong." in text for text in told), told
    assert Campaign.objects.get().mailbox == second


class TestFaces:
    def test_asks_before_it_retires_one(self, client_as, running, second):
        world = running(people=3, steps=1)
        manager = client_as("manager")
        manager.default_format = "multipart"
        address = reverse("mailbox-retire", args=[world.mailbox.public_id])
        assert address in manager.get(reverse("mailbox", args=[world.mailbox.public_id])).content.decode()
        page = manager.get(address).content.decode()
        assert "3 people under way" in page
        assert "nobody yet: choose who takes over" in page
        assert "Retire it</button>" not in page
        page = manager.get(address, {"successor": second.pk}).content.decode()
        assert "Retire it</button>" in page
        refused = form(manager, address, {}).content.decode()
        assert "Nobody takes over the people of" in refused
        form(manager, address, {"successor": second.pk})
        world.mailbox.refresh_from_db()
        assert world.mailbox.status == "retired"
        assert set(Enrollment.objects.values_list("mailbox", flat=True)) == {second.pk}
        page = manager.get(reverse("mailbox", args=[world.mailbox.public_id])).content.decode()
        assert "Stop reading it" in page
        assert address not in page
        form(manager, reverse("mailbox-stop-reading", args=[world.mailbox.public_id]), {})
        world.mailbox.refresh_from_db()
        assert world.mailbox.imap_host == ""

    def test_says_before_a_pause_how_many_wait(self, client_as, running):
        world = running(people=3, steps=1)
        page = client_as("operator").get(reverse("mailbox-pause", args=[world.mailbox.public_id])).content.decode()
        assert "3 people wait until then" in page

    def test_by_api(self, client_as, running, second):
        world = running(people=3, steps=1)
        manager = client_as("manager")
        address = reverse("api-mailboxes-retire", args=[world.mailbox.public_id])
        (part,) = manager.get(address).json()["parts"]
        assert part == {"campaign": str(world.campaign.public_id), "people": 3, "to": []}
        refused = manager.post(address, {}, format="json")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "successor")
        body = {"successor": str(second.public_id)}
        assert manager.get(address, body).json()["parts"][0]["to"] == [str(second.public_id)]
        answer = manager.post(address, body, format="json")
        assert (answer.status_code, answer.json()) == (200, {"moved": 3})
        assert client_as("operator").post(address, body, format="json").status_code == 403


def test_one_that_is_brought_back_gets_new_people_and_nobody_moves_back(running, second, client_as):
    world = running(people=3, steps=2)
    world.tick()  # whoever was written to stays with whom they have
    retire(world, successor=second)
    manager = client_as("manager")
    manager.default_format = "multipart"
    assert client_as("operator").post(reverse("mailbox-bring-back", args=[world.mailbox.public_id])).status_code == 403
    url = reverse("mailbox-bring-back", args=[world.mailbox.public_id])
    assert "is back, and paused" in manager.post(url, follow=True).content.decode()
    assert "is not retired" in manager.post(url, follow=True).content.decode()
    world.mailbox.refresh_from_db()
    assert world.mailbox.status == "paused"
    assert manager.post(reverse("mailbox-resume", args=[world.mailbox.public_id])).status_code == 302
    world.campaign.refresh_from_db()
    lifecycle.change_campaign(campaign=world.campaign, now=world.now, more_mailboxes=[world.mailbox])
    assert retiring.go_on(now=world.now) == 0
    factories.ProspectFactory.create_batch(12)
    enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)
    boxes = Enrollment.objects.filter(prospect__in=world.prospects)
    assert Enrollment.objects.exclude(pk__in=boxes).filter(mailbox=world.mailbox).exists()


def test_is_brought_back_over_the_api(running, second, client_as):
    world = running(people=1, steps=1)
    retire(world, successor=second)
    url = reverse("api-mailboxes-bring-back", args=[world.mailbox.public_id])
    assert client_as("operator").post(url).status_code == 403
    assert client_as("manager").post(url).json()["status"] == "paused"
    assert set(Enrollment.objects.values_list("mailbox", flat=True)) == {second.pk}
