"""A campaign that writes from several mailboxes: who gets which, and that everybody keeps theirs."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from campaigns import agenda, beginning, counting, enrolling, lifecycle, obstacles, preflight, senders, situation
from campaigns.models import Enrollment, Message
from integrations.models import Mailbox
from tests import factories
from tests.campaigns.building import at, form

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def second(smtp, imap, now):
    return factories.mailbox_on(smtp, imap, verified_at=now)


def with_both(world, second, **fields):
    lifecycle.change_campaign(campaign=world.campaign, now=world.now, more_mailboxes=[second], **fields)
    return world


def enroll(world, people):
    for _ in range(people):
        factories.ProspectFactory()
    return enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None)


def by_mailbox(world):
    return Counter(Enrollment.objects.filter(campaign=world.campaign).values_list("mailbox", flat=True))


def test_shares_out_new_people_as_the_caps_are(running, second):
    world = with_both(running(people=1, steps=1), second)
    Mailbox.objects.filter(pk=second.pk).update(daily_cap=world.mailbox.daily_cap // 2)
    assert enroll(world, 299) == 299
    shares = by_mailbox(world)
    assert shares.total() == 300
    assert 50 <= shares[second.pk] <= 150  # a third is 100, and six sigma are 49


def test_everybody_keeps_their_mailbox(running, second):
    world = with_both(running(people=16, steps=2), second)
    assert len(by_mailbox(world)) == 2
    for _ in range(6 * 3):
        world.tick(hours=4)
        world.deliver_from(second)
    assert len(world.smtp.received) == 32
    pairs = set(Message.objects.values_list("enrollment", "mailbox"))
    assert pairs == set(Enrollment.objects.values_list("pk", "mailbox"))
    assert len({mailbox for _, mailbox in pairs}) == 2


def test_whoever_waits_is_shared_out_anew_and_whom_a_mailbox_wrote_to_stays(running, second):
    world = running(people=30, steps=2)
    Mailbox.objects.update(daily_cap=5)
    world.tick()
    assert len(world.smtp.received) == 5
    begun = set(Enrollment.objects.filter(look_at__isnull=True) | Enrollment.objects.filter(steps_handed_over=1))
    with_both(world, second)
    moved = Enrollment.objects.filter(mailbox=second)
    assert 0 < moved.count() < 25
    assert not begun & set(moved)


def test_new_people_go_to_the_active_ones(running, second):
    world = with_both(running(people=1, steps=1), second)
    world.mailbox.pause(reason="a test")
    enroll(world, 5)
    assert by_mailbox(world)[second.pk] >= 5


def test_a_launch_asks_all_of_them(running, second):
    draft = factories.campaign(mailbox=factories.MailboxFactory(verified_at=datetime.now(UTC)), steps=1)
    senders.set_further(campaign=draft, mailboxes=[factories.MailboxFactory(verified_at=None, name="Raw")])
    assert any("Raw" in problem.message for problem in preflight.check(campaign=draft))


def test_a_practice_mailbox_and_a_real_one_are_not_together(now):
    draft = factories.campaign(mailbox=factories.MailboxFactory(is_demo=False), steps=1)
    practice, retired = factories.MailboxFactory(is_demo=True), factories.MailboxFactory(status="retired")
    for wrong in (practice, retired):
        with pytest.raises(senders.NotTogether):
            lifecycle.change_campaign(campaign=draft, now=now, more_mailboxes=[wrong])
    assert senders.of(draft) == [draft.mailbox]


def test_a_copy_has_the_same_mailboxes_and_limit(running, second):
    world = with_both(running(people=1, steps=1), second, daily_limit=9)
    copy = beginning.duplicate(campaign=world.campaign, by=None)
    assert (copy.daily_limit, senders.of(copy)) == (9, [world.mailbox, second])


def test_one_that_is_paused_holds_only_its_own_people(running, second):
    world = with_both(running(people=10, steps=1), second)
    second.pause(reason="a test")
    seen = situation.look()
    theirs = by_mailbox(world)[second.pk]
    assert {each.why: each.people for each in obstacles.holding(seen)} == {
        f"The mailbox {second.name} is paused: a test": theirs
    }
    assert agenda.roughly_done(seen=seen, now=world.now) is None


def test_two_mailboxes_are_done_in_half_the_time_and_a_limit_makes_it_longer(running, second):
    world = with_both(running(people=120, steps=1), second)
    Mailbox.objects.update(daily_cap=10)
    counting.recount_campaign(campaign=world.campaign, now=world.now)

    def days():
        return (agenda.roughly_done(seen=situation.look(), now=world.now) - world.now.date()).days

    assert days() == 5
    lifecycle.change_campaign(campaign=world.campaign, now=world.now, daily_limit=4)
    assert days() == 29


class TestFaces:
    def test_a_draft_takes_further_mailboxes_and_a_limit(self, client_as, second):
        operator = client_as("operator")
        operator.default_format = "multipart"
        draft = factories.campaign(steps=1)
        page = operator.get(at("campaign-edit", draft)).content.decode()
        assert second.from_address in page
        assert "At most a day" in page
        address = at("campaign-save", draft)
        form(operator, address, {"mailbox": draft.mailbox.pk, "more_mailboxes": [second.pk], "daily_limit": "12"})
        draft.refresh_from_db()
        assert (draft.daily_limit, senders.further(draft)) == (12, [second])
        form(operator, address, {"name": "Another name"})
        assert senders.further(draft) == [second]  # another part of the page was saved
        form(operator, address, {"mailbox": draft.mailbox.pk, "daily_limit": ""})
        draft.refresh_from_db()
        assert (draft.daily_limit, senders.further(draft)) == (None, [])

    def test_a_running_campaign_takes_them_on_its_page(self, client_as, running, second):
        world = running(people=4, steps=1)
        operator = client_as("operator")
        operator.default_format = "multipart"
        address = at("campaign-settings", world.campaign)
        assert address in operator.get(at("campaign", world.campaign)).content.decode()
        assert second.from_address in operator.get(address).content.decode()
        wrong = form(operator, address, {"daily_limit": "0", "live_daily_cap": 50}).content.decode()
        assert "greater than or equal to 1" in wrong
        form(operator, address, {"daily_limit": "2", "more_mailboxes": [second.pk], "live_daily_cap": 50})
        world.campaign.refresh_from_db()
        assert (world.campaign.daily_limit, senders.further(world.campaign)) == (2, [second])

    def test_the_api_takes_them(self, client_as, running, second):
        world = running(people=4, steps=1)
        operator = client_as("operator")
        address = reverse("api-campaigns-detail", args=[world.campaign.public_id])
        body = {"daily_limit": 3, "more_mailboxes": [str(second.public_id)]}
        answer = operator.patch(address, body, format="json")
        assert answer.status_code == 200, answer.json()
        assert {name: answer.json()[name] for name in body} == body
        refused = operator.patch(address, {"daily_limit": 0}, format="json")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "daily_limit")
