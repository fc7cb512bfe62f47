"""Rehearsals: the real engine, to one's own address, and nothing of it is a fact about anybody."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from campaigns import delivery, enrolling, planning, playing, rehearsal_report, rehearsing, stopping, tracking
from campaigns.models import Campaign, Enrollment, Event, Message, Reply
from integrations.models import InboundEvent, Mailbox
from outreach.demo.smtp_server import Stage
from prospects.models import Prospect, Suppression
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)

ME = "me@office.example"
HTML = '<p><a href="https://acme.example/">Look</a> {{ postal_address }} {{ unsubscribe_url }}</p>'


@pytest.fixture
def rehearse(running):
    """`rehearse(people=2)`: a campaign that runs already, its first step out, and a rehearsal of it."""

    def begin(people=1, to=ME, others=0, **options):
        world = running(people=people + others, **options)
        world.tick()
        world.real = len(world.smtp.received)
        world.rehearsal = rehearsing.start(
            campaign=world.campaign, prospects=world.prospects[:people], to=to, now=world.now, by=None
        )
        return world

    return begin


def rehearsed(world):
    """What the receiving side got of the rehearsal."""
    return world.smtp.received[world.real :]


def way(world, person=0):
    return Enrollment.objects.get(campaign=world.rehearsal, prospect=world.prospects[person])


def first_message(world, person=0):
    found = Message.objects.select_related("mailbox", "campaign", "prospect")
    return found.filter(enrollment=way(world, person)).order_by("id").first()


def assert_nothing_counts(world):
    assert not Event.objects.exists()
    assert not Reply.objects.exists()
    assert not Suppression.objects.exists()
    assert not Prospect.objects.exclude(stopped_at=None).exists()
    assert not Enrollment.objects.filter(campaign=world.campaign).exclude(state="active").exists()


def test_sends_each_step_once_for_each_person_to_the_rehearsal_address_within_minutes(rehearse):
    world = rehearse(people=3)
    for _ in range(4):
        world.tick(minutes=2)
    assert {mail.recipient for mail in rehearsed(world)} == {ME}
    assert len(rehearsed(world)) == 9
    assert len({mail.message_id for mail in rehearsed(world)}) == 9
    assert {mail.subject for mail in rehearsed(world)} == {f"Hello {p.first_name}" for p in world.prospects}
    assert set(Enrollment.objects.filter(campaign=world.rehearsal).values_list("state", flat=True)) == {"finished"}
    assert_nothing_counts(world)


def test_leaves_the_campaign_that_it_is_of_alone(rehearse):
    world = rehearse(people=1)
    for _ in range(4):
        world.tick(minutes=2)
    before = len(world.smtp.received)
    world.tick(days=1)
    assert [mail.recipient for mail in world.smtp.received[before:]] == [world.prospects[0].email]


def test_ends_by_a_reply_for_the_person_who_was_played_and_nobody_else(rehearse):
    world = rehearse(people=2)
    world.tick()
    world.answers(mails.reply(first_message(world), sender=ME))
    for _ in range(3):
        world.tick(minutes=2)
    assert (way(world).state, way(world).stop_reason) == ("stopped", "replied")
    assert way(world, 1).state == "finished"
    assert len(rehearsed(world)) == 4
    assert_nothing_counts(world)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda m: mails.reply(m, sender=ME, text="Please take me off your list."), "unsubscribed"),
        (lambda m: mails.bounce(m.message_id, recipient=ME), "bounced"),
    ],
)
def test_suppresses_nobody_whatever_comes_back(rehearse, answer, reason):
    world = rehearse(people=1)
    world.tick()
    world.answers(answer(first_message(world)))
    world.tick(minutes=2)
    assert way(world).stop_reason == reason
    assert_nothing_counts(world)
    assert len(rehearsed(world)) == 1


def test_goes_on_after_an_automatic_answer(rehearse):
    world = rehearse(people=1)
    world.tick()
    world.answers(mails.out_of_office(first_message(world), sender=ME))
    world.tick(minutes=2)
    assert len(rehearsed(world)) == 2
    assert_nothing_counts(world)


def test_suppresses_nobody_when_the_server_refuses_the_address(rehearse):
    world = rehearse(people=1)
    world.smtp.behaviour = lambda recipient, message, stage: (
        "550 5.1.1 no such user" if stage is Stage.RCPT and recipient == ME else None
    )
    world.tick()
    assert way(world).stop_reason == "bounced"
    assert not rehearsed(world)
    assert_nothing_counts(world)


def test_does_not_count_its_clicks_and_says_so_to_who_unsubscribes(rehearse, client):
    world = rehearse(people=1, says={"html": HTML})
    world.tick()
    message = first_message(world)
    link = next(word for word in message.html.split('"') if "/c/" in word)
    assert client.get("/c/" + link.rpartition("/c/")[2])["Location"] == "https://acme.example/"
    path = "/u/" + tracking.unsubscribe_url(public_id=message.public_id).rpartition("/u/")[2]
    assert b"This was a rehearsal" in client.post(path).content
    assert client.post(path).status_code == 200
    assert way(world).stop_reason == "unsubscribed"
    assert_nothing_counts(world)


def test_plays_people_who_must_not_be_written_to(rehearse):
    world = rehearse(people=2)
    stopping.stop_person(prospect=world.prospects[0], reason="said no")
    stopping.suppress(kind="address", value=world.prospects[1].email, reason="manual")
    again = rehearsing.start(campaign=world.campaign, prospects=world.prospects, to=ME, now=world.now, by=None)
    world.tick()
    assert len(rehearsed(world)) == 2
    assert {mail.recipient for mail in rehearsed(world)} == {ME}
    assert set(Enrollment.objects.filter(campaign=again).values_list("state", flat=True)) == {"active"}


def test_is_stopped_by_stop_all_sending(rehearse):
    world = rehearse(people=1)
    stopping.stop_all(by=None)
    world.tick(minutes=2)
    assert not rehearsed(world)
    assert "all sending is stopped" in rehearsal_report.standing(rehearsal=world.rehearsal, now=world.now).obstacle


def test_never_hands_over_a_message_that_names_another_recipient(rehearse):
    world = rehearse(people=1)
    planning.plan(now=world.now)
    Message.objects.filter(campaign=world.rehearsal).update(recipient=world.prospects[0].email)
    world.deliver()
    assert not rehearsed(world)
    world.tick(minutes=2)
    assert not rehearsed(world)
    assert way(world).stop_reason == "rehearsal_astray"


def test_never_follows_a_person_to_a_changed_address(rehearse):
    world = rehearse(people=1)
    planning.plan(now=world.now)
    Prospect.objects.filter(pk=world.prospects[0].pk).update(email="new@elsewhere.example")
    world.tick()
    assert [mail.recipient for mail in rehearsed(world)] == [ME]


def test_waits_for_no_cap_and_no_gap_but_takes_slots_from_the_others(rehearse):
    world = rehearse(people=2, others=1)
    Mailbox.objects.update(daily_cap=3, gap_seconds=600)
    late = factories.ProspectFactory()
    enrolling.enroll(campaign=world.campaign, prospects=Prospect.objects.filter(pk=late.pk), now=world.now, by=None)
    for _ in range(4):
        world.tick(minutes=2)
    assert [mail.recipient for mail in rehearsed(world)] == [ME] * 6
    planned = Message.objects.filter(campaign=world.campaign, state="planned")
    assert all(message.send_at.date() > world.now.date() for message in planned)


def test_is_held_with_its_mailbox(rehearse):
    world = rehearse(people=1)
    world.mailbox.pause(reason="looked at")
    world.tick(minutes=2)
    assert not rehearsed(world)
    rehearsal = Campaign.objects.select_related("mailbox").get(pk=world.rehearsal.pk)
    assert "paused: looked at" in rehearsal_report.standing(rehearsal=rehearsal, now=world.now).obstacle


def test_goes_on_when_the_mails_come_home_to_the_mailboxs_own_address(rehearse):
    world = rehearse(people=1, to="ada@home.example")
    for _ in range(4):
        world.tick(minutes=2)
        for mail in rehearsed(world):
            world.answers(mail.raw)
    assert way(world).state == "finished"
    assert InboundEvent.objects.exists()
    assert_nothing_counts(world)


def test_ends_an_earlier_one_and_can_be_ended(rehearse):
    world = rehearse(people=1)
    again = rehearsing.start(campaign=world.campaign, prospects=world.prospects, to=ME, now=world.now, by=None)
    assert way(world).stop_reason == "rehearsal_over"
    assert rehearsing.end(rehearsal=again)
    assert not rehearsing.end(rehearsal=again)
    world.tick(minutes=2)
    assert not rehearsed(world)


def test_cannot_end_a_campaign(rehearse):
    world = rehearse(people=1)
    assert not rehearsing.end(rehearsal=world.campaign)
    assert Campaign.objects.get(pk=world.campaign.pk).state == "running"


def test_ends_for_a_person_whose_message_cannot_be_written(running):
    world = running(people=1, says={"subject": "For {{ company }}"})
    person = factories.ProspectFactory(company="Acme")
    rehearsal = rehearsing.start(
        campaign=world.campaign, prospects=[world.prospects[0], person], to=ME, now=world.now, by=None
    )
    world.tick()
    played = rehearsal_report.standing(rehearsal=rehearsal, now=world.now).played
    assert "company" in played[0].sentence
    assert played[1].letters[0].status == "Sent"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda world: {"to": "nobody"}, "to"),
        (lambda world: {"to": "gone@office.example"}, "to"),
        (lambda world: {"prospects": []}, "people"),
        (lambda world: {"prospects": [factories.ProspectFactory() for _ in range(6)]}, "people"),
    ],
)
def test_is_refused_in_words_beside_the_field(rehearse, change, field):
    world = rehearse(people=1)
    stopping.suppress(kind="address", value="gone@office.example", reason="manual")
    asked = {"prospects": world.prospects, "to": ME, **change(world)}
    with pytest.raises(rehearsing.CannotRehearse) as refused:
        rehearsing.start(campaign=world.campaign, now=world.now, by=None, **asked)
    assert [problem.field for problem in refused.value.problems] == [field]


def test_is_refused_while_the_mailbox_does_not_work(rehearse):
    world = rehearse(people=1)
    Mailbox.objects.update(verified_at=None)
    with pytest.raises(rehearsing.CannotRehearse) as refused:
        rehearsing.start(campaign=world.campaign, prospects=world.prospects, to=ME, now=world.now, by=None)
    assert "never checked" in refused.value.problems[0].message


def test_rehearses_a_draft_without_launching_it(mailbox, smtp, now):
    mailbox.verified_at = now
    mailbox.save(update_fields=["verified_at"])
    person, draft = factories.ProspectFactory(), factories.campaign(mailbox=mailbox)
    rehearsing.start(campaign=draft, prospects=[person], to=ME, now=now, by=None)
    planning.plan(now=now)
    delivery.deliver(mailbox_id=mailbox.pk, now=now, owner="test")
    assert [mail.recipient for mail in smtp.received] == [ME]
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_takes_an_answer_through_the_practice_mailbox(rehearse):
    world = rehearse(people=1)
    with pytest.raises(playing.CannotAnswer):
        rehearsing.answer(rehearsal=world.rehearsal, enrollment=way(world), text="Too early", now=world.now)
    world.tick()
    rehearsing.answer(rehearsal=world.rehearsal, enrollment=way(world), text="Tell me more.", now=world.now)
    world.tick(minutes=2)
    assert way(world).stop_reason == "replied"
    assert len(rehearsed(world)) == 1
    assert_nothing_counts(world)


def test_takes_no_invented_answer_into_a_real_mailbox(rehearse):
    world = rehearse(people=1)
    world.tick()
    Mailbox.objects.update(is_demo=False)
    rehearsal = Campaign.objects.get(pk=world.rehearsal.pk)
    with pytest.raises(playing.CannotAnswer):
        rehearsing.answer(rehearsal=rehearsal, enrollment=way(world), text="Hello", now=world.now)


def test_is_left_out_of_the_lists_of_the_api(rehearse, client_as):
    world = rehearse(people=1)
    world.tick(minutes=2)
    client = client_as("viewer")
    campaigns = client.get("/api/v1/campaigns/").json()["results"]
    assert [each["id"] for each in campaigns] == [str(world.campaign.public_id)]
    for path in ("enrollments", "messages"):
        rows = client.get(f"/api/v1/{path}/").json()["results"]
        assert {row["campaign"] for row in rows} == {str(world.campaign.public_id)}
    assert client.get(f"/api/v1/campaigns/{world.rehearsal.public_id}/").status_code == 404


def test_runs_from_the_page(running, client_as):
    world = running(people=2)
    client = client_as("operator")
    path = f"/campaigns/{world.campaign.public_id}/rehearse/"
    asked = client.get(path)
    assert world.prospects[0].first_name in asked.content.decode()
    assert world.mailbox.from_address in asked.content.decode()
    people = [str(person.public_id) for person in world.prospects]
    wrong = client.post(path, {"to": "nobody", "people": people}, format="multipart")
    assert b"problem" in wrong.content
    begun = client.post(path, {"to": ME, "people": people}, format="multipart")
    rehearsal = Campaign.objects.get(rehearsal_of=world.campaign)
    world.now = datetime.now(UTC)  # pages live by the wall clock
    assert begun["Location"] == f"/rehearsals/{rehearsal.public_id}/"
    world.tick()
    shown = client.get(begun["Location"]).content.decode()
    assert ME in shown
    assert "Hello Person" in shown
    live = f"/rehearsals/{rehearsal.public_id}/live/"
    assert client.get(live).status_code == 200
    enrollment = Enrollment.objects.filter(campaign=rehearsal).first()
    said = {"enrollment": str(enrollment.public_id), "text": "Yes, tell me more."}
    client.post(f"/rehearsals/{rehearsal.public_id}/answer/", said, format="multipart")
    world.tick(seconds=5)
    assert "you answered" in client.get(live).content.decode()
    assert "Send the next step now" in client.get(live).content.decode()
    client.post(f"/rehearsals/{rehearsal.public_id}/next/")
    before = len(world.smtp.received)
    world.tick(seconds=5)
    assert len(world.smtp.received) == before + 1  # the other person's second step, without the minutes between
    client.post(f"/rehearsals/{rehearsal.public_id}/end/")
    over = client.get(live)
    assert over.status_code == 286
    assert "The rehearsal is over" in over.content.decode()
    again = client.get(path)
    assert f'value="{ME}"' in again.content.decode()
    assert again.content.decode().count("checked") == 2  # last time's people


def test_hears_an_answer_after_the_last_step_too(rehearse):
    world = rehearse(people=1)
    for _ in range(4):
        world.tick(minutes=2)
    assert way(world).state == "finished"
    standing = rehearsal_report.standing(rehearsal=world.rehearsal, now=way(world).ended_at)
    assert (standing.is_over, standing.listens) == (True, True)
    rehearsing.answer(rehearsal=world.rehearsal, enrollment=way(world), text="Tell me more.", now=world.now)
    world.tick(minutes=2)
    assert way(world).stop_reason == "replied"
    standing = rehearsal_report.standing(rehearsal=world.rehearsal, now=world.now)
    assert not standing.listens
    assert "you answered" in standing.played[0].sentence
    assert_nothing_counts(world)


@pytest.mark.parametrize("people", [1, 4])
def test_shows_any_number_of_people_with_the_same_queries(rehearse, client_as, people, django_assert_max_num_queries):
    world = rehearse(people=people)
    world.tick()
    client = client_as("operator")
    for route, of, most in (
        ("rehearsal", world.rehearsal, 10),
        ("rehearsal-live", world.rehearsal, 10),
        ("campaign-rehearse", world.campaign, 14),
    ):
        with django_assert_max_num_queries(most):
            assert client.get(reverse(route, args=[of.public_id])).status_code == 200


def test_is_no_business_of_a_viewer(rehearse, client_as):
    world = rehearse(people=1)
    viewer = client_as("viewer")
    assert viewer.get(f"/campaigns/{world.campaign.public_id}/rehearse/").status_code == 403
    assert viewer.post(f"/rehearsals/{world.rehearsal.public_id}/end/").status_code == 403
    assert viewer.post(f"/rehearsals/{world.rehearsal.public_id}/answer/").status_code == 403
    assert viewer.get(f"/rehearsals/{world.campaign.public_id}/").status_code == 404
