"""Leaving the demo world: everything invented goes, nothing real is touched, workers may run meanwhile."""

import contextlib
import imaplib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pghistory.models
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from accounts import onboarding
from accounts.models import Installation
from campaigns import delivery, inbound, lifecycle, planning, stopping
from campaigns.models import Campaign, Enrollment, Event, Message, SequenceVersion
from integrations import polling, sending
from integrations.models import InboundEvent, Mailbox
from outreach.demo import leaving, people, practising, serving, staging
from outreach.demo.behaviour import ACCELERATED
from outreach.demo.staging import Cast
from outreach.demo.visiting import InProcess
from outreach.demo.world import World
from prospects.models import ImportBatch, Note, Program, Prospect, Segment, Site, Suppression
from templates.models import Template
from tests import amounts, factories

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
OURS = ("campaigns", "integrations", "prospects", "templates")
PEOPLE = 40 if amounts.PROVING else 14  # the fewest who do everything there is


@pytest.fixture
def demo(transactional_db, tmp_path, settings):
    """A demo world an hour into its story: mails, bounces, answers, opt-outs."""
    settings.DATA_DIR = tmp_path
    languages = {person.email: person.language for person in people.shipped()}
    world = World(folder=tmp_path / "demo", seed=7, pace=ACCELERATED, visitor=InProcess(), languages=languages)
    with world:
        campaign = staging.ensure(world, cast=Cast(tag="", people=people.shipped()[:PEOPLE]), now=NOON)
        now = NOON
        for _ in range(4):
            now += timedelta(minutes=6)
            tick(campaign.mailbox, now)
            world.react(now=now)
        yield SimpleNamespace(world=world, campaign=campaign, now=now)


def tick(mailbox, now):
    polling.poll(mailbox=Mailbox.objects.get(pk=mailbox.pk))
    inbound.apply_waiting(now=now)
    planning.plan(now=now)
    return delivery.deliver(mailbox_id=mailbox.pk, now=now, owner="test")


def rows():
    """How many rows there are of everything that is ours; history tells that it was there, and stays."""
    models = [model for app in OURS for model in apps.get_app_config(app).get_models()]
    return {model.__name__: model.objects.count() for model in models if not issubclass(model, pghistory.models.Event)}


def test_leaves_nothing_of_the_demo_world(demo):
    person = Prospect.objects.first()
    Note.objects.create(prospect=person, text="A first try.")
    stopping.suppress(kind="address", value=person.email, reason="manual")
    there = rows()
    assert min(there[name] for name in ("Message", "Event", "Reply", "Suppression", "TrackedLink", "InboundEvent")) > 0
    counted = leaving.count()
    left = leaving.leave(by=None)
    assert left == counted
    assert (left.people, left.campaigns) == (PEOPLE, 1)
    assert {name: count for name, count in rows().items() if count} == {
        name: there[name] for name in ("SendingControl", "CountCursor") if there[name]
    }


def test_leaves_what_is_real_as_it_was(demo, smtp, imap, manager):
    mine = somebodys_own_work(smtp, imap, demo.now)
    stopping.suppress(kind="domain", value="rival.example", reason="manual", by=manager)
    before = {model: list(model.objects.order_by("pk").values()) for model in (Message, Enrollment, Event, Site)}
    leaving.leave(by=manager)
    assert list(Message.objects.order_by("pk").values()) == [
        row for row in before[Message] if row["campaign_id"] == mine.pk
    ]
    assert list(Enrollment.objects.order_by("pk").values()) == [
        row for row in before[Enrollment] if row["campaign_id"] == mine.pk
    ]
    assert set(Site.objects.values_list("domain", flat=True)) == {"mine.example"}
    assert set(Suppression.objects.values_list("value", flat=True)) == {"rival.example", "no@mine.example"}
    assert [Campaign.objects.get().state, Program.objects.count(), Segment.objects.count()] == ["running", 1, 1]
    assert Mailbox.objects.get() == mine.mailbox
    assert Template.objects.count() == 3


def somebodys_own_work(smtp, imap, now):
    """A real campaign that has written to one of two people; the other one opted out before."""
    for name in ("yes", "no"):
        factories.ProspectFactory(email=f"{name}@mine.example", tags=["mine"])
    stopping.suppress(kind="address", value="no@mine.example", reason="unsubscribed")
    mine = factories.SegmentFactory(filter={"field": "tags", "op": "contains", "value": "mine"})
    mailbox = factories.mailbox_on(smtp, imap, verified_at=now)
    campaign = factories.campaign(mailbox=mailbox, segment=mine)
    lifecycle.launch(campaign=campaign, now=now, by=None)
    tick(mailbox, now)
    assert Message.objects.filter(campaign=campaign, state="sent").count() == 1
    return campaign


def test_keeps_the_demo_mailbox_for_practice_when_a_real_campaign_uses_it(demo):
    factories.ProspectFactory(tags=["mine"])
    mine = factories.SegmentFactory(filter={"field": "tags", "op": "contains", "value": "mine"})
    factories.campaign(mailbox=demo.campaign.mailbox, segment=mine)
    leaving.leave(by=None)
    kept = Mailbox.objects.get()
    assert (kept.pk, kept.is_demo, kept.name) == (demo.campaign.mailbox_id, True, leaving.KEPT_NAME)
    assert sending.check(mailbox=kept, now=demo.now) == []


def test_keeps_words_that_a_real_campaign_uses(demo):
    lifecycle.create_campaign(
        name="Mine",
        program=demo.campaign.program,
        segment=demo.campaign.segment,
        mailbox=factories.MailboxFactory(),
        by=None,
    )
    leaving.leave(by=None)
    assert Program.objects.get().name == leaving.KEPT_PROGRAM
    assert Segment.objects.get().name == leaving.KEPT_SEGMENT
    assert Template.objects.count() == 0


def test_takes_demo_people_out_of_real_campaigns(demo):
    factories.ProspectFactory()
    everybody = factories.campaign(mailbox=demo.campaign.mailbox)
    lifecycle.launch(campaign=everybody, now=demo.now, by=None)
    planning.plan(now=demo.now)
    assert Enrollment.objects.filter(campaign=everybody).count() > 1
    leaving.leave(by=None)
    assert Enrollment.objects.get().prospect.is_demo is False
    assert Campaign.objects.get().state == "running"


def test_takes_rehearsals_of_the_demo_campaign_along(demo):
    rehearsal = Campaign.objects.create(
        name="Rehearsal",
        program=demo.campaign.program,
        segment=demo.campaign.segment,
        mailbox=demo.campaign.mailbox,
        rehearsal_of=demo.campaign,
        rehearsal_to="me@example.com",
        state="running",
    )
    SequenceVersion.objects.create(campaign=rehearsal, number=1)
    assert leaving.leave(by=None).campaigns == 1
    assert Campaign.objects.count() == 0


def test_notes_since_when_it_is_real_and_never_stages_again(demo, manager):
    leaving.leave(by=manager)
    assert onboarding.is_real()
    first = Installation.objects.get()
    assert first.started_by == manager
    assert leaving.leave(by=None) == leaving.Left()
    assert Installation.objects.get().real_since == first.real_since


def test_refuses_while_a_mail_is_being_handed_over(demo, monkeypatch):
    monkeypatch.setattr(leaving, "PATIENCE", 1)
    Message.objects.filter(pk=Message.objects.filter(state="sent").first().pk).update(state="sending", lease_token=1)
    with pytest.raises(leaving.StillSending):
        leaving.leave(by=None)
    assert not onboarding.is_real()
    assert Campaign.objects.get().state == "paused"


def test_is_safe_while_workers_run(demo):
    """Ticks go on in another thread; afterwards nothing is left, and no tick has failed for longer than a moment."""
    done, failed = threading.Event(), []

    def work():
        clock = demo.now
        while not done.is_set():
            clock += timedelta(seconds=20)
            try:
                with contextlib.suppress(Mailbox.DoesNotExist):
                    tick(demo.campaign.mailbox, clock)
                demo.world.react(now=clock)
            except DatabaseError as error:
                failed.append(error)
        connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(work)
        try:
            leaving.leave(by=None)
        finally:
            done.set()
    assert len(failed) <= 1
    assert [model.objects.count() for model in (Message, Enrollment, Event, InboundEvent, Prospect)] == [0] * 5


# --- practice mailboxes ---


@pytest.fixture
def served(transactional_db, settings, tmp_path):
    """`served()` starts the demo process in a thread, as `manage.py demo` does; a second call is a restart."""
    settings.DATA_DIR = tmp_path
    pool, running = ThreadPoolExecutor(max_workers=1), []

    def end():
        for stopped, future in running:
            stopped.set()
            future.result(timeout=30)
        running.clear()

    def begin():
        end()
        stopped = threading.Event()

        def serve():
            try:
                serving.serve(stopped=stopped)
            finally:
                connections.close_all()

        running.append((stopped, pool.submit(serve)))
        return running[-1][1]

    yield begin
    end()
    pool.shutdown()


def until(true):
    patience = threading.Event()
    for _ in range(200):
        if true():
            return
        patience.wait(0.1)
    raise AssertionError("It never came.")


def test_opens_a_practice_mailbox_that_works_at_once(served):
    onboarding.begin(by=None)
    served()
    until(lambda: practising.ports() is not None)
    mailbox, wrong = practising.open_mailbox(now=timezone.now())
    assert wrong == []
    assert (mailbox.from_address, mailbox.is_demo, mailbox.daily_cap) == (practising.ADDRESS, True, practising.CAP)
    assert mailbox.verified_at is not None
    again, _ = practising.open_mailbox(now=timezone.now(), from_name="Ada Byron")
    assert (again.pk, again.from_name) == (mailbox.pk, "Ada Byron")


def test_finds_the_practice_mailbox_again_after_a_restart_and_stages_nothing(served):
    onboarding.begin(by=None)
    served()
    until(lambda: practising.ports() is not None)
    practising.open_mailbox(now=timezone.now())
    Mailbox.objects.update(
        smtp_port=1, imap_port=1, imap_password="typed wrong"
    )  # as if another program had taken the ports meanwhile
    served()
    until(lambda: not sending.check(mailbox=Mailbox.objects.get(), now=timezone.now()))
    assert not Campaign.objects.exists()
    assert not Prospect.objects.exists()


def test_nobody_reacts_to_practice(served, now):
    onboarding.begin(by=None)
    served()
    until(lambda: practising.ports() is not None)
    mailbox, _ = practising.open_mailbox(now=now)
    for person in people.shipped()[:30]:  # the same addresses, as real people now
        factories.ProspectFactory(email=person.email)
    Mailbox.objects.update(gap_seconds=0)
    campaign = factories.campaign(mailbox=mailbox, steps=1)
    lifecycle.launch(campaign=campaign, now=now, by=None)
    tick(mailbox, now)
    tick(mailbox, now + timedelta(minutes=5))
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}
    assert not Event.objects.exists()
    assert not InboundEvent.objects.exists()


def test_leaves_the_running_demo_and_goes_on_as_practice_servers(served, client_as):
    process = served()
    until(lambda: Campaign.objects.filter(state="running").exists())
    mailbox, wrong = practising.open_mailbox(now=timezone.now())
    assert wrong == []
    assert client_as("administrator").post("/setup/start/").url == "/setup/"
    assert not process.done()
    assert list(Mailbox.objects.all()) == [mailbox]
    assert not ImportBatch.objects.exists()
    assert sending.check(mailbox=mailbox, now=timezone.now()) == []


def test_takes_an_answer_into_a_practice_inbox(served):
    onboarding.begin(by=None)
    served()
    until(lambda: practising.ports() is not None)
    mailbox, _ = practising.open_mailbox(now=timezone.now())
    append(mailbox, b"From: me@example.com\r\nTo: practice@outreach.example\r\nSubject: Re: Hello\r\n\r\nYes.\r\n")
    assert polling.poll(mailbox=mailbox) == 1
    assert b"Subject: Re: Hello" in bytes(InboundEvent.objects.get().raw)


def append(mailbox, raw):
    with imaplib.IMAP4("127.0.0.1", mailbox.imap_port) as client:
        client.login(mailbox.imap_username, mailbox.imap_password)
        assert client.append("INBOX", None, None, raw)[0] == "OK"


def test_says_so_when_no_servers_run(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    with pytest.raises(practising.CannotPractise, match="not running"):
        practising.open_mailbox(now=timezone.now())


def test_refuses_the_address_of_a_real_mailbox(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    (tmp_path / "demo").mkdir()
    practising.announce(practising.Ports(smtp_port=1, imap_port=1))
    factories.MailboxFactory(from_address="ada@outreach.example", is_demo=False)
    with pytest.raises(practising.CannotPractise, match="real mailbox"):
        practising.open_mailbox(now=timezone.now(), from_address="Ada@outreach.example")


def test_one_process_at_a_time_builds_or_removes_a_world(transactional_db, monkeypatch):
    monkeypatch.setattr(staging, "PATIENCE", 0.5)
    with connections.create_connection("default").cursor() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [staging.LOCK])
        with pytest.raises(staging.CannotStage, match="right now"):
            leaving.leave(by=None)
        other.execute("SELECT pg_advisory_unlock(%s)", [staging.LOCK])
        other.connection.close()
    assert connection.is_usable()
