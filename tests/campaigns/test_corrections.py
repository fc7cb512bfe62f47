"""A launch that begins with a few, and a correction to those who got what was wrong."""

import pytest
from django.urls import reverse

from campaigns import correcting, drafting, explaining, first_batches, lifecycle, revising, stopping
from campaigns.models import Campaign, Enrollment, Message, SequenceVersion, Step
from templates.models import TemplateVersion
from tests import factories
from tests.amounts import PROVING
from tests.campaigns.revising_stories import sequence, text
from tests.running import Running

pytestmark = pytest.mark.django_db(transaction=True)

ALL, WRONG = (373, 40) if PROVING else (37, 4)


@pytest.fixture
def begun(mailbox, smtp, imap, now):
    """`begun(people, first)` launches a campaign of two steps that begins with so many of its people."""

    def launch(people, first, names="AB"):
        for _ in range(people):
            factories.ProspectFactory()
        campaign = sequence(names, mailbox=mailbox)
        mailbox.verified_at = now
        mailbox.save(update_fields=["verified_at"])
        lifecycle.launch(campaign=campaign, now=now, by=None, first_batch=first)
        campaign.refresh_from_db()
        return Running(campaign, mailbox, smtp, imap, now)

    return launch


def days(world, count):
    world.days(count)


def letters(world):
    """By recipient the texts they got, in order."""
    found = {}
    for mail in world.smtp.received:
        found.setdefault(mail.recipient, []).append(mail.raw.decode())
    return found


def fix(world, says):
    """Publishes other words for the first step."""
    version = revising.begin(campaign=world.campaign, by=None)
    drafting.save_text(step=version.steps.get(position=1), subject="Hello", text=text(says))
    revising.publish(campaign=world.campaign, now=world.now, by=None)


def test_exactly_those_who_got_the_wrong_mail_get_one_correction_in_their_thread(begun):
    world = begun(ALL, WRONG)
    days(world, 1)
    assert len(world.smtp.received) == WRONG
    wrong = TemplateVersion.objects.get(pk=Message.objects.first().template_version_id)
    lifecycle.pause(campaign=world.campaign, by=None)
    fix(world, "Fixed")
    [told] = correcting.received(campaign=world.campaign)
    assert (told.version, told.step.position, told.people) == (wrong, 1, WRONG)
    correcting.correct(campaign=world.campaign, version=wrong, text=text("Sorry"), now=world.now, by=None)
    lifecycle.resume(campaign=world.campaign, by=None)
    first_batches.release(campaign=world.campaign, now=world.now, by=None)
    days(world, 4)
    received = letters(world)
    corrected = {who: mails for who, mails in received.items() if "[step A]" in mails[0]}
    others = {who: mails for who, mails in received.items() if who not in corrected}
    assert (len(corrected), len(received)) == (WRONG, ALL)
    for mails in corrected.values():
        assert [next(name for name in ("A", "Sorry", "B") if f"[step {name}]" in mail) for mail in mails] == [
            *("A", "Sorry", "B")
        ]
        first_id = mails[0].partition("Message-ID: ")[2].split("\r\n")[0]
        assert f"In-Reply-To: {first_id}" in mails[1]
    for mails in others.values():
        assert ["[step Fixed]" in mails[0], "[step B]" in mails[1], len(mails)] == [True, True, 2]
    ledger = Message.objects.filter(state="sent", prospect__email__in=corrected)
    assert (
        ledger.filter(text__contains="[step A]").count()
        == ledger.filter(text__contains="[step Sorry]").count()
        == WRONG
    )
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"finished"}


def test_reaches_who_had_finished_and_nobody_who_said_no(begun):
    world = begun(3, None, names="A")
    days(world, 1)
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"finished"}
    wrong = TemplateVersion.objects.get(pk=Message.objects.first().template_version_id)
    stopping.stop_person(prospect=Message.objects.first().prospect, reason="no")
    correcting.correct(campaign=world.campaign, version=wrong, text=text("Sorry"), now=world.now, by=None)
    days(world, 2)
    assert sum("[step Sorry]" in mail for mails in letters(world).values() for mail in mails) == 2


def test_the_others_wait_for_a_word_and_are_told_so(begun, client_as):
    world = begun(5, 2)
    days(world, 2)
    firsts = Message.objects.filter(step__position=1)
    assert firsts.count() == 2
    waiting = Enrollment.objects.filter(steps_handed_over=0).first()
    line = explaining.explain(prospect=waiting.prospect, campaign=world.campaign, now=world.now).lines[1]
    assert line.sentence.startswith("Held since ")
    assert line.sentence.endswith(": the first batch went out, and the others wait until somebody lets them go.")
    operator = client_as("operator")
    operator.default_format = "multipart"
    page = operator.get(reverse("campaign", args=[world.campaign.public_id])).content.decode()
    assert "Let the others go" in page
    operator.post(reverse("campaign-release", args=[world.campaign.public_id]))
    Enrollment.objects.filter(look_at__gt=world.now).update(look_at=world.now)  # the page reads the clock itself
    days(world, 1)
    assert firsts.count() == 5
    assert not first_batches.release(campaign=world.campaign, now=world.now, by=None)


def test_whoever_is_taken_out_before_the_first_mail_leaves_a_place(begun):
    world = begun(4, 2)
    world.tick(minutes=0)
    Message.objects.all()
    Campaign.objects.update(first_batch=3)
    days(world, 1)
    assert Message.objects.filter(step__position=1, state="sent").count() == 3


def test_launches_a_first_batch_on_the_page_and_by_api(client_as, now):
    for _ in range(3):
        factories.ProspectFactory()
    mailbox = factories.MailboxFactory(verified_at=now)
    operator = client_as("operator")
    first, second = factories.campaign(mailbox=mailbox, steps=1), factories.campaign(mailbox=mailbox, steps=1)
    answer = operator.post(f"/api/v1/campaigns/{first.public_id}/launch/", {"first_batch": 2}, format="json")
    assert answer.json() == {"enrolled": 3}
    told = operator.get(f"/api/v1/campaigns/{first.public_id}/").json()
    assert (told["first_batch"], told["released_at"]) == (2, None)
    assert operator.post(f"/api/v1/campaigns/{first.public_id}/release/").json()["released_at"]
    page = operator.post(
        reverse("campaign-launch", args=[second.public_id]), {"first_batch": "1"}, format="multipart", follow=True
    )
    assert "the first 1 at once" in page.content.decode()
    second.refresh_from_db()
    assert second.first_batch == 1


def test_corrects_on_the_page_and_by_api(begun, client_as):
    world = begun(2, None)
    days(world, 1)
    operator = client_as("operator")
    operator.default_format = "multipart"
    address = reverse("campaign-correct", args=[world.campaign.public_id])
    page = operator.get(address).content.decode()
    assert "2 people received it" in page
    version = TemplateVersion.objects.get(pk=Message.objects.first().template_version_id)
    wrong = {"version": str(version.public_id), "text": "There was a mistake in our last mail."}
    refused = operator.post(address, wrong)
    assert "no unsubscribe link" in refused.content.decode()
    assert SequenceVersion.objects.count() == 1
    operator.post(address, {"version": str(version.public_id), "text": text("Sorry")})
    assert Step.objects.filter(sequence_version__number=2).count() == 3
    again = {"version": str(version.public_id), "text": text("Sorry again")}
    by_api = operator.post(f"/api/v1/campaigns/{world.campaign.public_id}/correct/", again, format="json")
    assert by_api.status_code == 200
    nobody = {"version": str(factories.template().current_version().public_id), "text": text("X")}
    refused = operator.post(f"/api/v1/campaigns/{world.campaign.public_id}/correct/", nobody, format="json")
    assert refused.status_code == 409
