"""What pages read from the counted numbers, and how rough a forecast may be."""

from datetime import UTC, date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import agenda, ahead, analytics, counting, lifecycle, needs, obstacles, planning, situation, stopping
from campaigns.analytics import Numbers, Reached
from campaigns.models import Campaign, CampaignCount, DailyCount, Enrollment, Message, Reply, SendingControl, Step
from integrations.models import InboundEvent, Mailbox
from outreach.lib.models import DatabaseClock
from prospects import merging as people
from prospects.models import ImportBatch, Prospect, Site
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = date(2026, 3, 4)


def count(campaign, day, step_key="a", **numbers):
    DailyCount.objects.create(campaign=campaign, step_key=step_key, day=day, **numbers)


@pytest.fixture
def calm(running):
    """A running campaign of five in which nothing is wrong."""
    world = running(people=5, name="Calm")
    SendingControl.objects.create(pk=1, ticked_at=DatabaseClock())
    world.tick()
    planning.plan(now=world.later(seconds=5).now)
    counting.rebuild(now=world.now)
    return world


def sentences(now):
    return [need.text for need in needs.of(seen=situation.look(), now=now)]


def test_adds_steps_up_to_a_funnel():
    campaign = factories.campaign(steps=2)
    first, second = campaign.current_version().steps.order_by("position")
    count(campaign, TODAY, first.key, sent=10, replied=1)
    count(campaign, TODAY - timedelta(days=400), second.key, sent=4, replied=1, positive=1)
    rows = analytics.steps(campaign=campaign)
    assert [(row.position, row.numbers.sent) for row in rows] == [(1, 10), (2, 4)]
    assert rows[0].subject.startswith("Hello")
    funnel = analytics.funnel(enrolled=12, rows=rows)
    assert (funnel.enrolled, funnel.written, funnel.numbers.replied, funnel.numbers.positive) == (12, 10, 2, 1)


def test_fills_days_without_anything_and_shows_ninety_at_most():
    campaign = factories.campaign()
    count(campaign, TODAY - timedelta(days=200), sent=9)
    count(campaign, TODAY - timedelta(days=3), sent=5)
    count(campaign, TODAY - timedelta(days=3), "b", sent=2)
    days = analytics.days(campaign=campaign, today=TODAY)
    assert [numbers.sent for _, numbers in days] == [7, 0, 0, 0]
    count(campaign, TODAY - timedelta(days=89), sent=1)
    assert len(analytics.days(campaign=campaign, today=TODAY)) == 90


def test_sets_seven_days_against_the_seven_before():
    campaign = factories.campaign()
    for back, sent in ((0, 1), (6, 2), (7, 10), (13, 20), (14, 500)):
        count(campaign, TODAY - timedelta(days=back), sent=sent)
    weeks = analytics.weeks(today=TODAY)
    assert (weeks.this.sent, weeks.last.sent) == (3, 30)
    assert analytics.weeks(today=TODAY + timedelta(days=60)) == analytics.Weeks(Numbers(), Numbers())


def test_names_the_next_ten_that_really_leave(calm):
    seen = situation.look()
    slots = agenda.upcoming(seen=seen)
    planned = Message.objects.filter(state="planned").order_by("send_at", "id")
    assert slots == list(planned)
    assert len(slots) == 5
    other = factories.campaign()
    assert agenda.upcoming(seen=seen, campaign=other) == []
    stopping.stop_all(by=None)
    assert agenda.upcoming(seen=situation.look()) == []
    stopping.resume_all(by=None)
    Mailbox.objects.update(status="paused")
    assert agenda.upcoming(seen=situation.look()) == []


def test_counts_what_is_sent_and_due_today(calm):
    (row,) = agenda.due_today(seen=situation.look(), now=calm.now)
    assert (row.campaign, row.sent, row.left) == (calm.campaign, 5, 0)
    (row,) = agenda.due_today(seen=situation.look(), now=calm.now + timedelta(days=1))
    assert (row.sent, row.left) == (0, 5)


def test_puts_yes_and_questions_first_and_leaves_rehearsals_out(calm):
    sent = list(Message.objects.filter(state="sent").select_related("mailbox").order_by("id"))
    texts = ("Not for us, thanks.", "How much do you pay?", "Sounds good, tell me more.")
    for message, words in zip(sent, texts, strict=False):
        calm.answers(mails.reply(message, sender=message.recipient, text=words))
    calm.receive()
    classes = [reply.reply_class for reply in agenda.waiting_answers()]
    assert classes == ["positive", "question", "negative"]
    assert [reply.pk for reply in agenda.latest_replies(campaign=calm.campaign, limit=2)] == list(
        Reply.objects.order_by("-id").values_list("pk", flat=True)[:2]
    )
    Reply.objects.filter(reply_class="question").update(read_at=calm.now)
    assert len(agenda.waiting_answers()) == 2
    Campaign.objects.update(rehearsal_of=factories.campaign(), rehearsal_to="me@x.example")
    assert agenda.waiting_answers() == []


def test_says_nothing_when_nothing_is_broken(calm):
    assert sentences(calm.now) == []
    assert obstacles.holding(situation.look()) == []


def test_names_each_thing_that_needs_a_person(calm):
    SendingControl.objects.update(ticked_at=calm.now - timedelta(days=999))
    stopping.stop_all(reason="wrong price", by=None)
    Message.objects.filter(pk=Message.objects.filter(state="sent").first().pk).update(state="uncertain")
    paused = factories.MailboxFactory(name="Paula", status="paused", status_reason="535 no")
    factories.MailboxFactory(name="Nova", verified_at=None)
    factories.MailboxFactory(name="Petra", verified_at=calm.now, poll_error="The server hangs.")
    factories.MailboxFactory(name="Bob", verified_at=calm.now, polled_at=calm.now - timedelta(days=999))
    factories.MailboxFactory(name="Gone", status="retired", polled_at=None)
    ImportBatch.objects.create(file_name="people.csv", status="failed", error="It is no table.")
    InboundEvent.objects.create(source="imap", digest="x", raw=b"", stored_at=calm.now - timedelta(days=999))
    lifecycle.pause(campaign=calm.campaign, reason="a variable is missing", by=None)
    found = needs.of(seen=situation.look(), now=timezone.now())
    text = " ".join(need.text for need in found)
    for words in (
        "The background work is silent",
        "One mail that came in is not sorted yet.",
        "The mailbox Paula is paused: 535 no",
        "The mailbox Nova was never checked.",
        "Petra can't be read: The server hangs.",
        "Bob was not read for half an hour",
        "1 mail we are not sure about.",
        "Calm is paused: a variable is missing",
        "The import of people.csv failed: It is no table.",
    ):
        assert words in text
    assert "Gone" not in text
    assert "All sending is stopped" not in text  # the banner says so, above everything
    assert len(found) == 9
    assert next(need for need in found if "Paula" in need.text).id == paused.public_id


def test_takes_a_persons_pause_for_no_emergency(calm, manager):
    lifecycle.pause(campaign=calm.campaign, by=manager)
    assert sentences(calm.now) == []


def test_tells_whom_each_obstacle_holds(calm):
    held = Prospect.objects.order_by("id").first()
    Prospect.objects.filter(pk=held.pk).update(held_at=calm.now)
    last = Prospect.objects.select_related("site").order_by("id").last()
    last.site.held_at = calm.now
    last.site.save()
    stopping.stop_all(by=None)
    Mailbox.objects.update(polled_at=None)
    found = {each.why: each.people for each in obstacles.holding(situation.look())}
    assert found == {
        "All sending is stopped": 5,
        f"{calm.mailbox.name} was not read for half an hour: an answer may be waiting": 5,
        "The person is on hold": 1,
        "The site is on hold": 1,
    }
    assert obstacles.holding(situation.look(), campaign=factories.campaign()) == []
    lifecycle.pause(campaign=calm.campaign, reason="a text is broken", by=None)
    assert ("Calm is paused: a text is broken", 5) in [
        (each.why, each.people) for each in obstacles.holding(situation.look())
    ]


def test_tells_whom_care_holds_and_what_clears_it(calm, client):
    asked, at_site, lately, merged, goes = Prospect.objects.select_related("site").order_by("id")
    Prospect.objects.filter(pk=asked.pk).update(protected_at=calm.now)
    Site.objects.filter(pk=at_site.site_id).update(protected_at=calm.now)
    Prospect.objects.filter(pk=lately.pk).update(contacted_elsewhere_at=timezone.now() - timedelta(days=3))
    Enrollment.objects.filter(prospect=lately).update(steps_handed_over=0)
    people.merge(survivor=merged, merged=goes, by=None, now=calm.now)
    held = obstacles.holding(situation.look())
    assert {each.why: each.people for each in held} == {
        "The person is protected; whoever looks after them, or a manager, can lift that": 1,
        "The site is protected; a manager can lift that": 1,
        "Written to by other means less than two weeks ago: the first mail waits for that long": 1,
        "Two rows of one person are being merged, which takes a moment": 2,
    }
    client.force_login(factories.UserFactory(role="operator"))
    shown = client.get(reverse("campaign", args=[calm.campaign.public_id])).content.decode()
    assert f"{reverse('prospects')}?state=protected" in shown
    listed = client.get(reverse("prospects"), {"state": "protected"}).context["paged"].rows
    assert [person.pk for person in listed] == [asked.pk]
    Enrollment.objects.filter(prospect=lately).update(steps_handed_over=1)  # a follow-up goes on
    assert not any("other means" in each.why for each in obstacles.holding(situation.look()))


@pytest.mark.parametrize(
    ("written", "numbers", "words"),
    [
        (19, Numbers(sent=19, bounced=19), "Going out"),
        (100, Numbers(sent=100, bounced=6), "Bounces above 5 %"),
        (100, Numbers(sent=300, bounced=6), "Bounces above 5 %"),  # follow-ups take nothing back
        (100, Numbers(sent=100, bounced=6, complained=1), "Complaints above 0.3 %"),
        (1000, Numbers(sent=1000, bounced=50, complained=3), "Going out"),
    ],
)
def test_judges_a_campaign_by_bounces_and_complaints(calm, written, numbers, words):
    seen = situation.look()
    reached = Reached(written, numbers)
    health = obstacles.health(campaign=seen.campaigns[0], reached=reached, next_at=calm.now, seen=seen, now=calm.now)
    assert health.words == words


def test_counts_people_written_to_by_the_first_step(calm):
    first, second, _ = calm.campaign.current_version().steps.order_by("position")
    DailyCount.objects.all().delete()
    count(calm.campaign, TODAY, first.key, sent=18, refused=2, bounced=3)
    count(calm.campaign, TODAY, second.key, sent=50)
    reached = analytics.reached([calm.campaign.pk])[calm.campaign.pk]
    assert (reached.written, reached.numbers.sent, reached.numbers.bounced) == (20, 68, 3)
    assert "Calm: 15 % of the 20 people written to bounced." in sentences(calm.now)


def test_knows_when_a_campaign_goes_on_before_any_mail_has_a_place(calm):
    def coming():
        seen = situation.look()
        return ahead.of(seen=seen, campaigns=seen.running, now=calm.now).get(calm.campaign.pk)

    assert coming() is None  # all are planned
    Message.objects.filter(state="planned").delete()
    due = calm.now + timedelta(days=2)
    Enrollment.objects.update(due_at=due, look_at=due - timedelta(days=1))
    found = coming()
    assert (found.at, found.step, found.people) == (due, 2, 5)
    held = Prospect.objects.order_by("id").first()
    Prospect.objects.filter(pk=held.pk).update(held_at=calm.now)
    assert coming().people == 4
    Enrollment.objects.update(due_at=calm.now - timedelta(hours=1), look_at=calm.now)
    assert (coming().at, coming().people) == (None, 4)
    stopping.stop_all(by=None)
    assert coming() is None


def test_announces_nobody_who_is_held_and_whom_we_wrote_to_lately_when_that_is_over(calm):
    def coming():
        seen = situation.look()
        found = ahead.of(seen=seen, campaigns=seen.running, now=calm.now).get(calm.campaign.pk)
        return found and (found.at, found.people)

    Message.objects.filter(state="planned").delete()
    Enrollment.objects.update(due_at=calm.now + timedelta(days=1), look_at=calm.now, steps_handed_over=0)
    asked, at_site, lately, merged, goes = Prospect.objects.select_related("site").order_by("id")
    Prospect.objects.filter(pk=asked.pk).update(protected_at=calm.now)
    Site.objects.filter(pk=at_site.site_id).update(protected_at=calm.now)
    assert coming() == (calm.now + timedelta(days=1), 3)
    people.merge(survivor=merged, merged=goes, by=None, now=calm.now)
    assert coming() == (calm.now + timedelta(days=1), 1)
    Prospect.objects.filter(pk=lately.pk).update(contacted_elsewhere_at=calm.now - timedelta(days=6))
    assert coming() == (calm.now + timedelta(days=8), 1)
    Enrollment.objects.update(steps_handed_over=1)
    assert coming() == (calm.now + timedelta(days=1), 1)


def test_tells_a_waiting_campaign_from_one_that_is_through(calm):
    def words():
        seen = situation.look()
        late = calm.now + timedelta(hours=1)
        campaign = seen.campaigns[0]
        return obstacles.health(campaign=campaign, reached=Reached(), next_at=None, seen=seen, now=late).words

    assert words() == "Waiting for room"
    CampaignCount.objects.update(active=0, finished=5)
    assert words() == "Everybody finished or stopped"
    CampaignCount.objects.all().delete()
    assert words() == "Nobody is in it yet"


def test_foretells_the_day_of_the_last_step_as_the_planner_counts(calm):
    Message.objects.all().delete()
    monday = calm.now + timedelta(days=(7 - calm.now.weekday()) % 7)
    CampaignCount.objects.update(enrolled=1, active=1, not_begun=1)
    Mailbox.objects.update(daily_cap=100)
    Enrollment.objects.update(look_at=None)
    Step.objects.update(delay=3, delay_unit="business_days", weekdays=[1, 2, 3, 4, 5])
    done = agenda.roughly_done(seen=situation.look(), now=monday)
    assert (done - monday.date()).days == 8  # Monday, Thursday, Tuesday of the next week


def test_foretells_a_rough_last_day(calm):
    def done():
        return agenda.roughly_done(seen=situation.look(), now=calm.now)

    today = calm.now.astimezone(UTC).date()
    assert done() == today + timedelta(days=2)  # step 2 is planned for tomorrow, step 3 comes a day later
    Mailbox.objects.update(daily_cap=10)
    CampaignCount.objects.update(enrolled=100, active=100, not_begun=100)
    assert done() == today + timedelta(days=29)  # 300 mails, ten a day
    CampaignCount.objects.update(active=9_000, not_begun=9_000)
    assert done() is None
    CampaignCount.objects.update(active=0, not_begun=0)
    assert done() is None
    stopping.stop_all(by=None)
    assert done() is None
