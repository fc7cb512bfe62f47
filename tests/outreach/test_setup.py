"""The set-up steps: each is ticked by what is true, the next one stands out, and starting for real asks first."""

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts import onboarding
from accounts.models import User
from campaigns import reaching
from campaigns.models import Campaign
from integrations.models import Mailbox
from outreach import setup
from outreach.demo import staging
from prospects.models import Prospect
from tests import factories

PUBLIC = "https://outreach.example.com"


@pytest.fixture(autouse=True)
def _nothing_remembered(settings, tmp_path):
    cache.clear()
    settings.DATA_DIR = tmp_path


def page(client_as, role="administrator"):
    return client_as(role).get(reverse("setup")).content.decode()


def following(text):
    """The heading of the step that stands out."""
    return text.partition('aria-current="step"')[2].partition("<h2>")[2].partition(" <")[0]


def demo_world():
    """As the demo process leaves it, without its servers."""
    mailbox = factories.MailboxFactory(
        name="Demo: partners", from_address="partners@lumentea.example", verified_at=timezone.now()
    )
    factories.ProspectFactory(is_demo=True)
    program = factories.ProgramFactory(name=staging.PROGRAM)
    campaign = factories.campaign(mailbox=mailbox, program=program, is_demo=True)
    Campaign.objects.filter(pk=campaign.pk).update(state="running", launched_at=timezone.now())
    return campaign


def test_begins_with_the_program(client_as, db):
    text = page(client_as)
    assert following(text) == "Describe your program"
    assert "0 of 5 done" in text


def test_ticks_nothing_for_the_demo_world_and_says_to_start_for_real(client_as, db):
    demo_world()
    text = page(client_as)
    assert "0 of 5 done" in text
    assert "First: start for real" in text
    assert reverse("setup-start") in text
    assert "An administrator can do that." in page(client_as, "manager")


def test_goes_from_step_to_step_to_the_end(client_as, db, settings):
    seen = []
    settings.PUBLIC_URL = PUBLIC
    cache.set(reaching.key(url=PUBLIC), "", 60)
    mailbox = factories.MailboxFactory(is_demo=False)
    for step in (
        lambda: factories.ProgramFactory(),
        lambda: Mailbox.objects.update(verified_at=timezone.now()),
        lambda: factories.ProspectFactory(),
        lambda: Campaign.objects.update(launched_at=timezone.now()),
    ):
        seen.append(following(page(client_as)))
        step()
        if Prospect.objects.exists() and not Campaign.objects.exists():
            factories.campaign(mailbox=mailbox)
    assert seen == ["Describe your program", "Connect a mailbox", "Bring in people", "Launch the first campaign"]
    assert "All set" in page(client_as)


def test_wants_a_postal_address_of_the_program(db):
    factories.ProgramFactory(postal_address="")
    assert not setup.steps(public=setup.address())[0].done


def test_counts_no_rehearsal_as_a_campaign(db):
    campaign = factories.campaign()
    Campaign.objects.create(
        name="Rehearsal",
        program=campaign.program,
        segment=campaign.segment,
        mailbox=campaign.mailbox,
        rehearsal_of=campaign,
        rehearsal_to="me@example.com",
        launched_at=timezone.now(),
    )
    assert not setup.steps(public=setup.address())[-1].done


def test_an_address_of_this_machine_is_fine_for_practice_and_holds_nobody_up(client_as, db):
    factories.ProgramFactory()
    text = page(client_as)
    assert "That is fine for practice." in text
    assert following(text) == "Connect a mailbox"


def test_asks_a_public_address_only_when_told(client_as, db, settings, live_server):
    settings.PUBLIC_URL = PUBLIC
    assert "not checked in the last minute" in page(client_as)
    cache.set(reaching.key(url=PUBLIC), "Nobody answers at all.", 60)
    text = page(client_as)
    assert "Nobody answers at all." in text
    assert "?check" in text


def test_a_part_is_the_answer_about_the_address_alone(client_as, db):
    part = client_as("viewer").get(reverse("setup"), {"check": ""}, headers={"HX-Request": "true"})
    assert "fine for practice" in part.content.decode()
    assert "<h1>" not in part.content.decode()


def test_counts_a_practice_mailbox_and_says_so(client_as, db):
    factories.MailboxFactory(verified_at=timezone.now(), from_address="practice@outreach.example")
    text = page(client_as)
    assert "its mails never leave this machine" in text
    assert "Use a practice mailbox" not in text
    assert "writes as" in text


def test_asks_for_a_persons_name_and_keeps_the_address_for_later(client_as, db):
    text = page(client_as)
    assert 'name="from_name" value=""' in text
    assert "For later" in text
    assert 'id="next"' in text


def test_costs_the_same_with_many_rows(client_as, db, django_assert_num_queries):
    client = client_as("administrator")
    address = reverse("setup")
    factories.campaign(mailbox=factories.MailboxFactory(verified_at=timezone.now()))
    factories.ProspectFactory()
    with django_assert_num_queries(11):
        client.get(address)
    for _ in range(4):
        factories.campaign(mailbox=factories.MailboxFactory(verified_at=timezone.now()))
        factories.ProspectFactory()
    with django_assert_num_queries(11):  # "setup"
        client.get(address)


def test_asks_before_it_removes_the_demo_world_and_names_what_goes(client_as, db):
    demo_world()
    asked = client_as("administrator").get(reverse("setup-start")).content.decode()
    assert "the 1 invented people" not in asked
    assert "1 invented person" in asked
    assert "1 demo campaign" in asked
    assert "be undone" in asked
    assert Campaign.objects.filter(is_demo=True).exists()


def test_removes_the_demo_world_and_goes_on_with_the_steps(client_as, transactional_db):
    demo_world()
    factories.ProspectFactory()
    client = client_as("administrator")
    assert client.post(reverse("setup-start")).url == reverse("setup")
    assert onboarding.is_real()
    assert Prospect.objects.get().is_demo is False
    text = client.get(reverse("setup")).content.decode()
    assert "The demo world is gone, with 1 person and 0 mails." in text
    assert "First: start for real" not in text
    assert client.get(reverse("setup-start")).url == reverse("setup")


def test_says_when_the_practice_servers_are_not_there(client_as, db):
    client = client_as("manager")
    assert client.post(reverse("setup-practice"), {"from_name": "Ada"}, format="multipart").url == reverse("setup")
    assert "practice servers are not running" in client.get(reverse("setup")).content.decode()


def test_refuses_what_is_no_address_for_practice(client_as, db):
    client = client_as("manager")
    client.post(reverse("setup-practice"), "from_address=nobody", content_type="application/x-www-form-urlencoded")
    assert "is not one" in client.get(reverse("setup")).content.decode()


def test_asks_in_whose_name_a_practice_mailbox_writes(client_as, db):
    client = client_as("manager")
    user = User.objects.get()
    User.objects.filter(pk=user.pk).update(first_name="Grace", last_name="Hopper")
    assert 'name="from_name" value="Grace Hopper"' in client.get(reverse("setup")).content.decode()
    assert 'name="from_name" value="Grace Hopper"' in client.get(reverse("mailbox-add")).content.decode()
    client.post(reverse("setup-practice"), {"from_name": " "}, format="multipart")
    assert "in whose name" in client.get(reverse("setup")).content.decode()


@pytest.mark.parametrize(("role", "start", "practice"), [("viewer", 403, 403), ("manager", 403, 302)])
def test_keeps_each_role_to_its_own(client_as, db, role, start, practice):
    client = client_as(role)
    assert client.get(reverse("setup")).status_code == 200
    assert client.get(reverse("setup-start")).status_code == start
    assert client.post(reverse("setup-start")).status_code == start
    assert client.post(reverse("setup-practice")).status_code == practice
