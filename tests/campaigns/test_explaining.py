"""Why, and why not, in words."""

from datetime import time

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from campaigns import approving, explaining, lines, planning, stopping, wording
from campaigns.models import Enrollment, Message, Step
from integrations.models import Mailbox
from prospects.models import Prospect
from tests import factories
from tests.campaigns import mails

pytestmark = pytest.mark.django_db(transaction=True)


def sentences(world):
    found = explaining.explain(prospect=world.prospects[0], campaign=world.campaign, now=world.now)
    return [line.sentence for line in found.lines]


def what(world, position):
    arm = Step.objects.get(position=position).arms.select_related("template_version__template").get()
    return f"“{arm.template_version}” from {world.mailbox.from_address}"


def test_tells_what_was_sent_and_what_comes_next(running):
    world = running()
    world.tick()
    summary, first, second, third = sentences(world)
    assert summary == "Under way: 1 of 3 steps done, 2 to come."
    assert first.startswith("Sent 2026-03-04 12:00 UTC: “Template")
    assert world.mailbox.from_address in first
    assert second == (
        f"Goes out by itself about 2026-03-05 12:00 UTC, unless they answer or say no first: {what(world, 2)}. "
        "Why then: 1 day after step 1, which was sent 2026-03-04 12:00 UTC."
    )
    assert third == "Comes 1 day after step 2, unless they answer or say no first."  # this world's hours never end


def test_counts_the_wait_from_the_mail_before(running):
    world = running()
    Step.objects.filter(position=2).update(delay=3, delay_unit="business_days")
    world.tick()
    sentence = sentences(world)[2]
    assert sentence == (
        f"Goes out by itself about 2026-03-09 12:00 UTC, unless they answer or say no first: {what(world, 2)}. "
        "Why then: 3 business days after step 1, which was sent 2026-03-04 12:00 UTC."
    )


def test_tells_why_a_planned_message_is_held(running, manager):
    world = running()
    planning.plan(now=world.now)
    stopping.stop_all(by=manager)
    assert "Held: all sending is stopped." in sentences(world)[1]


def test_tells_why_somebody_is_held_or_waits(running):
    world = running()
    Prospect.objects.update(held_at=world.now, hold_reason="ask Ada")
    assert sentences(world)[1] == (
        "Held: this person is on hold (ask Ada). If that is lifted now, it goes out within minutes."
    )
    Prospect.objects.update(held_at=None)
    Mailbox.objects.update(daily_cap=0)
    assert "daily cap" in sentences(world)[1]


def test_tells_why_it_stopped(running):
    world = running()
    world.tick()
    message = Message.objects.select_related("mailbox").get()
    world.answers(mails.reply(message, sender=message.recipient, text="Who are you?"))
    world.tick(days=1)
    said = sentences(world)
    ended = lines.in_utc(Enrollment.objects.get().ended_at)
    assert said[0] == f"Stopped {ended}: the person answered."
    assert said[2] == "Not sent: the person answered."


def test_tells_what_the_server_said(running):
    world = running()
    world.smtp.behaviour = lambda recipient, message, stage: "550 5.1.1 nobody here" if stage == "rcpt" else None
    world.tick()
    assert "it did not reach them" in sentences(world)[1]
    assert "Their mail server says that there is no such address." in sentences(world)[1]
    line = explaining.explain(prospect=world.prospects[0], campaign=world.campaign, now=world.now).lines[1]
    assert "550 5.1.1 nobody here" in line.values["server"]


def test_says_in_their_words_what_has_no_plain_ones(running):
    world = running()
    world.smtp.behaviour = lambda recipient, message, stage: "554 go away" if stage == "rcpt" else None
    world.tick()
    assert "their mail server said: “554 go away”." in sentences(world)[1]


def test_says_when_the_sending_hours_begin_that_it_waits_for(running):
    world = running()
    Step.objects.filter(position=2).update(delay=3, delay_unit="days", window_start=time(15), window_end=time(17))
    world.tick()
    assert sentences(world)[2] == (
        f"Goes out by itself about 2026-03-07 15:00 UTC, unless they answer or say no first: {what(world, 2)}. "
        "Its time is 2026-03-07 12:00 UTC, 3 days after step 1, which was sent 2026-03-04 12:00 UTC; "
        "that is outside the hours of this step (every day, 15:00 to 17:00 in UTC)."
    )


def test_counts_the_wait_from_a_step_that_was_left_out(running):
    world = running()
    Step.objects.filter(position=2).update(condition={"field": "tags", "op": "is", "value": "shop"})
    world.tick()
    world.tick(days=1)
    _, _, second, third = sentences(world)
    assert second == (
        "Left out 2026-03-05 12:00 UTC: this step is only for people with: tag is “shop”; that was not so for them."
    )
    assert third.endswith("Why then: 1 day after step 2, which was left out 2026-03-05 12:00 UTC.")


def test_counts_the_wait_from_a_message_that_somebody_left_out(running, manager):
    world = running()
    Step.objects.filter(position=1).update(needs_approval=True)
    world.tick()
    approving.leave_out(message=Message.objects.get(), now=world.now, by=manager)
    assert sentences(world)[2].endswith("Why then: 1 day after step 1, which was left out.")


def test_counts_apart_what_would_be_left_out(running):
    world = running()
    Step.objects.filter(position=3).update(condition={"field": "tags", "op": "is", "value": "shop"})
    world.tick()
    summary, _, _, third = sentences(world)
    assert summary == "Under way: 1 of 3 steps done, 1 to come, 1 would be left out."
    assert third.endswith(
        "It is only for people with: tag is “shop”; as it is now, that is not so for them, and it would be left out."
    )
    Prospect.objects.update(tags=["shop"])
    summary, _, _, third = sentences(world)
    assert summary == "Under way: 1 of 3 steps done, 2 to come."
    assert third.endswith("as it is now, that is so for them.")


def test_every_rule_has_words():
    for rule in ("suppressed", "mailbox_blind", "window_closed", "cannot_compose", "same_recipient"):
        assert rule in wording.WORDS


def test_the_command_finds_people_by_address_in_any_spelling(running, capsys):
    world = running()
    call_command("explain", world.prospects[0].email.upper(), world.campaign.name)
    assert "Under way" in capsys.readouterr().out
    call_command("explain", str(world.prospects[0].public_id), str(world.campaign.public_id))
    with pytest.raises(CommandError, match="Nobody is known"):
        call_command("explain", "stranger@nowhere.example", world.campaign.name)
    with pytest.raises(CommandError, match="No campaign"):
        call_command("explain", world.prospects[0].email, "none")


def test_says_so_when_somebody_was_never_enrolled(running):
    world = running()
    world.prospects = [factories.ProspectFactory()]
    assert sentences(world) == ["This person was never enrolled in this campaign."]


def test_shows_every_step_with_its_reason_on_a_page(running, client_as):
    world = running()
    world.tick()
    person, viewer = world.prospects[0], client_as("viewer")
    address = reverse("prospect-why", args=[person.public_id, world.campaign.public_id])
    assert address in viewer.get(reverse("prospect", args=[person.public_id])).content.decode()
    assert address in viewer.get(reverse("campaign-people", args=[world.campaign.public_id])).content.decode()
    page = viewer.get(address).content.decode()
    assert "Under way: 1 of 3 steps done, 2 to come." in page
    assert "Sent Wed 4 Mar 2026 12:00" in page
    assert world.mailbox.from_address in page
    Prospect.objects.update(held_at=world.now, hold_reason="ask Ada")
    assert "Held: this person is on hold (ask Ada)." in viewer.get(address).content.decode()
    stopping.stop_person(prospect=person, reason="no")
    page = viewer.get(address).content.decode()
    assert ": this person must not be written to." in page
    assert "Not sent: this person must not be written to." in page


def test_says_what_is_known_of_somebody_whose_next_step_is_in_no_version(running):
    world = running()
    Enrollment.objects.update(next_step_key="gone")
    assert " after what they got before" in sentences(world)[1]


def test_says_what_to_do_and_where(running, client_as):
    world = running()
    person, viewer = world.prospects[0], client_as("viewer")
    Prospect.objects.update(protected_at=world.now)
    address = reverse("prospect-why", args=[person.public_id, world.campaign.public_id])
    page = viewer.get(address).content.decode()
    assert "Held: nothing was sent yet, 3 to come." in page
    assert "Held: this person is protected (a manager decides)." in page
    assert "A manager, or whoever looks after them, can lift that on their page." in page
    assert "If that is lifted now, it goes out within minutes." in page
    assert f"Its text for {person.first_name}" in page
    assert f"Hello {person.first_name}" in page
    assert (
        "this person is protected"
        in viewer.get(reverse("campaign-people", args=[world.campaign.public_id])).content.decode()
    )
    answer = viewer.get(reverse("api-campaigns-explanation", args=[world.campaign.public_id, person.public_id]))
    assert "can lift that on their page" in answer.json()["lines"][1]["what_to_do"]


def test_a_mail_that_came_back_is_not_shown_as_sent(running, client_as):
    world = running()
    world.tick()
    message = Message.objects.get()
    Message.objects.update(outcome="bounced")
    line = explaining.explain(prospect=world.prospects[0], campaign=world.campaign, now=world.now).lines[1]
    assert line.verdict == lines.CAME_BACK
    assert "It came back: it did not reach them." in line.sentence
    page = client_as("viewer").get(
        reverse("prospect-why", args=[world.prospects[0].public_id, world.campaign.public_id])
    )
    assert reverse("message", args=[message.public_id]) in page.content.decode()


def test_says_in_words_that_a_server_asked_us_to_come_back(running):
    world = running()
    world.smtp.behaviour = lambda recipient, message, stage: "451 4.7.1 later" if stage == "rcpt" else None
    world.tick()
    line = explaining.explain(prospect=world.prospects[0], campaign=world.campaign, now=world.now).lines[1]
    assert line.verdict == lines.PUT_OFF
    assert line.sentence.startswith(
        "Tried 2026-03-04 12:00 UTC: their mail server asked us to come back later, which is common; "
    )
    assert "The next try is about 2026-03-04 12:30 UTC" in line.sentence
    assert "4.7.1 later" in line.values["server"]
